/* One batch: how it stands, and its end. */

#include "api/access/audit.h"
#include "api/batches/batches_impl.h"
#include "api/routes.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERRORS_SHOWN = 20 };

struct batch_call {
  struct api *api;
  struct http_request *request;
  int status;
  struct store_batch batch;
};

static const char *status_of(const struct api *api, const struct store_batch *batch)
{
  if (api->batches && batches_are_receiving(api->batches, batch->id))
    return "receiving";
  if (batch->finished < batch->accepted)
    return "running";
  return batch->is_complete || batch->cancelled_at.ms ? "finished" : "interrupted";
}

static bool is_of(const struct evaluation *evaluation, const char *batch)
{
  return evaluation->batch && !strcmp(evaluation->batch, batch);
}

static void put_states(struct json_writer *json, const struct api *api, const char *id)
{
  unsigned counts[STATE_COUNT] = {0};
  const struct evaluation *open = NULL;
  while ((open = executor_each(api->config.executor, open)))
    counts[open->state] += is_of(open, id);
  json_write_key(json, "states");
  json_write_object_begin(json);
  for (enum state state = STATE_QUEUED; state < STATE_FINISHED; state++)
    json_write_member_u64(json, state_name(state), counts[state]);
  json_write_object_end(json);
}

static void put_verdicts(struct json_writer *json, const struct store_batch *batch)
{
  json_write_key(json, "verdicts");
  json_write_object_begin(json);
  for (enum verdict_kind kind = VERDICT_NONE + 1; kind < VERDICT_COUNT; kind++)
    json_write_member_u64(json, verdict_name(kind), batch->verdicts[kind]);
  json_write_object_end(json);
}

static void put_errors(struct json_writer *json, const struct store_line *lines, size_t count)
{
  json_write_key(json, "errors");
  json_write_array_begin(json);
  for (size_t i = 0; i < count; i++) {
    json_write_object_begin(json);
    json_write_member_u64(json, "line", lines[i].line);
    json_write_key(json, "errors");
    json_write_raw(json, lines[i].errors);
    json_write_object_end(json);
  }
  json_write_array_end(json);
}

static void put_batch(struct json_writer *json, const struct batch_call *call, const struct store_line *errors,
                      size_t error_count)
{
  const struct store_batch *batch = &call->batch;
  json_write_object_begin(json);
  json_write_member_text(json, "id", batch->id);
  json_write_member_text(json, "status", status_of(call->api, batch));
  json_write_member_time(json, "created_at", batch->created_at);
  json_write_member_time(json, "cancelled_at", batch->cancelled_at);
  json_write_key(json, "lines");
  if (batch->is_complete)
    json_write_u64(json, batch->lines);
  else
    json_write_null(json);
  json_write_member_u64(json, "received", batch->received);
  json_write_member_u64(json, "accepted", batch->accepted);
  json_write_member_u64(json, "rejected", batch->rejected);
  json_write_member_u64(json, "finished", batch->finished);
  put_verdicts(json, batch);
  put_states(json, call->api, batch->id);
  put_errors(json, errors, error_count);
  json_write_object_end(json);
}

static void errors_read(void *context, const struct store_line *lines, size_t count, const struct error *error)
{
  CLEANUP_FREE struct batch_call *call = context;
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  if (error) {
    respond_problem(call->api, call->request, error, NULL);
    return;
  }
  put_batch(&json, call, lines, count);
  buffer_append(&body, "\n", 1);
  char location[64];
  snprintf(location, sizeof location, "/v1/batches/%s", call->batch.id);
  const struct http_header_field fields[] = {{"Location", location}, {0}};
  struct http_response response = {
    .status = call->status, .content_type = "application/json", .fields = call->status == 202 ? fields : NULL};
  respond(call->api, call->request, &response, &body);
}

void respond_batch(struct api *api, struct http_request *request, int status, const struct store_batch *batch)
{
  struct batch_call *call = xmalloc(sizeof *call);
  *call = (struct batch_call){api, request, status, *batch};
  store_batch_errors(api->config.store, call->batch.id, 0, ERRORS_SHOWN, errors_read, call);
}

void respond_no_batch(struct api *api, struct http_request *request, const struct error *error)
{
  if (error)
    respond_problem(api, request, error, NULL);
  else
    respond_error(api, request, ERROR_NOT_FOUND, "there is no such batch");
}

static struct batch_call *begin_call(struct api *api, struct http_request *request, int status)
{
  struct batch_call *call = xcalloc(1, sizeof *call);
  call->api = api;
  call->request = request;
  call->status = status;
  return call;
}

static void answer(const struct batch_call *call, const struct store_batch *batch, const struct error *error)
{
  if (batch)
    respond_batch(call->api, call->request, call->status, batch);
  else
    respond_no_batch(call->api, call->request, error);
}

static void batch_read(void *context, enum store_result result, const struct store_batch *batch,
                       const struct error *error)
{
  (void)result;
  CLEANUP_FREE struct batch_call *call = context;
  answer(call, batch, error);
}

void handle_batch_get(struct api *api, struct http_request *request, const char *id)
{
  store_batch_get(api->config.store, id, batch_read, begin_call(api, request, 200));
}

/* By the key that it was sent with: how a client finds the batch that it is still sending. */
void handle_batch_find(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  const char *key = http_query(request, "idempotency_key");
  if (key && *key)
    store_batch_find(api->config.store, key, batch_read, begin_call(api, request, 200));
  else
    respond_error(api, request, ERROR_INVALID, "idempotency_key is needed: that of the batch that is looked for");
}

/* That they are to end is durable for all of them together; now the executor is told of each. */
static void cancelled(void *context, enum store_result result, const struct store_batch *batch,
                      const struct error *error)
{
  CLEANUP_FREE struct batch_call *call = context;
  struct api *api = call->api;
  if (result == STORE_FAILED) {
    respond_error(api, call->request, ERROR_UNAVAILABLE, "the cancellation could not be stored; ask again");
    return;
  }
  if (batch)
    audit_cancelled(api->access, call->request, batch->id);
  if (batch && api->batches)
    batches_end_uploads(api->batches, batch->id, ERROR_CONFLICT, "the batch was cancelled");
  const struct evaluation *open = NULL;
  while (batch && (open = executor_each(api->config.executor, open)))
    if (is_of(open, batch->id))
      executor_cancel(api->config.executor, open->id, NULL);
  answer(call, batch, error);
}

void handle_batch_cancel(struct api *api, struct http_request *request, const char *id)
{
  store_batch_cancel(api->config.store, id, wall_now(), cancelled, begin_call(api, request, 202));
}
