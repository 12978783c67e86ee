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
  bool callbacks_private;                   /* a callback_url may name an address that is not public */
  const char *version;
  bool tokens_required;       /* over TCP: who has none is let do nothing */
  const char *const *origins; /* of pages in browsers that may ask, beside our own; NULL-terminated, or NULL */
  bool crucible;              /* the API of the Crucible platform and executor is served beside /v1 */
  /* Prometheus text of what is not the API's own; appended to. May be NULL. */
  void (*metrics)(void *context, struct buffer *ret);
  /* NULL when new work can be taken, else why not (readyz; 503 or 507 on submit) */
  const char *(*not_ready)(void *context, enum error_kind *ret_kind);
  /* The directory in which the evidence of an attempt is being written, to be closed; negative: there is none to be read
   * (backend_evidence()). May be NULL. */
  int (*evidence)(void *context, const char *backend, struct name name);
  /* A client wants a delivery again, and that is durable. May be NULL. */
  void (*delivery_again)(void *context, bool was_pending);
  /* The doctor's report as JSON (an object), for `assay doctor` of a running daemon. May be NULL. */
  void (*doctor)(void *context, struct buffer *ret);
  void *context;
};

struct api *api_create(const struct api_config *config);
/* Reads the access tokens from the store, blocking; before the first request. */
bool api_load_tokens(struct api *api, struct error *error);
/* Answers everybody who waits (503: the evaluation goes on, ask again), and closes the API's handles. From then on
 * every request is answered so. May be called twice. */
void api_stop(struct api *api);
/* Stops it if that was not done. Accepts NULL. */
void api_destroy(struct api *api);

/* An http_handler; `context` is the api. */
void api_handle(void *context, struct http_request *request);

/* Whose body is taken as it comes (http_server_stream_bodies()): at most BATCH_BYTES_MAX. `context` is the api. Also whose is
 * not wanted, because who sends it may not: that is answered before it comes. */
bool api_streams_body(void *context, const struct http_request *request);

/* What the executor tells (world->accepted, world->cancelled, world->changed). */
void api_accepted(struct api *api, struct evaluation *evaluation, void *token, enum store_result result,
                  const char *standing_id);
void api_cancelled(struct api *api, const char *id, void *token, enum store_result result);
void api_changed(struct api *api, const struct evaluation *evaluation);
