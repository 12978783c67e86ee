#pragma once

/*
 * A cluster's API server, as far as this backend uses it: calls to it. Every call is bounded in time and in bytes, and
 * safe to repeat. One thread, the loop's.
 *
 * The server is here once it has said its version, and away when it cannot be reached, or while there is no token for it; while it is
 * away it is asked at intervals that grow to some seconds, and calls are NOT_SENT. A call that is refused because of its token (401)
 * is sent once more with the next one (credential.h).
 *
 * So many calls a second are sent and no more (`calls_per_s`, with a burst), the others wait their turn; a part is kept for
 * those that are urgent, so that what has to be killed does not wait for what is to be launched. Where the server says that it
 * has too much to do (429), all that is not urgent waits as long as it asks for, and the call is sent again.
 *
 * The answer to a call comes through its `done`, exactly once, on a later turn of the loop, unless the call is cancelled
 * or the API destroyed: then never. A call is valid until then.
 */

#include "backend/kubernetes/kubeconfig.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"

#include <jansson.h>
#include <uv.h>

struct cluster;
struct cluster_call;

/* All that a caller has to tell apart. Only DONE and ABSENT say anything about what was asked for. */
enum cluster_outcome {
  CLUSTER_DONE,
  CLUSTER_ABSENT,    /* 404 */
  CLUSTER_CONFLICT,  /* 409: it is there already */
  CLUSTER_GONE,      /* 410: this resourceVersion is too old */
  CLUSTER_FORBIDDEN, /* 401, 403: not allowed, or a quota or an admission is against it */
  CLUSTER_REFUSED,   /* another 4xx */
  CLUSTER_FAILED,    /* 5xx */
  CLUSTER_NOT_SENT,  /* the server has seen nothing of it */
  CLUSTER_UNKNOWN,   /* no answer in time, or one that makes no sense: it may have been done */
};

struct cluster_answer {
  enum cluster_outcome outcome;
  const char *message; /* for a person, printable; "" where DONE */
  const json_t *body;  /* DONE of a call that is answered with JSON; bounded in depth and size, not checked otherwise */
};

typedef void cluster_done(void *context, const struct cluster_answer *answer);
/* A stream's bytes as they come, of an answer with status 200. False ends the call, as UNKNOWN. */
typedef bool cluster_data(void *context, const void *bytes, size_t size);

/* What stands in an answer for an object: all of it, or its metadata (PartialObjectMetadata). */
enum cluster_shape { CLUSTER_WHOLE, CLUSTER_METADATA, CLUSTER_METADATA_LIST, CLUSTER_SHAPES };

struct cluster_request {
  const char *method;
  const char *path;      /* with its query */
  struct blob *body;     /* referenced */
  const char *body_type; /* NULL: JSON, where there is a body */
  enum cluster_shape shape;
  unsigned total_ms; /* 0: no limit, for streams */
  unsigned idle_ms;
  size_t answer_bytes_max;
  bool urgent;
  cluster_data *data; /* NULL: no stream, and the answer is JSON */
  cluster_done *done;
  void *context;
};

struct cluster_events {
  void *context;
  void (*here)(void *context);
  void (*away)(void *context, const char *why); /* it was here */
};

enum { CLUSTER_VERSION_SIZE = 64 };

/* `config` is borrowed, and outlives it. False with an error where it makes no sense. */
struct cluster *cluster_create(uv_loop_t *loop, const struct kubeconfig *config, unsigned connections_max,
                               unsigned calls_per_s, const struct cluster_events *events, struct error *error);
void cluster_destroy(struct cluster *cluster); /* accepts NULL */
bool cluster_here(const struct cluster *cluster);
const char *cluster_trouble(const struct cluster *cluster); /* why it is away */
const char *cluster_version(const struct cluster *cluster); /* "v1.20.2", as it said when it was last here; "" */

/* Everything in it is copied, but for the body, which is referenced. */
struct cluster_call *cluster_send(struct cluster *cluster, const struct cluster_request *request);
void cluster_call_cancel(struct cluster_call *call); /* accepts NULL; what was sent may still be done */
