#include "store/sqlite/query.h"

#include "store/sqlite/files.h"
#include "store/sqlite/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A new blob with the column's bytes; NULL for NULL. */
static bool column_bytes(sqlite3_stmt *statement, int column, struct blob **ret, struct error *error)
{
  if (sqlite3_column_type(statement, column) == SQLITE_NULL)
    return true;
  const void *bytes = sqlite3_column_blob(statement, column);
  size_t size = (size_t)sqlite3_column_bytes(statement, column);
  *ret = blob_try_create(size ? bytes : 0, size);
  return *ret || error_set(error, ERROR_UNAVAILABLE, ENOMEM, "no memory for %zu bytes of it", size);
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
    if (!column_bytes(statement, STREAM_COUNT + i, &outputs->stream[i].data, error))
      return false;
  }
  return column_bytes(statement, 2 * STREAM_COUNT, &outputs->order, error) && sql_columns_good(statement, error);
}

static bool attach_plan(struct database *database, struct evaluation *evaluation, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_GET_PLAN);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)evaluation->sequence);
  int found = sql_step(statement, error);
  return found == 0 ||
         (found == 1 && column_bytes(statement, 0, &evaluation->plan, error) && sql_columns_good(statement, error));
}

/* Outputs and plan, which a finished evaluation has beside its row. */
static bool attach_rest(struct database *database, struct evaluation *evaluation, struct error *error)
{
  return !evaluation->outputs ||
         (attach_outputs(database, evaluation, error) && attach_plan(database, evaluation, error));
}

bool query_get(struct database *database, const char *id, struct evaluation **ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_GET);
  sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  int found = sql_step(statement, error);
  if (found < 0)
    return false;
  struct evaluation *evaluation = found ? row_read(statement) : 0;
  if (evaluation && !(sql_columns_good(statement, error) && attach_rest(database, evaluation, error))) {
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
  int found = 0;
  bool good = true;
  while (good && (found = sql_step(statement, error)) == 1 && list.count < limit) {
    struct evaluation *evaluation = row_read(statement);
    list_append(&list, evaluation);
    good = (!plans || column_bytes(statement, sqlite3_column_count(statement) - 1, &evaluation->plan, error)) &&
           sql_columns_good(statement, error);
  }
  if (!good || found < 0) {
    evaluation_list_release(&list);
    return false;
  }
  list.more = found == 1;
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

static uint64_t kept_bytes(const struct evaluation *evaluation)
{
  uint64_t bytes = 0;
  for (int i = 0; evaluation->outputs && i < STREAM_COUNT; i++)
    bytes += stream_kept_bytes(&evaluation->outputs->stream[i]);
  return bytes;
}

/* How many from the front of the list fit on the page; one does in any case. */
static size_t fitting(const struct evaluation_list *list)
{
  size_t count = 0;
  for (uint64_t bytes = 0; count < list->count && (!count || bytes < BATCH_PAGE_BYTES_MAX); count++)
    bytes += kept_bytes(list->items[count]);
  return count;
}

bool query_batch(struct database *database, const char *batch, const struct store_page *page,
                 struct evaluation_list *ret, struct error *error)
{
  enum statement which = page->by_line ? STATEMENT_BATCH_BY_LINE : STATEMENT_BATCH_BY_PLACE;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, which);
  sqlite3_bind_text(statement, 1, batch, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, (sqlite3_int64)page->after);
  sqlite3_bind_int64(statement, 3, (sqlite3_int64)page->limit + 1); /* to know whether there is more */
  struct evaluation_list list;
  if (!collect(statement, page->limit, false, &list, error))
    return false;
  for (size_t count = fitting(&list); list.count > count; list.more = true)
    evaluation_destroy(list.items[--list.count]);
  for (size_t i = 0; i < list.count; i++)
    if (list.items[i]->outputs && !attach_outputs(database, list.items[i], error)) {
      evaluation_list_release(&list);
      return false;
    }
  *ret = list;
  return true;
}

bool query_oldest(struct database *database, unsigned most, struct evaluation_list *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_OLDEST);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)most + 1); /* to know whether there is more */
  return collect(statement, most, false, ret, error);
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

/* Deliveries. */

bool query_delivery(struct database *database, const char *id, struct delivery_found *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *of_id = database_statement(database, STATEMENT_FIND_ID);
  sqlite3_bind_text(of_id, 1, id, -1, SQLITE_STATIC);
  int found = sql_step(of_id, error);
  if (found <= 0)
    return found == 0;
  ret->known = sqlite3_column_int(of_id, 1) ? STORE_OPEN : STORE_FINISHED;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY);
  sqlite3_bind_int64(statement, 1, sqlite3_column_int64(of_id, 0));
  found = sql_step(statement, error);
  if (found == 1)
    ret->delivery = delivery_read(statement);
  return found >= 0 && (found == 0 || sql_columns_good(statement, error));
}

void due_list_release(struct due_list *list)
{
  for (size_t i = 0; i < list->count; i++) {
    evaluation_destroy(list->items[i].evaluation);
    delivery_destroy(list->items[i].delivery);
  }
  free(list->items);
  free(list->next_host);
  *list = (struct due_list){0};
}

/* The next receiver behind `host` that anything is pending for. 1: there is one, 0: that was the last; -1: failed. */
static int find_host(struct database *database, const char *host, char **ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERIES_HOST);
  sqlite3_bind_text(statement, 1, host, -1, SQLITE_STATIC);
  int found = sql_step(statement, error);
  const char *text = found == 1 ? (const char *)sqlite3_column_text(statement, 0) : 0;
  *ret = xstrdup(text ? text : "");
  return found;
}

static int next_host(struct database *database, char **host, struct error *error)
{
  CLEANUP_FREE char *before = *host;
  return find_host(database, before, host, error);
}

static bool append_due(struct database *database, const char *host, const struct store_due_filter *filter,
                       struct due_list *list, struct error *error)
{
  size_t room = filter->limit - list->count;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERIES_DUE);
  sqlite3_bind_text(statement, 1, host, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 2, filter->now.ms);
  sqlite3_bind_int64(statement, 3, (sqlite3_int64)(room < filter->per_host ? room : filter->per_host));
  int found;
  while ((found = sql_step(statement, error)) == 1) {
    struct store_due *due = &list->items[list->count++];
    *due = (struct store_due){row_read(statement), delivery_read(statement)};
    if (!sql_columns_good(statement, error))
      return false;
  }
  return found >= 0;
}

static bool find_next_at(struct database *database, struct wall now, struct wall *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERIES_NEXT);
  sqlite3_bind_int64(statement, 1, now.ms);
  int found = sql_step(statement, error);
  ret->ms = found == 1 ? sqlite3_column_int64(statement, 0) : 0;
  return found >= 0;
}

/* How many receivers are looked at before others may read: there may be many of whom nothing is due. */
enum { HOSTS_MAX = 256 };

bool query_due(struct database *database, const struct store_due_filter *filter, struct due_list *ret,
               struct error *error)
{
  struct due_list list = {.items = xcalloc(filter->limit, sizeof *list.items),
                          .next_host = xstrdup(filter->after_host)};
  int found = 1;
  for (int i = 0; i < HOSTS_MAX && list.count < filter->limit && found == 1; i++) {
    found = next_host(database, &list.next_host, error);
    if (found == 1 && !append_due(database, list.next_host, filter, &list, error))
      found = -1;
  }
  if (found < 0 || !find_next_at(database, filter->now, &list.next_at, error)) {
    due_list_release(&list);
    return false;
  }
  *ret = list;
  return true;
}

bool query_pending(struct database *database, uint64_t *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERIES_PENDING);
  sqlite3_bind_int64(statement, 1, INT64_MIN);
  int found = sql_step(statement, error);
  *ret = found == 1 ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
  return found >= 0;
}
