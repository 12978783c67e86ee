#include "store/sqlite/writes.h"

#include "base/memory.h"
#include "store/sqlite/batches.h"
#include "store/sqlite/files.h"
#include "store/sqlite/sql.h"

#include <stdio.h>

/* The row with this id, if there is one. `found` 1 or 0; -1: failed. */
static int find_id(struct database *database, const char *id, uint64_t *ret_sequence, bool *ret_open,
                   struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_FIND_ID);
  sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  int found = sql_step(statement, error);
  if (found == 1) {
    *ret_sequence = (uint64_t)sqlite3_column_int64(statement, 0);
    *ret_open = sqlite3_column_int(statement, 1);
  }
  return found;
}

/* The evaluation that came with this idempotency key, or as this line of a batch, if there is one: the same body stands,
 * another one conflicts. */
static int find_same(struct database *database, const struct evaluation *evaluation, struct accept_answer *ret,
                     struct error *error)
{
  const char *key = evaluation->idempotency_key, *batch = evaluation->batch;
  CLEANUP_RESET sqlite3_stmt *statement =
    database_statement(database, batch ? STATEMENT_FIND_BATCH_LINE : STATEMENT_FIND_KEY);
  sqlite3_bind_text(statement, 1, batch ? batch : key, -1, SQLITE_STATIC);
  if (batch)
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)evaluation->batch_line);
  int found = sql_step(statement, error);
  if (found == 1) {
    bool same = (uint64_t)sqlite3_column_int64(statement, 1) == evaluation->body_digest;
    ret->result = same ? STORE_STANDS : STORE_CONFLICT;
    const unsigned char *standing = sqlite3_column_text(statement, 0);
    snprintf(ret->standing_id, sizeof ret->standing_id, "%s", standing ? (const char *)standing : "");
  }
  return found == 1 && !sql_columns_good(statement, error) ? -1 : found;
}

static bool insert_row(struct database *database, const struct evaluation *evaluation, uint64_t *ret_sequence,
                       struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT);
  row_bind_intent(statement, evaluation);
  if (sql_step(statement, error) < 0)
    return false;
  *ret_sequence = (uint64_t)sqlite3_last_insert_rowid(database->handle);
  return true;
}

static bool insert_plan(struct database *database, uint64_t sequence, const struct blob *plan, struct error *error)
{
  if (!plan)
    return true;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT_PLAN);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_blob64(statement, 2, plan->data, plan->size, SQLITE_STATIC);
  return sql_step(statement, error) >= 0;
}

static bool insert_labels(struct database *database, uint64_t sequence, const char *labels, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT_LABELS);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_text(statement, 2, labels, -1, SQLITE_STATIC);
  return sql_step(statement, error) >= 0;
}

bool write_accept(struct database *database, const struct evaluation *evaluation, struct accept_answer *ret,
                  struct error *error)
{
  *ret = (struct accept_answer){.result = STORE_DONE};
  int known = evaluation->idempotency_key || evaluation->batch ? find_same(database, evaluation, ret, error) : 0;
  if (known)
    return known > 0;
  uint64_t sequence;
  bool open;
  known = find_id(database, evaluation->id, &sequence, &open, error);
  if (known) {
    ret->result = STORE_DUPLICATE;
    return known > 0;
  }
  if (evaluation->batch && !batch_accept_line(database, evaluation, &ret->result, error))
    return false;
  if (ret->result != STORE_DONE)
    return true;
  return insert_row(database, evaluation, &ret->sequence, error) &&
         insert_plan(database, ret->sequence, evaluation->plan, error) &&
         insert_labels(database, ret->sequence, evaluation->labels, error);
}

/*
 * The sequence of an evaluation that is still open. Otherwise 0, and `ret` says why: a verdict stands, or the
 * evaluation is not there, so that nothing can be written of it.
 */
static bool find_open(struct database *database, const char *id, uint64_t *ret_sequence, enum store_result *ret,
                      struct error *error)
{
  bool open;
  int found = find_id(database, id, ret_sequence, &open, error);
  if (found == 1)
    *ret = open ? STORE_DONE : STORE_STANDS;
  else
    *ret = STORE_FAILED;
  return found >= 0;
}

/* One number of an evaluation that is still open. */
static bool write_number(struct database *database, const char *id, enum statement which, int64_t number,
                         enum store_result *ret, struct error *error)
{
  uint64_t sequence;
  if (!find_open(database, id, &sequence, ret, error))
    return false;
  if (*ret != STORE_DONE)
    return true;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, which);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_int64(statement, 2, number);
  return sql_step(statement, error) >= 0;
}

bool write_attempt(struct database *database, const char *id, unsigned attempt, enum store_result *ret,
                   struct error *error)
{
  return write_number(database, id, STATEMENT_ATTEMPT, attempt, ret, error);
}

bool write_cancel(struct database *database, const char *id, struct wall at, enum store_result *ret,
                  struct error *error)
{
  return write_number(database, id, STATEMENT_CANCEL, at.ms, ret, error);
}

static bool update_row(struct database *database, uint64_t sequence, const struct evaluation *evaluation,
                       struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_FINISH);
  row_bind_result(statement, sequence, evaluation);
  if (sql_step(statement, error) < 0)
    return false;
  ASSERT(sqlite3_changes(database->handle) == 1); /* it was open a statement ago, in this transaction */
  return true;
}

static bool delete_plan(struct database *database, uint64_t sequence, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELETE_PLAN);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  return sql_step(statement, error) >= 0;
}

static bool finish_labels(struct database *database, uint64_t sequence, enum verdict_kind kind, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_FINISH_LABELS);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_text(statement, 2, verdict_name(kind), -1, SQLITE_STATIC);
  return sql_step(statement, error) >= 0;
}

static void bind_bytes(sqlite3_stmt *statement, int index, const struct blob *bytes)
{
  if (bytes && bytes->size)
    sqlite3_bind_blob64(statement, index, bytes->data, bytes->size, SQLITE_STATIC);
}

static bool insert_outputs(struct database *database, uint64_t sequence, const struct outputs *outputs,
                           struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT_OUTPUTS);
  int index = 1;
  sqlite3_bind_int64(statement, index++, (sqlite3_int64)sequence);
  for (int i = 0; i < STREAM_COUNT; i++)
    sqlite3_bind_int(statement, index++, stream_in_file(&outputs->stream[i]));
  for (int i = 0; i < STREAM_COUNT; i++, index++)
    if (!stream_in_file(&outputs->stream[i]))
      bind_bytes(statement, index, outputs->stream[i].data);
  bind_bytes(statement, index, outputs->order);
  return sql_step(statement, error) >= 0;
}

static bool outputs_empty(const struct outputs *outputs)
{
  for (int i = 0; outputs && i < STREAM_COUNT; i++)
    if (outputs->stream[i].path || (outputs->stream[i].data && outputs->stream[i].data->size))
      return false;
  return true;
}

/* The outbox: whom the verdict is to be told, durable with it or not at all. */
static bool insert_delivery(struct database *database, uint64_t sequence, const struct evaluation *evaluation,
                            struct error *error)
{
  const char *url = evaluation->callback_url;
  if (!url)
    return true;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT_DELIVERY);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_text(statement, 2, url, (int)delivery_host_length(url), SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, evaluation->entered_at[STATE_FINISHED].ms);
  return sql_step(statement, error) >= 0;
}

bool write_finish(struct database *database, const struct evaluation *evaluation, enum store_result *ret,
                  struct error *error)
{
  uint64_t sequence;
  if (!find_open(database, evaluation->id, &sequence, ret, error))
    return false;
  if (*ret != STORE_DONE)
    return true;
  const struct outputs *outputs = outputs_empty(evaluation->outputs) ? 0 : evaluation->outputs;
  if (outputs && !files_keep(database->outputs_fd, evaluation->id, outputs, error))
    return false;
  if (outputs)
    database->outputs_bytes += files_bytes(database->outputs_fd, evaluation->id);
  return update_row(database, sequence, evaluation, error) && delete_plan(database, sequence, error) &&
         finish_labels(database, sequence, evaluation->verdict.kind, error) &&
         insert_delivery(database, sequence, evaluation, error) &&
         (!evaluation->batch || batch_finish_line(database, sequence, evaluation, error)) &&
         (!outputs || insert_outputs(database, sequence, outputs, error));
}

bool write_delivery_tried(struct database *database, const char *id, const struct delivery *delivery,
                          enum store_result *ret, struct error *error)
{
  uint64_t sequence;
  bool open;
  int found = find_id(database, id, &sequence, &open, error);
  *ret = found == 1 ? STORE_DONE : STORE_FAILED;
  if (found != 1)
    return found == 0;
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_TRIED);
  delivery_bind(statement, sequence, delivery);
  return sql_step(statement, error) >= 0;
}

static bool update_again(struct database *database, uint64_t sequence, struct wall at, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_AGAIN);
  sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
  sqlite3_bind_int64(statement, 2, at.ms);
  return sql_step(statement, error) >= 0;
}

bool write_delivery_again(struct database *database, const char *id, struct wall at, struct delivery_found *ret,
                          struct error *error)
{
  uint64_t sequence;
  bool open;
  int found = find_id(database, id, &sequence, &open, error);
  if (found != 1)
    return found == 0;
  if (!query_delivery(database, id, ret, error))
    return false;
  ret->was_pending = ret->delivery && ret->delivery->state == DELIVERY_PENDING;
  delivery_destroy(TAKE_PTR(ret->delivery));
  return update_again(database, sequence, at, error) && query_delivery(database, id, ret, error);
}
