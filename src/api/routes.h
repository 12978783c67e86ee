#pragma once

/* Every path of the API, once. Handlers, methods in "Allow", and the description of the API come from this table. */

#include "api/api_impl.h"

/* method, path, the scope that it needs, handler, summary. A HEAD request is answered as its GET. {id} is the id of an
 * evaluation, {token} the name of an access token. What each takes and answers stands in openapi.json. */
#define ROUTES(X)                                                                                                      \
  X(POST, "/v1/evaluations", SUBMIT, handle_submit, "Submit a program")                                                \
  X(GET, "/v1/evaluations", READ, handle_list, "List evaluations, newest first")                                       \
  X(GET, "/v1/evaluations/{id}", READ, handle_get, "Get an evaluation")                                                \
  X(POST, "/v1/evaluations/{id}/cancel", SUBMIT, handle_cancel, "Cancel an evaluation")                                \
  X(GET, "/v1/evaluations/{id}/stdout", READ, handle_stdout, "Raw bytes of standard output")                           \
  X(GET, "/v1/evaluations/{id}/stderr", READ, handle_stderr, "Raw bytes of standard error")                            \
  X(GET, "/v1/evaluations/{id}/compile", READ, handle_compile, "Raw bytes of what the compiler printed")               \
  X(GET, "/v1/evaluations/{id}/output", READ, handle_output, "Standard output and error in the order written")         \
  X(GET, "/v1/evaluations/{id}/events", READ, handle_events,                                                           \
    "Its states and output as they come (server-sent events)")                                                         \
  X(GET, "/v1/evaluations/{id}/deliveries", READ, handle_deliveries, "Whether its callback_url was told")              \
  X(POST, "/v1/evaluations/{id}/redeliver", SUBMIT, handle_redeliver, "Send its callback_url the verdict again")       \
  X(POST, "/v1/batches", SUBMIT, handle_batch_submit, "Submit many programs, a line each")                             \
  X(GET, "/v1/batches", READ, handle_batch_find, "Find a batch by its Idempotency-Key")                                \
  X(GET, "/v1/batches/{id}", READ, handle_batch_get, "How a batch stands, in numbers")                                 \
  X(POST, "/v1/batches/{id}/cancel", SUBMIT, handle_batch_cancel, "Cancel what of a batch has not ended")              \
  X(GET, "/v1/batches/{id}/results", READ, handle_batch_results, "The results of a batch as they come (JSON lines)")   \
  X(GET, "/v1/batches/{id}/errors", READ, handle_batch_errors, "The lines of a batch that were refused, and why")      \
  X(GET, "/v1/events", READ, handle_all_events, "The states of all evaluations as they come")                          \
  X(GET, "/v1/runtimes", READ, handle_runtimes, "The languages that this host can run")                                \
  X(GET, "/v1/doctor", READ, handle_doctor, "What this host can enforce")                                              \
  X(POST, "/v1/admin/backup", ADMIN, handle_backup, "Make a copy of everything, on this host")                         \
  X(POST, "/v1/tokens", ADMIN, handle_make_token, "Make an access token")                                              \
  X(GET, "/v1/tokens", ADMIN, handle_list_tokens, "The access tokens, without their secrets")                          \
  X(POST, "/v1/tokens/{token}/revoke", ADMIN, handle_revoke_token, "Revoke an access token")                           \
  X(GET, "/healthz", OPEN, handle_healthz, "The daemon answers")                                                       \
  X(GET, "/readyz", OPEN, handle_readyz, "The daemon takes new work")                                                  \
  X(GET, "/metrics", READ, handle_metrics, "Prometheus metrics")                                                       \
  X(GET, "/openapi.json", OPEN, handle_openapi, "This API, described in OpenAPI 3.1")                                  \
  X(GET, "/", OPEN, handle_root, "Where to go from here")

struct route {
  const char *method, *path;
  enum scope scope;
  api_handler *handler;
  const char *summary;
};
const struct route *routes_at(size_t index); /* NULL at the end */

/* Finds the handler and calls it, if the request may; 401, 403, 404 and 405 are answered here. */
void routes_dispatch(struct api *api, struct http_request *request);

#define X(method, path, scope, handler, summary)                                                                       \
  void handler(struct api *api, struct http_request *request, const char *id);
ROUTES(X)
#undef X
