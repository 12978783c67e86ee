#include "api/api_impl.h"

#include "api/access/admission.h"
#include "api/access/audit.h"
#include "api/batches/batches.h"
#include "api/events/streams.h"
#include "api/routes.h"
#include "api/trace_context.h"
#include "base/json_bounds.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The client's time is over: it is told how things are. What is no longer open can only be in the store. */
static void waited_long_enough(void *context, const char *id, const struct reply *reply)
{
  struct api *api = context;
  const struct evaluation *evaluation = find_open(api, id);
  if (evaluation)
    respond_evaluation(api, reply, evaluation);
  else
    respond_from_store(api, reply, id);
}

static void stopping(void *context, const char *id, const struct reply *reply)
{
  respond_error(context, reply->request, ERROR_UNAVAILABLE,
                "the daemon is stopping; evaluation %s is kept and goes on, ask for it again later", id);
}

struct api *api_create(const struct api_config *config)
{
  struct api *api = xcalloc(1, sizeof *api);
  api->config = *config;
  api->waiters = waiters_create(config->loop, waited_long_enough, api);
  api->streams = streams_create(api);
  api->access =
    access_create(&(struct access_config){.is_required = config->tokens_required, .origins = config->origins});
  api->batches = batches_create(api);
  return api;
}

static void load_token(void *context, const struct store_token *stored)
{
  struct token token = token_from_store(stored);
  access_add(context, &token);
}

bool api_load_tokens(struct api *api, struct error *error)
{
  return store_each_token(api->config.store, load_token, api->access, error);
}

void api_stop(struct api *api)
{
  struct waiters *waiters = TAKE_PTR(api->waiters); /* first: an answer can let the next request in */
  struct streams *streams = TAKE_PTR(api->streams);
  struct batches *batches = TAKE_PTR(api->batches);
  if (waiters)
    waiters_take(waiters, NULL, stopping, api);
  waiters_destroy(waiters);
  streams_destroy(streams);
  batches_destroy(batches);
}

void api_destroy(struct api *api)
{
  if (!api)
    return;
  api_stop(api);
  access_destroy(api->access);
  free(api);
}

const char *api_not_ready(const struct api *api, enum error_kind *ret_kind)
{
  enum error_kind kind = ERROR_UNAVAILABLE;
  const char *why = api->config.not_ready ? api->config.not_ready(api->config.context, &kind) : NULL;
  if (ret_kind)
    *ret_kind = kind;
  return why;
}

/* The text is copied into strings, files and the plan; and a value of JSON, of which three bytes of text can be one, is a
 * node of a tree (base/json_bounds.h). */
static size_t decoding_bytes(size_t body_bytes)
{
  enum { COPIES = 4, NODE_BYTES = 128 };
  size_t nodes = body_bytes / 2 < JSON_VALUES_MAX ? body_bytes / 2 : JSON_VALUES_MAX;
  return COPIES * body_bytes + NODE_BYTES * nodes;
}

const char *api_not_ready_for(const struct api *api, const struct http_request *request, enum error_kind *ret_kind)
{
  size_t size;
  http_body(request, &size);
  const char *why = api_not_ready(api, ret_kind);
  if (why || memory_left(decoding_bytes(size)))
    return why;
  if (ret_kind)
    *ret_kind = ERROR_UNAVAILABLE;
  return "there is no memory for this submission just now: try again";
}

bool api_submit(struct api *api, const struct http_request *request, struct evaluation *evaluation,
                struct submitter *submitter, struct error *error)
{
  const struct token *token = access_token_of(api->access, request);
  free(evaluation->token); /* of a try before this one */
  evaluation->token = xstrdup(token ? token->name : NULL);
  trace_take(request, evaluation);
  return admission_take(api->access, api->config.executor, token, evaluation, mono_now(), error) &&
         executor_submit(api->config.executor, evaluation, submitter, error);
}

struct submission_rules submission_rules_of(const struct api *api, const struct http_request *request)
{
  const struct api_config *config = &api->config;
  const struct token *token = request ? access_token_of(api->access, request) : NULL;
  struct submission_rules rules = {
    .runtimes = config->runtimes,
    .limits_default = config->limits_default,
    .limits_max = config->limits_max,
    .backends = config->backends,
    .callbacks_private = config->callbacks_private,
  };
  if (token)
    limits_lower(&rules.limits_max, &token->limits);
  return rules;
}

void api_handle(void *context, struct http_request *request)
{
  struct api *api = context;
  if (api->waiters)
    routes_dispatch(api, request);
  else
    respond_error(api, request, ERROR_UNAVAILABLE, "the daemon is stopping");
}

struct finished {
  struct api *api;
  const struct evaluation *evaluation;
};

static void answer_finished(void *context, const char *id, const struct reply *reply)
{
  (void)id;
  struct finished *finished = context;
  respond_evaluation(finished->api, reply, finished->evaluation);
}

static void answer_from_store(void *context, const char *id, const struct reply *reply)
{
  struct finished *finished = context;
  respond_from_store(finished->api, reply, id);
}

/*
 * Whether an answer can be made from memory. Not where another verdict stood already (then its kind is NONE, and the
 * store knows), nor where an output was in a file: the store has moved that.
 */
static bool is_whole(const struct evaluation *evaluation)
{
  bool in_file = false;
  for (int i = 0; evaluation->outputs && i < STREAM_COUNT; i++)
    in_file |= evaluation->outputs->stream[i].path != NULL;
  return evaluation->verdict.kind != VERDICT_NONE && !in_file;
}

void api_accepted(struct api *api, struct evaluation *evaluation, void *token, enum store_result result,
                  const char *standing_id)
{
  struct submitter *submitter = token;
  metrics_count_submission(&api->metrics, result);
  if (result == STORE_DONE)
    audit_submitted(api->access, evaluation);
  submitter->accepted(api, submitter, evaluation, result, standing_id);
}

void api_changed(struct api *api, const struct evaluation *evaluation)
{
  if (api->streams)
    streams_changed(api->streams, evaluation);
  if (api->batches)
    batches_changed(api->batches, evaluation);
  if (evaluation->state != STATE_FINISHED)
    return;
  metrics_count_finished(&api->metrics, evaluation);
  if (!api->waiters)
    return;
  struct finished finished = {api, evaluation};
  waiters_take(api->waiters, evaluation->id, is_whole(evaluation) ? answer_finished : answer_from_store, &finished);
}
