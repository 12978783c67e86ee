#include "store/sqlite/retention.h"

#include "base/memory.h"
#include "store/sqlite/batches.h"
#include "store/sqlite/files.h"
#include "store/sqlite/sql.h"

/* What cannot be told is taken for finished, and kept. */
static enum store_known known_as(void *context, const char *id)
{
  enum store_known known;
  return query_known(context, id, &known, 0) ? known : STORE_FINISHED;
}

void retention_take_stock(struct database *database)
{
  database->outputs_bytes = files_take_stock(database->outputs_fd, known_as, database);
}

/* Pages that are free now are used again before the file grows. */
static bool bytes_taken(const struct database *database, uint64_t *ret, struct error *error)
{
  int64_t pages, free_pages, page_bytes;
  if (!sql_integer(database->handle, "PRAGMA page_count", &pages, error) ||
      !sql_integer(database->handle, "PRAGMA freelist_count", &free_pages, error) ||
      !sql_integer(database->handle, "PRAGMA page_size", &page_bytes, error))
    return false;
  *ret = (uint64_t)(pages - free_pages) * (uint64_t)page_bytes + database->outputs_bytes;
  return true;
}

/* Every table that has something of it; the row itself last, for the labels are found by it. */
static bool delete_one(struct database *database, uint64_t sequence, struct error *error)
{
  static const enum statement statements[] = {STATEMENT_DELETE_LABELS, STATEMENT_DELETE_KEPT_PLAN,
                                              STATEMENT_DELETE_OUTPUTS, STATEMENT_DELETE_DELIVERY, STATEMENT_DELETE};
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
    CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, statements[i]);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
    if (sql_step(statement, error) < 0)
      return false;
  }
  return true;
}

/* A clock that was set back makes nothing older. */
static bool is_old(const struct evaluation *evaluation, const struct store_retention *bounds, struct wall now)
{
  int64_t age_ms = now.ms - evaluation->entered_at[STATE_FINISHED].ms;
  return bounds->age_ms && age_ms > 0 && (uint64_t)age_ms > bounds->age_ms;
}

/* Moves those that are deleted to the front of `list`, and destroys the others. */
static bool delete_past_bounds(struct database *database, const struct store_retention *bounds, struct wall now,
                               struct evaluation_list *list, struct error *error)
{
  uint64_t taken = 0, files = 0; /* `files`: of those that are deleted here, and still there */
  size_t kept = 0, deleted = 0;
  for (size_t i = 0; i < list->count; i++) {
    struct evaluation *evaluation = list->items[i];
    if (bounds->bytes && !bytes_taken(database, &taken, error))
      return false;
    bool past = is_old(evaluation, bounds, now) || (bounds->bytes && taken > bounds->bytes + files);
    if (past &&
        !(delete_one(database, evaluation->sequence, error) && batch_forget(database, evaluation->batch, error)))
      return false;
    if (past) {
      files += files_bytes(database->outputs_fd, evaluation->id);
      files_condemn(database->outputs_fd, evaluation->id);
    }
    list->items[i] = list->items[deleted];
    list->items[deleted] = evaluation;
    deleted += past;
    kept += !past;
  }
  for (; kept; kept--)
    evaluation_destroy(list->items[--list->count]);
  list->more = list->more && list->count == RETENTION_BATCH;
  return true;
}

/* A batch goes with its last evaluation. One that never had any goes by its own age. */
static bool delete_all_refused(struct database *database, const struct store_retention *bounds, struct wall now,
                               struct error *error)
{
  struct wall then = {now.ms - (int64_t)bounds->age_ms};
  bool found = bounds->age_ms && bounds->age_ms < (uint64_t)now.ms;
  for (int i = 0; i < RETENTION_BATCH && found; i++) {
    char id[ID_SIZE];
    if (!batch_find_all_refused(database, then, id, &found, error) || (found && !batch_forget(database, id, error)))
      return false;
  }
  return true;
}

bool retention_delete(struct database *database, const struct store_retention *bounds, struct wall now,
                      struct evaluation_list *ret, struct error *error)
{
  if (database->retention_rests)
    return true;
  return delete_all_refused(database, bounds, now, error) && query_oldest(database, RETENTION_BATCH, ret, error) &&
         delete_past_bounds(database, bounds, now, ret, error);
}

void retention_remove_files(struct database *database, const struct evaluation_list *deleted)
{
  for (size_t i = 0; i < deleted->count; i++) {
    uint64_t freed = files_remove_condemned(database->outputs_fd, deleted->items[i]->id);
    database->outputs_bytes -= freed < database->outputs_bytes ? freed : database->outputs_bytes;
  }
}
