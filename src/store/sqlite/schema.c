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
