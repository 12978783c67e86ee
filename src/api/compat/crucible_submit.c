/* Submissions to the Crucible platform, one by one and in batches. */

#include "api/compat/crucible.h"
#include "api/compat/crucible_routes.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 100 };

bool crucible_refuse_unready(struct api *api, struct http_request *request)
{
  const char *why = api_not_ready_for(api, request, NULL);
  if (why)
    crucible_respond_detail(api, request, 503, "%s", why);
  return why;
}

/* POST /api/eval */

/* How many wait before it, and itself; 0: it does not wait. */
static unsigned queue_position(const struct api *api, const struct evaluation *evaluation)
{
  unsigned position = 1;
  const struct evaluation *other = NULL;
  if (evaluation->state != STATE_QUEUED)
    return 0;
  while ((other = executor_each(api->config.executor, other)))
    position += other->state == STATE_QUEUED && !strcmp(other->backend, evaluation->backend) &&
                (other->priority > evaluation->priority ||
                 (other->priority == evaluation->priority && other->sequence < evaluation->sequence));
  return position;
}

static void encode_submitted(struct json_writer *json, const char *id, const char *status, const char *message,
                             unsigned position)
{
  json_write_object_begin(json);
  json_write_member_text(json, "eval_id", id);
  json_write_member_text(json, "status", status);
  json_write_member_text(json, "message", message);
  json_write_key(json, "queue_position");
  if (position)
    json_write_u64(json, position);
  else
    json_write_null(json);
  json_write_object_end(json);
}

struct single {
  struct submitter as_submitter;
  struct http_request *request;
};

static void single_accepted(struct api *api, struct submitter *submitter, struct evaluation *evaluation,
                            enum store_result result, const char *standing_id)
{
  CLEANUP_FREE struct single *single = (struct single *)submitter;
  (void)standing_id;
  if (result != STORE_DONE) {
    crucible_respond_detail(api, single->request, 503, CRUCIBLE_NOT_STORED);
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  encode_submitted(&json, evaluation->id, "queued", "Evaluation queued successfully", queue_position(api, evaluation));
  respond_json(api, single->request, 200, &body);
}

/* NULL: refused, and answered. */
static struct evaluation *decode_single(struct api *api, struct http_request *request)
{
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  struct crucible_program program;
  struct error error;
  struct evaluation *evaluation = NULL;
  json_t *body = crucible_body(api, request);
  if (!body)
    return NULL;
  bool good = crucible_read_program(api, body, CRUCIBLE_ALONE, &faults, &program);
  if (good && !crucible_check_host(api, &program, &error))
    crucible_respond_detail(api, request, 400, "%s", error.message);
  else if (!good || !(evaluation = crucible_evaluation(api, &program, CRUCIBLE_ALONE, &faults)))
    crucible_respond_faults(api, request, &faults);
  json_decref(body);
  return evaluation;
}

void crucible_submit(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct evaluation *evaluation = crucible_refuse_unready(api, request) ? NULL : decode_single(api, request);
  if (!evaluation)
    return;
  http_body_release(request);
  struct single *single = xmalloc(sizeof *single);
  *single = (struct single){{single_accepted}, request};
  struct error error;
  if (!api_submit(api, request, evaluation, &single->as_submitter, &error)) {
    evaluation_destroy(evaluation);
    free(single);
    crucible_respond_detail(api, request, 503, "%s", error.message);
  }
}

/* POST /api/eval-batch. It is answered when the last one is durable, or refused. */

struct batch_item {
  struct submitter as_submitter;
  struct batch *batch;
  struct evaluation *evaluation; /* until it is submitted */
  char id[ID_SIZE];              /* "": it was not accepted, and why: */
  char refusal[ERROR_MESSAGE_SIZE];
};

struct batch {
  struct http_request *request;
  size_t count, undecided;
  struct batch_item items[BATCH_MAX];
};

static void encode_batch(const struct batch *batch, struct json_writer *json)
{
  size_t failed = 0;
  json_write_object_begin(json);
  json_write_key(json, "evaluations");
  json_write_array_begin(json);
  for (size_t i = 0; i < batch->count; i++) {
    const struct batch_item *item = &batch->items[i];
    bool accepted = item->id[0];
    encode_submitted(json, accepted ? item->id : NULL, accepted ? "submitted" : "failed",
                     accepted ? "Evaluation accepted for processing" : item->refusal, 0);
    failed += !accepted;
  }
  json_write_array_end(json);
  json_write_member_u64(json, "total", batch->count);
  json_write_member_u64(json, "queued", batch->count - failed);
  json_write_member_u64(json, "failed", failed);
  json_write_object_end(json);
}

static bool any_accepted(const struct batch *batch)
{
  for (size_t i = 0; i < batch->count; i++)
    if (batch->items[i].id[0])
      return true;
  return false;
}

/* Where none of them was accepted, it is what one alone would be told. */
static void batch_answer(struct api *api, struct batch *batch)
{
  CLEANUP_FREE struct batch *ended = batch;
  if (ended->count && !any_accepted(ended)) {
    crucible_respond_detail(api, ended->request, 503, "%s", ended->items[0].refusal);
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  encode_batch(ended, &json);
  respond_json(api, ended->request, 202, &body);
}

static void item_accepted(struct api *api, struct submitter *submitter, struct evaluation *evaluation,
                          enum store_result result, const char *standing_id)
{
  struct batch_item *item = (struct batch_item *)submitter;
  (void)standing_id;
  if (result == STORE_DONE)
    snprintf(item->id, sizeof item->id, "%s", evaluation->id);
  else
    snprintf(item->refusal, sizeof item->refusal, "%s", CRUCIBLE_NOT_STORED);
  if (--item->batch->undecided == 0)
    batch_answer(api, item->batch);
}

/* Fills the items with evaluations; false, with what is wrong: faults, or `error` for what is too much for this host. */
static bool decode_items(const struct api *api, const json_t *list, struct batch *batch, struct crucible_faults *faults,
                         struct error *error)
{
  struct crucible_program programs[BATCH_MAX];
  batch->count = json_array_size(list);
  for (size_t i = 0; i < batch->count; i++)
    crucible_read_program(api, json_array_get(list, i), (int)i, faults, &programs[i]);
  for (size_t i = 0; i < batch->count && !faults->count; i++)
    if (!crucible_check_host(api, &programs[i], error))
      return false;
  for (size_t i = 0; i < batch->count && !faults->count; i++)
    batch->items[i].evaluation = crucible_evaluation(api, &programs[i], (int)i, faults);
  return !faults->count;
}

static const json_t *list_of(struct api *api, struct http_request *request, const json_t *body)
{
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  const json_t *list = json_object_get(body, "evaluations");
  size_t count = json_array_size(list);
  if (!list)
    crucible_faults_add(&faults, "evaluations", "missing", "Field required");
  else if (!json_is_array(list))
    crucible_faults_add(&faults, "evaluations", "list_type", "Input should be a valid list");
  if (faults.count)
    crucible_respond_faults(api, request, &faults);
  else if (count > BATCH_MAX)
    crucible_respond_detail(api, request, 400, "Batch size %zu exceeds maximum of %d", count, BATCH_MAX);
  return !faults.count && count <= BATCH_MAX ? list : NULL;
}

static void batch_free(struct batch *batch)
{
  for (size_t i = 0; i < batch->count; i++)
    evaluation_destroy(batch->items[i].evaluation);
  free(batch);
}

/* NULL: refused, and answered. */
static struct batch *decode_batch(struct api *api, struct http_request *request)
{
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  struct error error;
  json_t *body = crucible_body(api, request);
  const json_t *list = body ? list_of(api, request, body) : NULL;
  struct batch *batch = list ? xcalloc(1, sizeof *batch) : NULL;
  if (batch && !decode_items(api, list, batch, &faults, &error)) {
    if (faults.count)
      crucible_respond_faults(api, request, &faults);
    else
      crucible_respond_detail(api, request, 400, "%s", error.message);
    batch_free(TAKE_PTR(batch));
  }
  json_decref(body);
  return batch;
}

void crucible_submit_batch(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct batch *batch = crucible_refuse_unready(api, request) ? NULL : decode_batch(api, request);
  if (!batch)
    return;
  http_body_release(request);
  batch->request = request;
  batch->undecided = 1; /* this loop, so that an early answer does not end it */
  for (size_t i = 0; i < batch->count; i++) {
    struct batch_item *item = &batch->items[i];
    struct error error;
    item->as_submitter.accepted = item_accepted;
    item->batch = batch;
    batch->undecided++;
    struct evaluation *evaluation = TAKE_PTR(item->evaluation);
    if (api_submit(api, request, evaluation, &item->as_submitter, &error))
      continue;
    evaluation_destroy(evaluation);
    snprintf(item->refusal, sizeof item->refusal, "%s", error.message);
    batch->undecided--;
  }
  if (--batch->undecided == 0)
    batch_answer(api, batch);
}
