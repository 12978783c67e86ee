/* The platform's calls of the Crucible API: /api/… and /health. */

#include "api/compat/crucible.h"
#include "api/compat/crucible_routes.h"
#include "api/list.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CANCEL_SECONDS_MAX = 10, /* that a client is kept waiting for what its cancellation came to */
  NAMESAKES_MAX = 20,      /* evaluations with the same label that are looked at for the one with the key */
};

/* Finding one evaluation */

struct find_call {
  struct api *api;
  struct reply reply;
  char id[ID_SIZE];
  bool by_label; /* it is not our id */
};

static void found(struct find_call *call, const struct evaluation *evaluation)
{
  CLEANUP_FREE struct find_call *ended = call;
  respond_evaluation(ended->api, &ended->reply, evaluation); /* in its form */
}

static void find_failed(struct find_call *call, const struct error *error)
{
  crucible_respond_detail(call->api, call->reply.request, error_http_status(error->kind), "%s", error->message);
  free(call);
}

static void find_in_store(struct find_call *call, const char *id);

static void namesakes_listed(void *context, const struct evaluation *const *page, size_t count, bool more,
                             const struct error *error)
{
  struct find_call *call = context;
  const struct evaluation *evaluation = NULL;
  (void)more;
  if (error) {
    find_failed(call, error);
    return;
  }
  for (size_t i = 0; i < count; i++)
    if (!strcmp(crucible_id_of(page[i]).text, call->id))
      evaluation = page[i];
  if (evaluation && evaluation->state == STATE_FINISHED)
    find_in_store(call, evaluation->id); /* the list has no outputs */
  else
    found(call, evaluation);
}

static void find_by_label(struct find_call *call)
{
  struct list_parameters parameters = {.label_key = CRUCIBLE_LABEL_ID, .limit = NAMESAKES_MAX};
  snprintf(parameters.label_value, sizeof parameters.label_value, "%s", call->id);
  call->by_label = true;
  list_page(call->api, &parameters, namesakes_listed, call);
}

static void found_in_store(void *context, struct evaluation *evaluation, const struct error *error)
{
  struct find_call *call = context;
  if (error) {
    find_failed(call, error);
  } else if (!evaluation && !call->by_label) {
    find_by_label(call);
  } else {
    outputs_load(evaluation ? evaluation->outputs : NULL, OUTPUT_INLINE_BYTES_MAX);
    found(call, evaluation);
  }
  evaluation_destroy(evaluation);
}

static void find_in_store(struct find_call *call, const char *id)
{
  store_get(call->api->config.store, id, found_in_store, call);
}

void crucible_find(struct api *api, struct http_request *request, const char *id, reply_form *form)
{
  struct reply reply = {.request = request, .form = form};
  const struct evaluation *open = find_open(api, id);
  if (open || !*id) {
    form(api, &reply, open);
    return;
  }
  struct find_call *call = xcalloc(1, sizeof *call);
  call->api = api;
  call->reply = reply;
  snprintf(call->id, sizeof call->id, "%s", id);
  find_in_store(call, id);
}

/* GET /api/eval/{id}, …/status, …/logs */

static void answer_get(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  if (!evaluation) {
    crucible_respond_detail(api, reply->request, 404, "Evaluation not found");
    return;
  }
  crucible_encode_evaluation(&json, api, evaluation);
  respond_json(api, reply->request, 200, &body);
}

void crucible_get(struct api *api, struct http_request *request, const char *id)
{
  crucible_find(api, request, id, answer_get);
}

static void answer_logs(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  if (!evaluation) { /* each of the two in its own word; a client of either reads the one that it knows */
    json_write_object_begin(&json);
    json_write_member_text(&json, "error", "Evaluation not found");
    json_write_member_text(&json, "detail", "Evaluation not found");
    json_write_object_end(&json);
    respond_json(api, reply->request, 404, &body);
    return;
  }
  crucible_encode_logs(&json, evaluation);
  respond_json(api, reply->request, 200, &body);
}

void crucible_logs(struct api *api, struct http_request *request, const char *id)
{
  crucible_find(api, request, id, answer_logs);
}

/* POST …/kill and …/cancel. The client waits for what came of it, so that what it is told is the truth. */

void crucible_end(struct api *api, const struct reply *reply, const struct evaluation *evaluation, reply_form *form)
{
  struct reply later = {.request = reply->request, .form = form, .wait_seconds = CANCEL_SECONDS_MAX};
  char id[ID_SIZE]; /* it may be gone before the answer */
  memcpy(id, evaluation->id, sizeof id);
  cancel_evaluation(api, &later, id);
}

static void killed(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  bool ended_on_its_own =
    !evaluation || (evaluation->state == STATE_FINISHED && evaluation->verdict.kind != VERDICT_CANCELLED);
  if (ended_on_its_own)
    crucible_respond_error(api, reply->request, 404, "Evaluation not running");
  else
    crucible_respond_message(api, reply->request, crucible_id_of(evaluation).text, "killed",
                             evaluation->state == STATE_FINISHED ? "Evaluation killed successfully"
                                                                 : "Evaluation is being killed");
}

/* What waits is not running, and what is dead already is not either. */
static bool can_be_killed(const struct evaluation *evaluation)
{
  return evaluation && (evaluation->state == STATE_PREPARING || evaluation->state == STATE_STARTING ||
                        evaluation->state == STATE_RUNNING);
}

static void kill_found(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  if (can_be_killed(evaluation))
    crucible_end(api, reply, evaluation, killed);
  else
    crucible_respond_error(api, reply->request, 404, "Evaluation not running");
}

void crucible_kill(struct api *api, struct http_request *request, const char *id)
{
  crucible_find(api, request, id, kill_found);
}

static void answer_ended(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  const char *status = crucible_status_of(evaluation);
  char message[64];
  snprintf(message, sizeof message, "Evaluation already in terminal state: %s", status);
  crucible_respond_message(api, reply->request, crucible_id_of(evaluation).text, status, message);
}

static void cancelled(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  bool finished = evaluation && evaluation->state == STATE_FINISHED;
  if (!evaluation)
    crucible_respond_error(api, reply->request, 404, "Evaluation not found");
  else if (finished && evaluation->verdict.kind != VERDICT_CANCELLED)
    answer_ended(api, reply, evaluation);
  else
    crucible_respond_message(api, reply->request, crucible_id_of(evaluation).text, "cancelled",
                             finished ? "Evaluation cancelled successfully" : "Evaluation is being cancelled");
}

static void cancel_found(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  if (!evaluation)
    crucible_respond_error(api, reply->request, 404, "Evaluation not found");
  else if (evaluation->state == STATE_FINISHED)
    answer_ended(api, reply, evaluation);
  else
    crucible_end(api, reply, evaluation, cancelled);
}

void crucible_cancel(struct api *api, struct http_request *request, const char *id)
{
  crucible_find(api, request, id, cancel_found);
}

/* The daemon */

void crucible_queue_status(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct executor_counts counts = executor_count(api->config.executor);
  unsigned queued = counts.in_state[STATE_ACCEPTING] + counts.in_state[STATE_QUEUED], processing = 0;
  for (enum state state = STATE_QUEUED + 1; state < STATE_FINISHED; state++)
    processing += counts.in_state[state];
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_u64(&json, "queued", queued);
  json_write_member_u64(&json, "processing", processing);
  json_write_member_u64(&json, "queue_length", queued);
  json_write_member_u64(&json, "total_tasks", queued + processing);
  json_write_member_text(&json, "error", NULL);
  json_write_object_end(&json);
  respond_json(api, request, 200, &body);
}

/* There is one service here; the original had four, and clients look at each. */
static void respond_health(struct api *api, struct http_request *request, const char *good, const char *bad,
                           bool by_status_code)
{
  static const char *const services[] = {"gateway", "queue", "storage", "executor"};
  const char *why = api_not_ready(api, NULL), *health = why ? "unhealthy" : "healthy";
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, "status", why ? bad : good);
  json_write_member_time(&json, "timestamp", wall_now());
  json_write_key(&json, "services");
  json_write_object_begin(&json);
  for (size_t i = 0; i < sizeof services / sizeof *services; i++)
    json_write_member_text(&json, services[i], health);
  json_write_object_end(&json);
  json_write_member_text(&json, "service", "executor");
  json_write_member_text(&json, "executor_id", crucible_executor_id().text);
  json_write_member_text(&json, "error", why);
  json_write_object_end(&json);
  respond_json(api, request, why && by_status_code ? 503 : 200, &body);
}

void crucible_health(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  respond_health(api, request, "healthy", "unhealthy", true);
}

void crucible_api_health(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  respond_health(api, request, "ok", "degraded", false);
}
