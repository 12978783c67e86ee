#include "store/sqlite/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct operation *operation_create(const struct operation_type *type, const char *id, void *context)
{
  struct operation *operation = xcalloc(1, sizeof *operation);
  operation->type = type;
  operation->context = context;
  snprintf(operation->id, sizeof operation->id, "%s", id);
  return operation;
}

void operation_destroy(struct operation *operation)
{
  if (!operation)
    return;
  evaluation_destroy(operation->evaluation);
  evaluation_list_release(&operation->list);
  free((char *)operation->filter.status);
  free((char *)operation->filter.label_key);
  free((char *)operation->filter.label_value);
  free((char *)operation->due_filter.after_host);
  delivery_destroy(operation->delivery.delivery);
  due_list_release(&operation->due);
  free(operation->path);
  store_token_release(&operation->token);
  token_list_release(&operation->tokens);
  free(operation->text);
  batch_lines_release(&operation->lines);
  free(operation);
}

/* Outputs are counted on the loop's thread only, so the store's has its own, around the same blobs. */
static struct outputs *outputs_snapshot(const struct outputs *outputs)
{
  if (!outputs)
    return 0;
  struct outputs *copy = outputs_create();
  for (int i = 0; i < STREAM_COUNT; i++) {
    copy->stream[i] = outputs->stream[i];
    copy->stream[i].data = blob_ref(outputs->stream[i].data);
    copy->stream[i].path = xstrdup(outputs->stream[i].path);
  }
  copy->order = blob_ref(outputs->order);
  return copy;
}

struct evaluation *evaluation_snapshot(const struct evaluation *evaluation)
{
  struct evaluation *copy = evaluation_create();
  *copy = *evaluation;
  memset(&copy->x, 0, sizeof copy->x);
  copy->labels = xstrdup(evaluation->labels ? evaluation->labels : "{}");
  copy->image = xstrdup(evaluation->image);
  copy->token = xstrdup(evaluation->token);
  copy->callback_url = xstrdup(evaluation->callback_url);
  copy->traceparent = xstrdup(evaluation->traceparent);
  copy->tracestate = xstrdup(evaluation->tracestate);
  copy->plan = blob_ref(evaluation->plan);
  copy->idempotency_key = xstrdup(evaluation->idempotency_key);
  copy->batch = xstrdup(evaluation->batch);
  copy->outputs = outputs_snapshot(evaluation->outputs);
  return copy;
}

void operation_queue_push(struct operation_queue *queue, struct operation *operation)
{
  operation->next = 0;
  if (queue->last)
    queue->last->next = operation;
  else
    queue->first = operation;
  queue->last = operation;
}

struct operation *operation_queue_pop(struct operation_queue *queue)
{
  struct operation *first = queue->first;
  if (first && !(queue->first = first->next))
    queue->last = 0;
  return first;
}

struct operation_queue operation_queue_take(struct operation_queue *queue, unsigned most)
{
  struct operation_queue taken = {0};
  for (struct operation *operation; most && (operation = operation_queue_pop(queue)); most--)
    operation_queue_push(&taken, operation);
  return taken;
}

/* What each does, on the store's thread, and how it is answered, on its caller's. */

static bool run_accept(struct database *database, struct operation *operation, struct error *error)
{
  return write_accept(database, operation->evaluation, &operation->answer, error);
}

static void answer_accept(struct operation *operation)
{
  const struct accept_answer *answer = &operation->answer;
  operation->done.accept(operation->context, operation->id, answer->result, answer->sequence,
                         *answer->standing_id ? answer->standing_id : 0);
}

static bool run_attempt(struct database *database, struct operation *operation, struct error *error)
{
  return write_attempt(database, operation->id, operation->attempt, &operation->answer.result, error);
}

static bool run_cancel(struct database *database, struct operation *operation, struct error *error)
{
  return write_cancel(database, operation->id, operation->at, &operation->answer.result, error);
}

static bool run_finish(struct database *database, struct operation *operation, struct error *error)
{
  return write_finish(database, operation->evaluation, &operation->answer.result, error);
}

static void answer_write(struct operation *operation)
{
  operation->done.write(operation->context, operation->id, operation->attempt, operation->answer.result);
}

static bool run_retain(struct database *database, struct operation *operation, struct error *error)
{
  evaluation_list_release(&operation->list); /* of a transaction that found no room, and is run once more */
  return retention_delete(database, &operation->retention, operation->at, &operation->list, error);
}

static void remove_files(struct database *database, struct operation *operation)
{
  retention_remove_files(database, &operation->list);
}

/* Where the transaction failed, nothing was deleted. */
static void answer_retain(struct operation *operation)
{
  bool done = operation->answer.result == STORE_DONE;
  operation->done.retain(operation->context, done ? (unsigned)operation->list.count : 0, done && operation->list.more);
}

/* One step of many: it has to be run again as long as there is `backup`. */
static bool run_backup(struct database *database, struct operation *operation, struct error *error)
{
  if (!operation->backup && !(operation->backup = backup_begin(database, error)))
    return false;
  enum backup_progress progress = backup_step(operation->backup, error);
  if (progress != BACKUP_GOES_ON)
    operation->path = backup_end(TAKE_PTR(operation->backup));
  return progress != BACKUP_FAILED;
}

static void answer_backup(struct operation *operation)
{
  operation->done.backup(operation->context, operation->path, operation->failed ? &operation->error : 0);
}

static bool run_get(struct database *database, struct operation *operation, struct error *error)
{
  return query_get(database, operation->id, &operation->evaluation, error);
}

static void answer_get(struct operation *operation)
{
  operation->done.get(operation->context, TAKE_PTR(operation->evaluation), operation->failed ? &operation->error : 0);
}

static bool run_list(struct database *database, struct operation *operation, struct error *error)
{
  return query_list(database, &operation->filter, &operation->list, error);
}

static void answer_list(struct operation *operation)
{
  struct evaluation_list list = operation->list;
  operation->list = (struct evaluation_list){0}; /* the callee's now */
  operation->done.list(operation->context, list.items, list.count, list.more,
                       operation->failed ? &operation->error : 0);
}

static bool run_open(struct database *database, struct operation *operation, struct error *error)
{
  return query_open(database, &operation->list, error);
}

static bool run_known(struct database *database, struct operation *operation, struct error *error)
{
  return query_known(database, operation->id, &operation->known, error);
}

static bool run_put_token(struct database *database, struct operation *operation, struct error *error)
{
  return token_write(database, &operation->token, &operation->answer.result, error);
}

static bool run_remove_token(struct database *database, struct operation *operation, struct error *error)
{
  operation->answer.result = STORE_DONE;
  return token_delete(database, operation->token.name, error);
}

static void answer_token(struct operation *operation)
{
  operation->done.token(operation->context, operation->answer.result);
}

static bool run_tokens(struct database *database, struct operation *operation, struct error *error)
{
  return token_read_all(database, &operation->tokens, error);
}

static bool run_delivery_tried(struct database *database, struct operation *operation, struct error *error)
{
  return write_delivery_tried(database, operation->id, operation->delivery.delivery, &operation->answer.result, error);
}

/* It may be run once more, as any write: what a transaction without room has found is dropped. */
static bool run_delivery_again(struct database *database, struct operation *operation, struct error *error)
{
  delivery_destroy(TAKE_PTR(operation->delivery.delivery));
  operation->delivery = (struct delivery_found){0};
  return write_delivery_again(database, operation->id, operation->at, &operation->delivery, error);
}

static bool run_delivery(struct database *database, struct operation *operation, struct error *error)
{
  return query_delivery(database, operation->id, &operation->delivery, error);
}

static void answer_delivery(struct operation *operation)
{
  if (operation->answer.result == STORE_FAILED)
    operation->failed = !error_set(&operation->error, ERROR_UNAVAILABLE, 0, "it could not be stored");
  operation->done.delivery(operation->context, operation->delivery.known, operation->delivery.delivery,
                           operation->delivery.was_pending, operation->failed ? &operation->error : 0);
}

static bool run_due(struct database *database, struct operation *operation, struct error *error)
{
  return query_due(database, &operation->due_filter, &operation->due, error);
}

static void answer_due(struct operation *operation)
{
  struct due_list *due = &operation->due;
  operation->done.due(operation->context, due->items, due->count, due->next_host ? due->next_host : "", due->next_at,
                      operation->failed ? &operation->error : 0);
  due->count = 0; /* the callee's now */
}

static bool run_pending(struct database *database, struct operation *operation, struct error *error)
{
  return query_pending(database, &operation->pending, error);
}

static bool run_batch_open(struct database *database, struct operation *operation, struct error *error)
{
  return batch_open(database, operation->id, operation->text, operation->at, &operation->answer.result,
                    &operation->batch, error);
}

static bool run_batch_reject(struct database *database, struct operation *operation, struct error *error)
{
  operation->answer.result = STORE_DONE;
  return batch_reject(database, operation->id, operation->number, operation->text, error);
}

static bool run_batch_complete(struct database *database, struct operation *operation, struct error *error)
{
  operation->answer.result = STORE_DONE;
  return batch_complete(database, operation->id, operation->number, &operation->batch, error);
}

static bool run_batch_cancel(struct database *database, struct operation *operation, struct error *error)
{
  return batch_cancel(database, operation->id, operation->at, &operation->answer.result, &operation->batch, error);
}

static bool run_batch_get(struct database *database, struct operation *operation, struct error *error)
{
  operation->answer.result = STORE_STANDS;
  return batch_get(database, operation->id, &operation->batch, error);
}

static bool run_batch_find(struct database *database, struct operation *operation, struct error *error)
{
  operation->answer.result = STORE_STANDS;
  return batch_find(database, operation->text, &operation->batch, error);
}

static void answer_batch(struct operation *operation)
{
  const struct store_batch *batch = operation->batch.id[0] ? &operation->batch : 0;
  operation->done.batch(operation->context, operation->answer.result, batch, operation->failed ? &operation->error : 0);
}

static bool run_batch_results(struct database *database, struct operation *operation, struct error *error)
{
  return query_batch(database, operation->id, &operation->page, &operation->list, error);
}

static bool run_batch_lines(struct database *database, struct operation *operation, struct error *error)
{
  return batch_lines(database, operation->id, &operation->page, operation->errors_wanted, &operation->lines, error);
}

static void answer_batch_lines(struct operation *operation)
{
  operation->done.batch_lines(operation->context, operation->lines.items, operation->lines.count,
                              operation->failed ? &operation->error : 0);
}

const struct operation_type operation_batch_open = {true, run_batch_open, answer_batch, 0};
const struct operation_type operation_batch_reject = {true, run_batch_reject, answer_batch, 0};
const struct operation_type operation_batch_complete = {true, run_batch_complete, answer_batch, 0};
const struct operation_type operation_batch_cancel = {true, run_batch_cancel, answer_batch, 0};
const struct operation_type operation_batch_get = {false, run_batch_get, answer_batch, 0};
const struct operation_type operation_batch_find = {false, run_batch_find, answer_batch, 0};
const struct operation_type operation_batch_results = {false, run_batch_results, answer_list, 0};
const struct operation_type operation_batch_lines = {false, run_batch_lines, answer_batch_lines, 0};
const struct operation_type operation_accept = {true, run_accept, answer_accept, 0};
const struct operation_type operation_attempt = {true, run_attempt, answer_write, 0};
const struct operation_type operation_cancel = {true, run_cancel, answer_write, 0};
const struct operation_type operation_finish = {true, run_finish, answer_write, 0};
const struct operation_type operation_retain = {true, run_retain, answer_retain, remove_files};
const struct operation_type operation_backup = {false, run_backup, answer_backup, 0};
const struct operation_type operation_get = {false, run_get, answer_get, 0};
const struct operation_type operation_list = {false, run_list, answer_list, 0};
const struct operation_type operation_open = {false, run_open, 0, 0};
const struct operation_type operation_put_token = {true, run_put_token, answer_token, 0};
const struct operation_type operation_remove_token = {true, run_remove_token, answer_token, 0};
const struct operation_type operation_tokens = {false, run_tokens, 0, 0};
const struct operation_type operation_known = {false, run_known, 0, 0};
const struct operation_type operation_delivery_tried = {true, run_delivery_tried, answer_write, 0};
const struct operation_type operation_delivery_again = {true, run_delivery_again, answer_delivery, 0};
const struct operation_type operation_delivery = {false, run_delivery, answer_delivery, 0};
const struct operation_type operation_due = {false, run_due, answer_due, 0};
const struct operation_type operation_pending = {false, run_pending, 0, 0};
