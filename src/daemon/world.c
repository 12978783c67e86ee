/* The real world of the executor: clocks, chance, the store, the backends, and the API that is told. */

#include "api/trace_context.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "daemon/daemon_impl.h"

#include <string.h>

static struct mono world_now(void *context)
{
  (void)context;
  return mono_now();
}

static struct wall world_wall_now(void *context)
{
  (void)context;
  return wall_now();
}

static uint32_t world_random(void *context)
{
  (void)context;
  return (uint32_t)random_number();
}

static void accept_stored(void *context, const char *id, enum store_result result, uint64_t sequence,
                          const char *standing_id)
{
  FAILPOINT(accept_durable);
  executor_accepted(((struct daemon *)context)->executor, id, result, sequence, standing_id);
}

static void world_store_accept(void *context, const struct evaluation *evaluation)
{
  struct daemon *daemon = context;
  FAILPOINT(accept_asked);
  store_accept(daemon->store, evaluation, accept_stored, daemon);
}

static void attempt_stored(void *context, const char *id, unsigned attempt, enum store_result result)
{
  FAILPOINT(attempt_durable);
  executor_attempt_stored(((struct daemon *)context)->executor, id, attempt, result);
}

static void world_store_attempt(void *context, const struct evaluation *evaluation, unsigned attempt)
{
  struct daemon *daemon = context;
  FAILPOINT(attempt_asked);
  store_attempt(daemon->store, evaluation->id, attempt, attempt_stored, daemon);
}

/* Whose cancellation is with the store. */
struct cancel_call {
  struct daemon *daemon;
  void *token;
};

static void cancel_stored(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)attempt;
  CLEANUP_FREE struct cancel_call *call = context;
  FAILPOINT(cancel_durable);
  executor_cancelled(call->daemon->executor, id, call->token, result);
}

static void world_store_cancel(void *context, const struct evaluation *evaluation, void *token)
{
  struct daemon *daemon = context;
  struct cancel_call *call = xmalloc(sizeof *call);
  *call = (struct cancel_call){daemon, token};
  FAILPOINT(cancel_asked);
  store_cancel(daemon->store, evaluation->id, evaluation->cancelled_at, cancel_stored, call);
}

static void finish_stored(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)attempt;
  FAILPOINT(finish_durable);
  executor_finished(((struct daemon *)context)->executor, id, result);
}

static void world_store_finish(void *context, const struct evaluation *evaluation)
{
  struct daemon *daemon = context;
  FAILPOINT(finish_asked);
  store_finish(daemon->store, evaluation, finish_stored, daemon);
}

static struct backend *find_backend(struct daemon *daemon, const char *name)
{
  for (unsigned i = 0; i < daemon->backend_count; i++)
    if (!strcmp(backend_name(daemon->backends[i]), name))
      return daemon->backends[i];
  return 0;
}

int daemon_evidence(void *context, const char *backend_wanted, struct name name)
{
  struct backend *backend = find_backend(context, backend_wanted);
  return backend ? backend_evidence(backend, name) : -1;
}

static void world_launch(void *context, const struct evaluation *evaluation)
{
  struct backend *backend = find_backend(context, evaluation->backend);
  FAILPOINT(launch_asked);
  if (backend)
    backend_launch(backend, name_make(evaluation->id, evaluation->attempt), evaluation->plan);
}

static void world_observe(void *context, const char *backend_wanted, struct name name)
{
  struct backend *backend = find_backend(context, backend_wanted);
  if (backend)
    backend_observe(backend, name);
}

static void world_kill(void *context, const char *backend_wanted, struct name name, enum kill_reason reason)
{
  struct backend *backend = find_backend(context, backend_wanted);
  FAILPOINT(kill_asked);
  if (backend)
    backend_kill(backend, name, reason);
}

static void world_remove(void *context, const char *backend_wanted, struct name name)
{
  struct backend *backend = find_backend(context, backend_wanted);
  FAILPOINT(remove_asked);
  if (backend)
    backend_remove(backend, name);
  FAILPOINT(remove_sent);
}

static void world_accepted(void *context, struct evaluation *evaluation, void *token, enum store_result result,
                           const char *standing_id)
{
  api_accepted(((struct daemon *)context)->api, evaluation, token, result, standing_id);
  FAILPOINT(accept_told);
}

static void world_cancelled(void *context, const char *id, void *token, enum store_result result)
{
  api_cancelled(((struct daemon *)context)->api, id, token, result);
}

static void world_changed(void *context, const struct evaluation *evaluation)
{
  struct daemon *daemon = context;
  if (evaluation->state == STATE_FINISHED)
    log_fields(LOG_DEBUG, evaluation->id, TRACE_FIELDS(evaluation), "%s: %s", evaluation_status(evaluation),
               evaluation->verdict.reason);
  else
    log_fields(LOG_DEBUG, evaluation->id, TRACE_FIELDS(evaluation), "%s", evaluation_status(evaluation));
  api_changed(daemon->api, evaluation);
  /* Without a verdict another one stands, and has its delivery since it was written. */
  bool is_told = evaluation->state == STATE_FINISHED && evaluation->verdict.kind != VERDICT_NONE;
  if (is_told && evaluation->callback_url)
    webhooks_added(daemon->webhooks);
}

void daemon_break(void *context, const char *what)
{
  struct daemon *daemon = context;
  if (daemon->failed)
    return;
  daemon->failed = true;
  log_error(0, "%s: stopping, so that the next start recovers from what is durable", what);
  uv_stop(&daemon->loop);
}

struct world world_of(struct daemon *daemon)
{
  return (struct world){
    .context = daemon,
    .now = world_now,
    .wall_now = world_wall_now,
    .random = world_random,
    .store_accept = world_store_accept,
    .store_attempt = world_store_attempt,
    .store_cancel = world_store_cancel,
    .store_finish = world_store_finish,
    .launch = world_launch,
    .observe = world_observe,
    .kill = world_kill,
    .remove = world_remove,
    .accepted = world_accepted,
    .cancelled = world_cancelled,
    .changed = world_changed,
    .broken = daemon_break,
  };
}

/* What backends tell. */

static void backend_launched(void *context, struct name name, enum launch_result result, const char *reason)
{
  executor_launched(((struct daemon *)context)->executor, name, result, reason);
}

static void backend_observed(void *context, struct name name, const struct observation *observation)
{
  FAILPOINT(seen);
  executor_observed(((struct daemon *)context)->executor, name, observation);
}

static void backend_hint(void *context, struct name name)
{
  executor_hint(((struct daemon *)context)->executor, name);
}

/* What is left of an evaluation whose verdict is durable, or of an attempt before the present one, is removed. */
static void backend_found(void *context, const char *backend_found_in, struct name name)
{
  struct daemon *daemon = context;
  char id[ID_SIZE];
  unsigned attempt;
  if (!name_parse(name.text, id, &attempt))
    return;
  const struct evaluation *open = executor_find(daemon->executor, id);
  if (open && open->attempt == attempt && !strcmp(open->backend, backend_found_in)) {
    executor_hint(daemon->executor, name);
    return;
  }
  log_info(id, "removing what is left of attempt %u (%s)", attempt, backend_found_in);
  world_remove(daemon, backend_found_in, name);
}

static void backend_capacity(void *context, const char *backend, unsigned slots)
{
  executor_capacity(((struct daemon *)context)->executor, backend, slots);
}

struct backend_events backend_events_of(struct daemon *daemon)
{
  return (struct backend_events){
    .context = daemon,
    .launched = backend_launched,
    .observed = backend_observed,
    .hint = backend_hint,
    .capacity = backend_capacity,
    .found = backend_found,
  };
}
