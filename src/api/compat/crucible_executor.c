/*
 * The executor's calls of the Crucible API: /execute, /logs/{id}, /kill/{id}, /running, /status, /capacity.
 *
 * Its clients bring the id of an evaluation along. Assay gives ids of its own, so the client's becomes an idempotency key,
 * which makes it one evaluation's, and a label to find that by; every call of this API, also of the platform's, takes and
 * shows the client's id from then on.
 */

#include "api/compat/crucible.h"
#include "api/compat/crucible_routes.h"
#include "api/list.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECENT_MAX = 10, EXIT_CODE_NONE = -1 };

struct crucible_host crucible_executor_id(void)
{
  struct crucible_host host;
  if (gethostname(host.text, sizeof host.text) != 0)
    snprintf(host.text, sizeof host.text, "executor");
  host.text[sizeof host.text - 1] = 0;
  return host;
}

/* As Docker calls it. */
static const char *container_status(const struct evaluation *evaluation)
{
  const char *status = crucible_status_of(evaluation);
  return evaluation->state == STATE_FINISHED ? "exited" : !strcmp(status, "running") ? "running" : "created";
}

/* POST /execute */

struct execution {
  struct submitter as_submitter;
  struct api *api;
  struct http_request *request;
  struct evaluation *evaluation; /* until it is submitted */
  char id[ID_SIZE];              /* the client's */
};

static void execution_free(struct execution *execution)
{
  evaluation_destroy(execution->evaluation);
  free(execution);
}

static void begin_execution(struct json_writer *json, const char *id, const char *status)
{
  json_write_object_begin(json);
  json_write_member_text(json, "eval_id", id);
  json_write_member_text(json, "status", status);
}

static void end_execution(struct json_writer *json, const char *container_id)
{
  json_write_member_text(json, "executor_id", crucible_executor_id().text);
  json_write_member_text(json, "container_id", container_id);
  json_write_object_end(json);
}

static void refuse_execution(struct api *api, struct http_request *request, const char *id, const char *why)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  begin_execution(&json, id, "failed");
  json_write_member_text(&json, "output", "");
  json_write_member_text(&json, "error", why);
  json_write_member_i64(&json, "exit_code", EXIT_CODE_NONE);
  end_execution(&json, NULL);
  respond_json(api, request, 200, &body);
}

/* To its client all that is not finished is running. */
static void answer_execution(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  if (!evaluation) { /* deleted since it was known */
    crucible_respond_detail(api, reply->request, 404, "Evaluation not found");
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  bool finished = evaluation->state == STATE_FINISHED;
  begin_execution(&json, crucible_id_of(evaluation).text, finished ? crucible_status_of(evaluation) : "running");
  crucible_encode_streams(&json, evaluation);
  if (finished)
    crucible_encode_exit_code(&json, evaluation);
  else
    json_write_member_i64(&json, "exit_code", EXIT_CODE_NONE);
  end_execution(&json, name_make(evaluation->id, evaluation->attempt).text);
  respond_json(api, reply->request, 200, &body);
}

static void execution_accepted(struct api *api, struct submitter *submitter, struct evaluation *evaluation,
                               enum store_result result, const char *standing_id)
{
  CLEANUP_FREE struct execution *execution = (struct execution *)submitter;
  struct http_request *request = execution->request;
  if (result == STORE_DONE)
    answer_execution(api, &(struct reply){.request = request}, evaluation);
  else if (result == STORE_STANDS) /* asked for once more: it is not run once more */
    crucible_find(api, request, standing_id, answer_execution);
  else if (result == STORE_CONFLICT)
    refuse_execution(api, request, execution->id, "this eval_id was used for another program");
  else
    crucible_respond_detail(api, request, 503, "%s", CRUCIBLE_NOT_STORED);
}

static void execution_submit(struct execution *execution)
{
  struct api *api = execution->api;
  struct evaluation *evaluation = TAKE_PTR(execution->evaluation);
  struct error error;
  execution->as_submitter.accepted = execution_accepted;
  if (api_submit(api, execution->request, evaluation, &execution->as_submitter, &error))
    return;
  crucible_respond_detail(api, execution->request, 503, "%s", error.message);
  evaluation_destroy(evaluation);
  execution_free(execution);
}

/* An id that is one of ours is somebody else's evaluation: whoever asks for it must go on finding that. */
static void own_id_looked_up(void *context, struct evaluation *evaluation, const struct error *error)
{
  struct execution *execution = context;
  if (!error && !evaluation) {
    execution_submit(execution);
    return;
  }
  if (error)
    crucible_respond_detail(execution->api, execution->request, error_http_status(error->kind), "%s", error->message);
  else
    refuse_execution(execution->api, execution->request, execution->id, "this eval_id is another evaluation's");
  evaluation_destroy(evaluation);
  execution_free(execution);
}

/* Its evaluation is NULL where it is refused, and answered. */
static struct evaluation *decode_execution(struct api *api, struct http_request *request, char ret_id[static ID_SIZE])
{
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  struct crucible_program program;
  struct evaluation *evaluation = NULL;
  json_t *body = crucible_body(api, request);
  if (!body)
    return NULL;
  if (crucible_read_execution(api, body, &faults, &program))
    evaluation = crucible_evaluation(api, &program, CRUCIBLE_ALONE, &faults);
  if (!evaluation) {
    crucible_respond_faults(api, request, &faults);
  } else {
    snprintf(ret_id, ID_SIZE, "%s", program.eval_id);
    evaluation->idempotency_key = xasprintf(CRUCIBLE_KEY "%s", program.eval_id);
    evaluation->body_digest = digest_bytes(json_string_value(program.code), json_string_length(program.code)) ^
                              (uint64_t)program.timeout_seconds;
  }
  json_decref(body);
  return evaluation;
}

void crucible_execute(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  char client_id[ID_SIZE];
  struct evaluation *evaluation =
    crucible_refuse_unready(api, request) ? NULL : decode_execution(api, request, client_id);
  if (!evaluation)
    return;
  http_body_release(request);
  struct execution *execution = xcalloc(1, sizeof *execution);
  *execution = (struct execution){.api = api, .request = request, .evaluation = evaluation};
  memcpy(execution->id, client_id, sizeof client_id);
  if (find_open(api, client_id)) {
    refuse_execution(api, request, client_id, "this eval_id is another evaluation's");
    execution_free(execution);
    return;
  }
  store_get(api->config.store, client_id, own_id_looked_up, execution);
}

/* GET /logs/{id} and POST /kill/{id}. What is not there has always been told with status 200. */

/* The last part of the path, which need not be an id. */
static const char *asked_id(const struct reply *reply)
{
  return strrchr(http_path(reply->request), '/') + 1;
}

static void answer_logs(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, "eval_id", asked_id(reply));
  if (evaluation) {
    crucible_encode_streams(&json, evaluation);
    json_write_member_bool(&json, "is_running", evaluation->state != STATE_FINISHED);
    crucible_encode_exit_code(&json, evaluation);
  } else {
    json_write_member_text(&json, "output", "");
    json_write_member_text(&json, "error", "Container not found");
    json_write_member_bool(&json, "is_running", false);
    json_write_member_text(&json, "exit_code", NULL);
  }
  json_write_object_end(&json);
  respond_json(api, reply->request, 200, &body);
}

void crucible_execution_logs(struct api *api, struct http_request *request, const char *id)
{
  crucible_find(api, request, id, answer_logs);
}

static void respond_kill(struct api *api, const struct reply *reply, bool success, const char *message)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, "eval_id", asked_id(reply));
  json_write_member_bool(&json, "success", success);
  json_write_member_text(&json, "message", message);
  json_write_object_end(&json);
  respond_json(api, reply->request, 200, &body);
}

static void killed(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  bool open = evaluation && evaluation->state != STATE_FINISHED;
  if (open)
    respond_kill(api, reply, true, "Container is being killed");
  else if (evaluation && evaluation->verdict.kind == VERDICT_CANCELLED)
    respond_kill(api, reply, true, "Container killed successfully");
  else
    respond_kill(api, reply, false, "Container not found");
}

static void kill_found(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  if (evaluation && evaluation->state != STATE_FINISHED)
    crucible_end(api, reply, evaluation, killed);
  else
    respond_kill(api, reply, false, "Container not found");
}

void crucible_execution_kill(struct api *api, struct http_request *request, const char *id)
{
  crucible_find(api, request, id, kill_found);
}

/* What runs */

static void encode_execution(struct json_writer *json, const struct evaluation *evaluation, bool with_timeout)
{
  char timeout[32];
  json_write_object_begin(json);
  json_write_member_text(json, "eval_id", crucible_id_of(evaluation).text);
  json_write_member_text(json, "container_id", name_make(evaluation->id, evaluation->attempt).text);
  json_write_member_text(json, "status", container_status(evaluation));
  json_write_member_time(json, "created", evaluation->entered_at[STATE_QUEUED]);
  snprintf(timeout, sizeof timeout, "%llu", (unsigned long long)evaluation->limits.wall_time_ms / 1000);
  if (with_timeout)
    json_write_member_text(json, "timeout", timeout);
  json_write_object_end(json);
}

/* The member "running_executions"; returns how many. */
static unsigned encode_open(struct json_writer *json, const struct api *api)
{
  unsigned count = 0;
  const struct evaluation *evaluation = NULL;
  json_write_key(json, "running_executions");
  json_write_array_begin(json);
  while ((evaluation = executor_each(api->config.executor, evaluation))) {
    if (evaluation->state == STATE_ACCEPTING || evaluation->state == STATE_FINISHED)
      continue;
    encode_execution(json, evaluation, true);
    count++;
  }
  json_write_array_end(json);
  return count;
}

void crucible_running(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  unsigned count = encode_open(&json, api);
  json_write_member_u64(&json, "count", count);
  json_write_object_end(&json);
  respond_json(api, request, 200, &body);
}

struct status_call {
  struct api *api;
  struct http_request *request;
};

static void recent_listed(void *context, const struct evaluation *const *page, size_t count, bool more,
                          const struct error *error)
{
  CLEANUP_FREE struct status_call *call = context;
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  const char *why = error ? error->message : api_not_ready(call->api, NULL);
  (void)more;
  json_write_object_begin(&json);
  json_write_member_text(&json, "executor_id", crucible_executor_id().text);
  json_write_member_text(&json, "status", why ? "error" : "healthy");
  json_write_member_text(&json, "error", why);
  unsigned open = encode_open(&json, call->api);
  json_write_member_u64(&json, "running_count", open);
  json_write_key(&json, "recent_executions");
  json_write_array_begin(&json);
  for (size_t i = 0; i < count; i++)
    encode_execution(&json, page[i], false);
  json_write_array_end(&json);
  json_write_object_end(&json);
  respond_json(call->api, call->request, 200, &body);
}

void crucible_status(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct status_call *call = xmalloc(sizeof *call);
  *call = (struct status_call){api, request};
  list_page(api, &(struct list_parameters){.limit = RECENT_MAX}, recent_listed, call);
}

/* What waits has the slots that are free first. */
void crucible_capacity(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct executor_counts counts = executor_count(api->config.executor);
  unsigned taken = counts.slots_busy + counts.in_state[STATE_QUEUED] + counts.in_state[STATE_ACCEPTING];
  unsigned available = counts.slots > taken && !api_not_ready(api, NULL) ? counts.slots - taken : 0;
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  json_write_object_begin(&json);
  json_write_member_text(&json, "executor_id", crucible_executor_id().text);
  json_write_member_bool(&json, "can_accept", available > 0);
  json_write_member_u64(&json, "running", counts.slots_busy);
  json_write_member_u64(&json, "max_concurrent", counts.slots);
  json_write_member_u64(&json, "available_slots", available);
  json_write_object_end(&json);
  respond_json(api, request, 200, &body);
}
