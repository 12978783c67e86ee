#pragma once

/* Inside the engine: engine.c meets it and makes calls; engine_calls.c knows the calls that there are. */

#include "backend/docker/engine.h"
#include "base/limits.h"

struct engine_request {
  const char *method;
  const char *path; /* behind the version, with the query */
  struct blob *body;
  const char *body_type;
  unsigned total_ms; /* 0: no limit, for streams */
  unsigned idle_ms;
  size_t answer_bytes_max;
  bool json;         /* DONE only where the body is JSON */
  engine_data *data; /* NULL: no stream */
  engine_done *done;
  void *context;
};
/* Everything in it is copied, but for the body, which is referenced. */
struct engine_call *engine_send(struct engine *engine, const struct engine_request *request);
