#include "store/sqlite/batches.h"

#include "base/memory.h"
#include "store/sqlite/sql.h"

#include <stdio.h>
#include <stdlib.h>

static sqlite3_stmt *statement_of(struct database *database, enum statement which, const char *id)
{
  sqlite3_stmt *statement = database_statement(database, which);
  sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  return statement;
}

/* One that takes the batch, and a number or none. */
static bool run(struct database *database, enum statement which, const char *id, const int64_t *number,
                struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, which, id);
  if (number)
    sqlite3_bind_int64(statement, 2, *number);
  return sql_step(statement, error) >= 0;
}

/* Reading. */

/* From the present row of BATCH_COLUMNS. */
static void read_id(sqlite3_stmt *statement, char ret[static ID_SIZE])
{
  const unsigned char *id = sqlite3_column_text(statement, 0);
  snprintf(ret, ID_SIZE, "%s", id ? (const char *)id : "");
}

static void batch_read(sqlite3_stmt *statement, struct store_batch *ret)
{
  read_id(statement, ret->id);
  ret->created_at.ms = sqlite3_column_int64(statement, 1);
  ret->cancelled_at.ms = sqlite3_column_int64(statement, 2);
  ret->is_complete = sqlite3_column_type(statement, 3) != SQLITE_NULL;
  ret->lines = (uint64_t)sqlite3_column_int64(statement, 3);
  ret->received = (uint64_t)sqlite3_column_int64(statement, 4);
  ret->accepted = (uint64_t)sqlite3_column_int64(statement, 5);
  ret->rejected = (uint64_t)sqlite3_column_int64(statement, 6);
  ret->finished = (uint64_t)sqlite3_column_int64(statement, 7);
}

static bool read_verdicts(struct database *database, struct store_batch *batch, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, STATEMENT_GET_BATCH_VERDICTS, batch->id);
  int found;
  while ((found = sql_step(statement, error)) == 1) {
    const unsigned char *name = sqlite3_column_text(statement, 0);
    enum verdict_kind kind = name ? verdict_from_name((const char *)name) : VERDICT_NONE;
    batch->verdicts[kind] = (uint64_t)sqlite3_column_int64(statement, 1);
  }
  return found == 0 && sql_columns_good(statement, error);
}

static bool read_batch(struct database *database, enum statement which, const char *name, struct store_batch *ret,
                       struct error *error)
{
  struct store_batch batch = {0};
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, which, name);
  int found = sql_step(statement, error);
  if (found == 1)
    batch_read(statement, &batch);
  if (found < 0 || !sql_columns_good(statement, error))
    return false;
  if (found && !read_verdicts(database, &batch, error))
    return false;
  *ret = batch;
  return true;
}

bool batch_get(struct database *database, const char *id, struct store_batch *ret, struct error *error)
{
  return read_batch(database, STATEMENT_GET_BATCH, id, ret, error);
}

bool batch_find(struct database *database, const char *key, struct store_batch *ret, struct error *error)
{
  return read_batch(database, STATEMENT_FIND_BATCH, key, ret, error);
}

void batch_lines_release(struct batch_lines *lines)
{
  for (size_t i = 0; i < lines->count; i++)
    free(lines->items[i].errors);
  free(lines->items);
  *lines = (struct batch_lines){0};
}

bool batch_lines(struct database *database, const char *id, const struct store_page *page, bool errors,
                 struct batch_lines *ret, struct error *error)
{
  struct batch_lines lines = {.items = xcalloc(page->limit, sizeof *lines.items)};
  CLEANUP_RESET sqlite3_stmt *statement =
    statement_of(database, errors ? STATEMENT_BATCH_ERRORS : STATEMENT_BATCH_DIGESTS, id);
  sqlite3_bind_int64(statement, 2, (sqlite3_int64)page->after);
  sqlite3_bind_int64(statement, 3, page->limit);
  int found = 0;
  while (lines.count < page->limit && (found = sql_step(statement, error)) == 1)
    lines.items[lines.count++] = (struct store_line){
      .line = (uint64_t)sqlite3_column_int64(statement, 0),
      .body_digest = (uint64_t)sqlite3_column_int64(statement, 1),
      .errors = xstrdup((const char *)sqlite3_column_text(statement, 2)),
    };
  if (found < 0 || !sql_columns_good(statement, error)) {
    batch_lines_release(&lines);
    return false;
  }
  *ret = lines;
  return true;
}

/* Writing. */

static bool insert_batch(struct database *database, const char *id, const char *key, struct wall at,
                         struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, STATEMENT_INSERT_BATCH, id);
  sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, at.ms);
  return sql_step(statement, error) >= 0;
}

bool batch_open(struct database *database, const char *id, const char *key, struct wall at, enum store_result *ret,
                struct store_batch *ret_batch, struct error *error)
{
  struct store_batch standing = {0};
  if (key && !batch_find(database, key, &standing, error))
    return false;
  if (standing.id[0]) {
    *ret = STORE_STANDS;
    *ret_batch = standing;
    return true;
  }
  if (!batch_get(database, id, &standing, error))
    return false;
  if (standing.id[0]) {
    *ret = STORE_DUPLICATE;
    return true;
  }
  *ret = STORE_DONE;
  return insert_batch(database, id, key, at, error) && batch_get(database, id, ret_batch, error);
}

/* A line is counted once, however often it is sent; of so many the reasons are kept. */
bool batch_reject(struct database *database, const char *id, uint64_t line, const char *errors, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *count = statement_of(database, STATEMENT_REJECT_BATCH_LINE, id);
  sqlite3_bind_int64(count, 2, (sqlite3_int64)line);
  int found = sql_step(count, error);
  if (found < 0)
    return false;
  if (!found || sqlite3_column_int64(count, 0) > BATCH_ERRORS_KEPT_MAX)
    return true;
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, STATEMENT_INSERT_BATCH_ERROR, id);
  sqlite3_bind_int64(statement, 2, (sqlite3_int64)line);
  sqlite3_bind_text(statement, 3, errors, -1, SQLITE_STATIC);
  return sql_step(statement, error) >= 0;
}

bool batch_complete(struct database *database, const char *id, uint64_t lines, struct store_batch *ret_batch,
                    struct error *error)
{
  int64_t number = (int64_t)lines;
  return run(database, STATEMENT_COMPLETE_BATCH, id, &number, error) && batch_get(database, id, ret_batch, error);
}

bool batch_cancel(struct database *database, const char *id, struct wall at, enum store_result *ret,
                  struct store_batch *ret_batch, struct error *error)
{
  *ret = STORE_DONE;
  return run(database, STATEMENT_CANCEL_BATCH, id, &at.ms, error) &&
         run(database, STATEMENT_CANCEL_BATCH_OPEN, id, &at.ms, error) && batch_get(database, id, ret_batch, error);
}

/* A line that was refused and has been mended is refused no more. */
bool batch_accept_line(struct database *database, const struct evaluation *evaluation, enum store_result *ret,
                       struct error *error)
{
  int64_t line = (int64_t)evaluation->batch_line;
  if (!run(database, STATEMENT_FORGET_BATCH_ERROR, evaluation->batch, &line, error))
    return false;
  int mended = sqlite3_changes(database->handle);
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, STATEMENT_ACCEPT_BATCH_LINE, evaluation->batch);
  sqlite3_bind_int64(statement, 2, line);
  sqlite3_bind_int(statement, 3, mended);
  if (sql_step(statement, error) < 0)
    return false;
  *ret = sqlite3_changes(database->handle) ? STORE_DONE : STORE_CONFLICT;
  return true;
}

static bool place(struct database *database, uint64_t sequence, int64_t number, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_PLACE_IN_BATCH);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_int64(statement, 2, number);
  return sql_step(statement, error) >= 0;
}

static bool count_verdict(struct database *database, const char *id, enum verdict_kind kind, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, STATEMENT_COUNT_BATCH_VERDICT, id);
  sqlite3_bind_text(statement, 2, verdict_name(kind), -1, SQLITE_STATIC);
  return sql_step(statement, error) >= 0;
}

bool batch_finish_line(struct database *database, uint64_t sequence, const struct evaluation *evaluation,
                       struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = statement_of(database, STATEMENT_FINISH_BATCH_LINE, evaluation->batch);
  int found = sql_step(statement, error);
  if (found <= 0)
    return found == 0;
  return place(database, sequence, sqlite3_column_int64(statement, 0), error) &&
         count_verdict(database, evaluation->batch, evaluation->verdict.kind, error);
}

bool batch_find_all_refused(struct database *database, struct wall then, char ret_id[static ID_SIZE], bool *ret_found,
                            struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_ALL_REFUSED_BATCH);
  sqlite3_bind_int64(statement, 1, then.ms);
  int found = sql_step(statement, error);
  *ret_found = found > 0;
  if (found > 0)
    read_id(statement, ret_id);
  return found >= 0;
}

bool batch_forget(struct database *database, const char *id, struct error *error)
{
  if (!id)
    return true;
  CLEANUP_RESET sqlite3_stmt *any = statement_of(database, STATEMENT_ANY_OF_BATCH, id);
  int found = sql_step(any, error);
  if (found)
    return found > 0;
  return run(database, STATEMENT_DELETE_BATCH_ERRORS, id, 0, error) &&
         run(database, STATEMENT_DELETE_BATCH_VERDICTS, id, 0, error) &&
         run(database, STATEMENT_DELETE_BATCH, id, 0, error);
}
