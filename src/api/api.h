#pragma once

/*
 * The HTTP API: routes (one table in v1.c), decoding of submissions (submission.h), encoding of evaluations (encode.h),
 * and the clients that wait for a verdict. It reaches the executor and the store through their headers and nothing
 * else.
 */

#include "api/backend_offer.h"
#include "core/executor.h"
#include "http/server.h"
#include "store/store.h"

struct api;

struct api_config {
  struct executor *executor;
  struct store *store;
  uv_loop_t *loop; /* for the time that clients wait */
  const struct runtimes *runtimes;
  struct limits limits_default, limits_max; /* the operator's */
  const struct backend_offer *backends;     /* the first is the default; the last is one without a name */
  const char *version;
  bool crucible; /* the API of the Crucible platform and executor is served beside /v1 */
  /* Prometheus text of what is not the API's own; appended to. May be NULL. */
  void (*metrics)(void *context, struct buffer *ret);
  /* NULL when new work can be taken, else why not (readyz; 503 or 507 on submit) */
  const char *(*not_ready)(void *context, enum error_kind *ret_kind);
  /* The doctor's report as JSON (an object), for `assay doctor` of a running daemon. May be NULL. */
  void (*doctor)(void *context, struct buffer *ret);
  void *context;
};

struct api *api_create(const struct api_config *config);
/* Answers everybody who waits (503: the evaluation goes on, ask again), and closes the API's handles. From then on
 * every request is answered so. May be called twice. */
void api_stop(struct api *api);
/* Stops it if that was not done. Accepts NULL. */
void api_destroy(struct api *api);

/* An http_handler; `context` is the api. */
void api_handle(void *context, struct http_request *request);

/* What the executor tells (world->accepted, world->cancelled, world->changed). */
void api_accepted(struct api *api, struct evaluation *evaluation, void *token, enum store_result result,
                  const char *standing_id);
void api_cancelled(struct api *api, const char *id, void *token, enum store_result result);
void api_changed(struct api *api, const struct evaluation *evaluation);
