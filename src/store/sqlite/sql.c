#include "store/sqlite/sql.h"

static enum error_kind kind_of(int code)
{
  switch (code & 0xff) {
  case SQLITE_FULL:
    return ERROR_NO_SPACE;
  case SQLITE_NOMEM:
    return ERROR_UNAVAILABLE;
  default:
    return ERROR_INTERNAL;
  }
}

bool sql_failed(sqlite3 *handle, struct error *error)
{
  int code = sqlite3_extended_errcode(handle);
  return error_set(error, kind_of(code), sqlite3_system_errno(handle), "%s (SQLite code %d)", sqlite3_errmsg(handle),
                   code);
}

bool sql_execute(sqlite3 *handle, const char *sql, struct error *error)
{
  return sqlite3_exec(handle, sql, 0, 0, 0) == SQLITE_OK || sql_failed(handle, error);
}

bool sql_integer(sqlite3 *handle, const char *sql, int64_t *ret, struct error *error)
{
  sqlite3_stmt *statement = 0;
  bool found = false;
  if (sqlite3_prepare_v2(handle, sql, -1, &statement, 0) == SQLITE_OK)
    found = sqlite3_step(statement) == SQLITE_ROW;
  if (found)
    *ret = sqlite3_column_int64(statement, 0);
  else
    sql_failed(handle, error);
  sqlite3_finalize(statement);
  return found;
}

int sql_step(sqlite3_stmt *statement, struct error *error)
{
  switch (sqlite3_step(statement)) {
  case SQLITE_ROW:
    return 1;
  case SQLITE_DONE:
    return 0;
  default:
    sql_failed(sqlite3_db_handle(statement), error);
    return -1;
  }
}

bool sql_columns_good(sqlite3_stmt *statement, struct error *error)
{
  sqlite3 *handle = sqlite3_db_handle(statement);
  return sqlite3_errcode(handle) != SQLITE_NOMEM || sql_failed(handle, error);
}

void cleanup_reset(sqlite3_stmt **statement)
{
  sqlite3_reset(*statement);
  sqlite3_clear_bindings(*statement);
}
