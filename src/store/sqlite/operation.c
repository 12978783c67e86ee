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
  copy->plan = blob_ref(evaluation->plan);
  copy->idempotency_key = xstrdup(evaluation->idempotency_key);
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

const struct operation_type operation_accept = {true, run_accept, answer_accept};
const struct operation_type operation_attempt = {true, run_attempt, answer_write};
const struct operation_type operation_cancel = {true, run_cancel, answer_write};
const struct operation_type operation_finish = {true, run_finish, answer_write};
const struct operation_type operation_get = {false, run_get, answer_get};
const struct operation_type operation_list = {false, run_list, answer_list};
const struct operation_type operation_open = {false, run_open, 0};
const struct operation_type operation_known = {false, run_known, 0};
