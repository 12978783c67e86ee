-- A database as the first version of the tables left it: one evaluation that is open, and one that is finished. Never
-- edited: it stands for those that are out there.
PRAGMA application_id = 0x41535359;
CREATE TABLE evaluations (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  attempt INTEGER NOT NULL,
  attempts_max INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  backend TEXT NOT NULL,
  runtime TEXT NOT NULL,
  labels TEXT NOT NULL,
  idempotency_key TEXT,
  body_digest INTEGER NOT NULL,
  limit_wall_time_ms INTEGER NOT NULL,
  limit_cpu_time_ms INTEGER NOT NULL,
  limit_memory_bytes INTEGER NOT NULL,
  limit_processes INTEGER NOT NULL,
  limit_output_bytes INTEGER NOT NULL,
  limit_disk_bytes INTEGER NOT NULL,
  limit_file_bytes INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  starting_at INTEGER,
  running_at INTEGER,
  sealing_at INTEGER,
  finished_at INTEGER,
  started_at INTEGER,
  verdict TEXT,
  exit_code INTEGER,
  signal INTEGER,
  retryable INTEGER,
  limit_hit TEXT,
  limit_value INTEGER,
  limit_measured INTEGER,
  reason TEXT,
  wall_time_us INTEGER,
  cpu_time_us INTEGER,
  memory_peak_bytes INTEGER,
  processes_peak INTEGER,
  isolation INTEGER,
  order_cut INTEGER,
  stdout_bytes INTEGER,
  stdout_omitted_bytes INTEGER,
  stdout_head_bytes INTEGER,
  stderr_bytes INTEGER,
  stderr_omitted_bytes INTEGER,
  stderr_head_bytes INTEGER,
  compile_bytes INTEGER,
  compile_omitted_bytes INTEGER,
  compile_head_bytes INTEGER
) STRICT;
CREATE UNIQUE INDEX evaluations_by_key ON evaluations(idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX evaluations_open ON evaluations(sequence) WHERE verdict IS NULL;
CREATE INDEX evaluations_by_verdict ON evaluations(verdict, sequence) WHERE verdict IS NOT NULL;
CREATE TABLE plans (
  sequence INTEGER PRIMARY KEY REFERENCES evaluations(sequence),
  plan BLOB NOT NULL
) STRICT;
CREATE TABLE outputs (
  sequence INTEGER PRIMARY KEY REFERENCES evaluations(sequence),
  stdout_file INTEGER NOT NULL,
  stderr_file INTEGER NOT NULL,
  compile_file INTEGER NOT NULL,
  stdout BLOB,
  stderr BLOB,
  compile BLOB,
  runs BLOB
) STRICT;
CREATE TABLE labels (
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  verdict TEXT,
  PRIMARY KEY (key, value, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_verdict ON labels(key, value, verdict, sequence) WHERE verdict IS NOT NULL;

INSERT INTO evaluations (sequence, id, attempt, attempts_max, priority, backend, runtime, labels, idempotency_key,
  body_digest, limit_wall_time_ms, limit_cpu_time_ms, limit_memory_bytes, limit_processes, limit_output_bytes,
  limit_disk_bytes, limit_file_bytes, queued_at)
VALUES (1, '20261122_195800_00000001', 2, 3, -7, 'native', 'python', '{"run":"42"}', 'a key', 12345, 30000, 30000,
  536870912, 64, 1048576, 104857600, 104857600, 1790000000001);
INSERT INTO plans VALUES (1, x'6120706c616e');
INSERT INTO labels VALUES ('run', '42', 1, NULL);
INSERT INTO evaluations VALUES (2, '20261122_195800_00000002', 1, 1, 0, 'native', '', '{"run":"42"}', NULL, 0, 30000,
  30000, 536870912, 64, 1048576, 104857600, 104857600, 1790000000002, 1790000000003, 1790000000004, 1790000000005,
  1790000000006, 1790000000004, 'failed', 1, 0, 0, NULL, 0, 0, 'exited with code 1', 12000, 11000, 9437184, 3, 4095, 0,
  5, 0, 5, 3, 0, 3, 0, 0, 0);
INSERT INTO outputs VALUES (2, 0, 0, 0, x'68656c6c6f', x'6f6f70', NULL, NULL);
INSERT INTO labels VALUES ('run', '42', 2, 'failed');
PRAGMA user_version = 1;
