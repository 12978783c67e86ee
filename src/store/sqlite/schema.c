#include "store/sqlite/schema.h"

#include "store/sqlite/sql.h"

#include <stdio.h>

/*
 * evaluations  one row each, and nothing long in it, so that a list reads few pages. `verdict` is NULL while it is
 * open; what only an end can tell stays NULL until then. plans        only of open ones, for they are most of the
 * bytes, and of finished ones whose label asks for it (STORE_LABEL_KEEP). outputs      of finished ones with at least one byte. A stream is NULL when
 * nothing was kept of it, or when it is a file outputs/<id>.<stream>: then its _file is 1. labels       one row a
 * label, keyed as it is searched. `verdict` is repeated here, so that a search by label and verdict does not walk
 * through all evaluations of that label. No foreign key: that would need one more index, for nothing but to look for
 * what the store never leaves behind.
 *
 * AUTOINCREMENT: a sequence is a client's cursor, so it is not given twice, even when the newest rows were removed.
 */
static const char *const migrations[] = {
  "CREATE TABLE evaluations ("
  "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  id TEXT NOT NULL UNIQUE,"
  "  attempt INTEGER NOT NULL,"
  "  attempts_max INTEGER NOT NULL,"
  "  priority INTEGER NOT NULL,"
  "  backend TEXT NOT NULL,"
  "  runtime TEXT NOT NULL,"
  "  labels TEXT NOT NULL,"
  "  idempotency_key TEXT,"
  "  body_digest INTEGER NOT NULL,"
  "  limit_wall_time_ms INTEGER NOT NULL,"
  "  limit_cpu_time_ms INTEGER NOT NULL,"
  "  limit_memory_bytes INTEGER NOT NULL,"
  "  limit_processes INTEGER NOT NULL,"
  "  limit_output_bytes INTEGER NOT NULL,"
  "  limit_disk_bytes INTEGER NOT NULL,"
  "  limit_file_bytes INTEGER NOT NULL,"
  "  queued_at INTEGER NOT NULL,"
  "  starting_at INTEGER,"
  "  running_at INTEGER,"
  "  sealing_at INTEGER,"
  "  finished_at INTEGER,"
  "  started_at INTEGER,"
  "  verdict TEXT,"
  "  exit_code INTEGER,"
  "  signal INTEGER,"
  "  retryable INTEGER,"
  "  limit_hit TEXT,"
  "  limit_value INTEGER,"
  "  limit_measured INTEGER,"
  "  reason TEXT,"
  "  wall_time_us INTEGER,"
  "  cpu_time_us INTEGER,"
  "  memory_peak_bytes INTEGER,"
  "  processes_peak INTEGER,"
  "  isolation INTEGER,"
  "  order_cut INTEGER,"
  "  stdout_bytes INTEGER,"
  "  stdout_omitted_bytes INTEGER,"
  "  stdout_head_bytes INTEGER,"
  "  stderr_bytes INTEGER,"
  "  stderr_omitted_bytes INTEGER,"
  "  stderr_head_bytes INTEGER,"
  "  compile_bytes INTEGER,"
  "  compile_omitted_bytes INTEGER,"
  "  compile_head_bytes INTEGER"
  ") STRICT;"
  "CREATE UNIQUE INDEX evaluations_by_key ON evaluations(idempotency_key) WHERE idempotency_key IS NOT NULL;"
  "CREATE INDEX evaluations_open ON evaluations(sequence) WHERE verdict IS NULL;"
  "CREATE INDEX evaluations_by_verdict ON evaluations(verdict, sequence) WHERE verdict IS NOT NULL;"
  "CREATE TABLE plans ("
  "  sequence INTEGER PRIMARY KEY REFERENCES evaluations(sequence),"
  "  plan BLOB NOT NULL"
  ") STRICT;"
  "CREATE TABLE outputs ("
  "  sequence INTEGER PRIMARY KEY REFERENCES evaluations(sequence),"
  "  stdout_file INTEGER NOT NULL,"
  "  stderr_file INTEGER NOT NULL,"
  "  compile_file INTEGER NOT NULL,"
  "  stdout BLOB,"
  "  stderr BLOB,"
  "  compile BLOB,"
  "  runs BLOB"
  ") STRICT;"
  "CREATE TABLE labels ("
  "  key TEXT NOT NULL,"
  "  value TEXT NOT NULL,"
  "  sequence INTEGER NOT NULL,"
  "  verdict TEXT,"
  "  PRIMARY KEY (key, value, sequence)"
  ") STRICT, WITHOUT ROWID;"
  "CREATE INDEX labels_by_verdict ON labels(key, value, verdict, sequence) WHERE verdict IS NOT NULL;",

  /* 2: images, and the state in which they are fetched; cancellations that survive a crash. */
  "ALTER TABLE evaluations ADD COLUMN image TEXT;"
  "ALTER TABLE evaluations ADD COLUMN preparing_at INTEGER;"
  "ALTER TABLE evaluations ADD COLUMN progress TEXT;"
  "ALTER TABLE evaluations ADD COLUMN cancelled_at INTEGER;",

  /* 3: access tokens, and which of them an evaluation was submitted with. */
  "CREATE TABLE tokens ("
  "  name TEXT PRIMARY KEY,"
  "  digest BLOB NOT NULL,"
  "  scopes TEXT NOT NULL,"
  "  limits TEXT NOT NULL,"
  "  created_at INTEGER NOT NULL"
  ") STRICT, WITHOUT ROWID;"
  "ALTER TABLE evaluations ADD COLUMN token TEXT;",
  /*
   * 4: webhooks: who is to be told, and how far that has come. A row is made with the verdict that it tells. `host` is scheme, host
   * and port of the URL, by which deliveries take turns. due_at is NULL where nothing is to be done any more, so that the indexes
   * hold only what is.
   */
  "ALTER TABLE evaluations ADD COLUMN callback_url TEXT;"
  "CREATE TABLE deliveries ("
  "  sequence INTEGER PRIMARY KEY REFERENCES evaluations(sequence),"
  "  host TEXT NOT NULL,"
  "  state TEXT NOT NULL,"
  "  attempts INTEGER NOT NULL,"
  "  asked_at INTEGER NOT NULL,"
  "  due_at INTEGER,"
  "  tried_at INTEGER NOT NULL,"
  "  status INTEGER NOT NULL,"
  "  message TEXT NOT NULL"
  ") STRICT;"
  "CREATE INDEX deliveries_by_host ON deliveries(host, due_at) WHERE due_at IS NOT NULL;"
  "CREATE INDEX deliveries_by_time ON deliveries(due_at) WHERE due_at IS NOT NULL;",

  /* 5: batches. What is counted of one stands in its row, so that nobody walks through a million evaluations to know it.
   * batch_place is the place in the order of completion. */
  "ALTER TABLE evaluations ADD COLUMN batch TEXT;"
  "ALTER TABLE evaluations ADD COLUMN batch_line INTEGER;"
  "ALTER TABLE evaluations ADD COLUMN batch_place INTEGER;"
  "CREATE UNIQUE INDEX evaluations_by_batch_line ON evaluations(batch, batch_line) WHERE batch IS NOT NULL;"
  "CREATE UNIQUE INDEX evaluations_by_batch_place ON evaluations(batch, batch_place) WHERE batch_place IS NOT NULL;"
  "CREATE TABLE batches ("
  "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  id TEXT NOT NULL UNIQUE,"
  "  idempotency_key TEXT,"
  "  created_at INTEGER NOT NULL,"
  "  cancelled_at INTEGER,"
  "  lines INTEGER," /* NULL until all have come */
  "  received INTEGER NOT NULL DEFAULT 0,"
  "  accepted INTEGER NOT NULL DEFAULT 0,"
  "  rejected INTEGER NOT NULL DEFAULT 0,"
  "  finished INTEGER NOT NULL DEFAULT 0"
  ") STRICT;"
  "CREATE UNIQUE INDEX batches_by_key ON batches(idempotency_key) WHERE idempotency_key IS NOT NULL;"
  "CREATE TABLE batch_verdicts ("
  "  batch TEXT NOT NULL,"
  "  verdict TEXT NOT NULL,"
  "  evaluations INTEGER NOT NULL,"
  "  PRIMARY KEY (batch, verdict)"
  ") STRICT, WITHOUT ROWID;"
  "CREATE TABLE batch_errors ("
  "  batch TEXT NOT NULL,"
  "  line INTEGER NOT NULL,"
  "  errors TEXT NOT NULL,"
  "  PRIMARY KEY (batch, line)"
  ") STRICT, WITHOUT ROWID;",

  /* 6: the trace that an evaluation belongs to. */
  ("ALTER TABLE evaluations ADD COLUMN traceparent TEXT;"
   "ALTER TABLE evaluations ADD COLUMN tracestate TEXT;"),

  /* 7: batches that retention finds by themselves, since it does not come to them by their evaluations. */
  "CREATE INDEX batches_all_refused ON batches(created_at) WHERE accepted = 0 AND lines IS NOT NULL;",
};

int schema_version_newest(void)
{
  return sizeof migrations / sizeof *migrations;
}

static bool take_step(sqlite3 *handle, int step, struct error *error)
{
  char version[64];
  snprintf(version, sizeof version, "PRAGMA user_version = %d", step + 1);
  return sql_execute(handle, "BEGIN IMMEDIATE", error) && sql_execute(handle, migrations[step], error) &&
         sql_execute(handle, version, error) && sql_execute(handle, "COMMIT", error);
}

bool schema_migrate(sqlite3 *handle, struct error *error)
{
  int64_t version;
  if (!sql_integer(handle, "PRAGMA user_version", &version, error))
    return false;
  for (int step = (int)version; step < schema_version_newest(); step++)
    if (!take_step(handle, step, error)) {
      sqlite3_exec(handle, "ROLLBACK", 0, 0, 0);
      return error_wrap(error, "cannot bring the tables to version %d", step + 1);
    }
  return true;
}
