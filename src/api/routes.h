#pragma once

/* Every path of the API, once. Handlers, methods in "Allow", and the description of the API come from this table. */

#include "api/api_impl.h"

/* method, path, handler, summary. A HEAD request is answered as its GET. {id} is the id of an evaluation. */
#define ROUTES(X)                                                                                                      \
  X(POST, "/v1/evaluations", handle_submit, "Submit a program")                                                        \
  X(GET, "/v1/evaluations", handle_list, "List evaluations, newest first")                                             \
  X(GET, "/v1/evaluations/{id}", handle_get, "Get an evaluation")                                                      \
  X(POST, "/v1/evaluations/{id}/cancel", handle_cancel, "Cancel an evaluation")                                        \
  X(GET, "/v1/evaluations/{id}/stdout", handle_stdout, "Raw bytes of standard output")                                 \
  X(GET, "/v1/evaluations/{id}/stderr", handle_stderr, "Raw bytes of standard error")                                  \
  X(GET, "/v1/evaluations/{id}/compile", handle_compile, "Raw bytes of what the compiler printed")                     \
  X(GET, "/v1/evaluations/{id}/output", handle_output, "Standard output and error in the order written")               \
  X(GET, "/v1/runtimes", handle_runtimes, "The languages that this host can run")                                      \
  X(GET, "/v1/doctor", handle_doctor, "What this host can enforce")                                                    \
  X(GET, "/healthz", handle_healthz, "The daemon answers")                                                             \
  X(GET, "/readyz", handle_readyz, "The daemon takes new work")                                                        \
  X(GET, "/metrics", handle_metrics, "Prometheus metrics")                                                             \
  X(GET, "/", handle_root, "Where to go from here")

struct route {
  const char *method, *path;
  api_handler *handler;
  const char *summary;
};
const struct route *routes_at(size_t index); /* NULL at the end */

/* Finds the handler and calls it; 404 and 405 are answered here. */
void routes_dispatch(struct api *api, struct http_request *request);

#define X(method, path, handler, summary) void handler(struct api *api, struct http_request *request, const char *id);
ROUTES(X)
#undef X
