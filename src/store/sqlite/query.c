#include "store/sqlite/query.h"

#include "store/sqlite/files.h"
#include "store/sqlite/sql.h"

#include <stdlib.h>

/* A new blob with the column's bytes; NULL for NULL. */
static struct blob *column_bytes(sqlite3_stmt *statement, int column)
{
  if (sqlite3_column_type(statement, column) == SQLITE_NULL)
    return 0;
  const void *bytes = sqlite3_column_blob(statement, column);
  size_t size = (size_t)sqlite3_column_bytes(statement, column);
  return blob_create(size ? bytes : 0, size);
}

static bool attach_outputs(struct database *database, struct evaluation *evaluation, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_GET_OUTPUTS);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)evaluation->sequence);
  int found = sql_step(statement, error);
  if (found <= 0)
    return found == 0;
  struct outputs *outputs = evaluation->outputs;
  for (int i = 0; i < STREAM_COUNT; i++) {
    if (sqlite3_column_int(statement, i))
      outputs->stream[i].path = file_path(database->state_dir, evaluation->id, (enum stream)i);
    outputs->stream[i].data = column_bytes(statement, STREAM_COUNT + i);
  }
  outputs->order = column_bytes(statement, 2 * STREAM_COUNT);
  return true;
}

static bool attach_plan(struct database *database, struct evaluation *evaluation, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_GET_PLAN);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)evaluation->sequence);
  int found = sql_step(statement, error);
  if (found == 1)
    evaluation->plan = column_bytes(statement, 0);
  return found >= 0;
}

bool query_get(struct database *database, const char *id, struct evaluation **ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_GET);
  sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  int found = sql_step(statement, error);
  if (found < 0)
    return false;
  struct evaluation *evaluation = found ? row_read(statement) : 0;
  if (evaluation && evaluation->outputs &&
      !(attach_outputs(database, evaluation, error) && attach_plan(database, evaluation, error))) {
    evaluation_destroy(evaluation);
    return false;
  }
  *ret = evaluation;
  return true;
}

void evaluation_list_release(struct evaluation_list *list)
{
  for (size_t i = 0; i < list->count; i++)
    evaluation_destroy(list->items[i]);
  free(list->items);
  *list = (struct evaluation_list){0};
}

static void list_append(struct evaluation_list *list, struct evaluation *evaluation)
{
  if ((list->count & (list->count - 1)) == 0) /* full at each power of two */
    // NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers
    list->items = xrealloc(list->items, (list->count ? 2 * list->count : 1) * sizeof *list->items);
  list->items[list->count++] = evaluation;
}

/* By whether there is a label and a verdict in the filter. */
static const enum statement list_statements[2][2] = {
  {STATEMENT_LIST, STATEMENT_LIST_VERDICT},
  {STATEMENT_LIST_LABEL, STATEMENT_LIST_LABEL_VERDICT},
};

static void bind_filter(sqlite3_stmt *statement, const struct store_filter *filter)
{
  uint64_t before = filter->before_sequence ? filter->before_sequence : INT64_MAX;
  sqlite3_bind_int64(statement, 1, before < INT64_MAX ? (sqlite3_int64)before : INT64_MAX);
  sqlite3_bind_int64(statement, 2, (sqlite3_int64)filter->limit + 1); /* one more, to know whether there is more */
  if (filter->status)
    sqlite3_bind_text(statement, 3, filter->status, -1, SQLITE_STATIC);
  if (!filter->label_key)
    return;
  sqlite3_bind_text(statement, 4, filter->label_key, -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, 5, filter->label_value, -1, SQLITE_STATIC);
}

/* Takes at most `limit` rows; with a plan as last column, or without. */
static bool collect(sqlite3_stmt *statement, size_t limit, bool plans, struct evaluation_list *ret, struct error *error)
{
  struct evaluation_list list = {0};
  int found;
  while ((found = sql_step(statement, error)) == 1) {
    if (list.count == limit) {
      list.more = true;
      break;
    }
    struct evaluation *evaluation = row_read(statement);
    if (plans)
      evaluation->plan = column_bytes(statement, sqlite3_column_count(statement) - 1);
    list_append(&list, evaluation);
  }
  if (found < 0) {
    evaluation_list_release(&list);
    return false;
  }
  *ret = list;
  return true;
}

bool query_list(struct database *database, const struct store_filter *filter, struct evaluation_list *ret,
                struct error *error)
{
  enum statement which = list_statements[filter->label_key != 0][filter->status != 0];
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, which);
  bind_filter(statement, filter);
  return collect(statement, filter->limit, false, ret, error);
}

bool query_open(struct database *database, struct evaluation_list *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_EACH_OPEN);
  return collect(statement, SIZE_MAX, true, ret, error);
}

bool query_known(struct database *database, const char *id, enum store_known *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_FIND_ID);
  sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  int found = sql_step(statement, error);
  if (found < 0)
    return false;
  *ret = found == 0 ? STORE_UNKNOWN : sqlite3_column_int(statement, 1) ? STORE_OPEN : STORE_FINISHED;
  return true;
}
