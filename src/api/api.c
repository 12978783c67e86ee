#include "api/api_impl.h"

#include "api/routes.h"
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
  return api;
}

void api_stop(struct api *api)
{
  struct waiters *waiters = TAKE_PTR(api->waiters); /* first: an answer can let the next request in */
  if (waiters)
    waiters_take(waiters, NULL, stopping, api);
  waiters_destroy(waiters);
}

void api_destroy(struct api *api)
{
  if (!api)
    return;
  api_stop(api);
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

struct submission_rules submission_rules_of(const struct api *api)
{
  const struct api_config *config = &api->config;
  return (struct submission_rules){
    .runtimes = config->runtimes,
    .limits_default = config->limits_default,
    .limits_max = config->limits_max,
    .backends = config->backends,
  };
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
  submitter->accepted(api, submitter, evaluation, result, standing_id);
}

void api_changed(struct api *api, const struct evaluation *evaluation)
{
  if (evaluation->state != STATE_FINISHED)
    return;
  metrics_count_finished(&api->metrics, evaluation);
  if (!api->waiters)
    return;
  struct finished finished = {api, evaluation};
  waiters_take(api->waiters, evaluation->id, is_whole(evaluation) ? answer_finished : answer_from_store, &finished);
}
