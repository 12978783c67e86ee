#pragma once

/*
 * The Docker Engine API, as far as this backend uses it: one engine, the version of the API that both speak, and calls.
 * Every call is bounded in time and in bytes, and safe to repeat. One thread, the loop's.
 *
 * An engine is here once it has said its version and what it can do. It is away when a call could not be sent; and one
 * that did not answer a call is asked for its version again, and is away when it does not answer that either. While it is
 * away it is asked at intervals that grow to some seconds. So a restarted or upgraded engine is met afresh. A call to an
 * engine that is away is NOT_SENT.
 *
 * The answer to a call comes through its `done`, exactly once, on a later turn of the loop, unless the call is cancelled
 * or the engine destroyed: then never. A call is valid until then.
 */

#include "backend/docker/facts.h"
#include "base/error.h"
#include "base/memory.h"
#include "http/client.h"
#include "wire/image_name.h"

#include <jansson.h>
#include <uv.h>

struct engine;
struct engine_call;

/* All that a caller has to tell apart. Only DONE and ABSENT say anything about what was asked for. */
enum engine_outcome {
  ENGINE_DONE,     /* it is as asked for, also where it was before */
  ENGINE_ABSENT,   /* 404: nothing of that name */
  ENGINE_CONFLICT, /* 409: something is in the way */
  ENGINE_REFUSED,  /* another 4xx: the engine will not do this */
  ENGINE_FAILED,   /* 5xx: the engine could not do it, or not wholly */
  ENGINE_NOT_SENT, /* the engine has seen nothing of it */
  ENGINE_UNKNOWN,  /* no answer in time, or one that makes no sense: it may have been done */
};

struct engine_answer {
  enum engine_outcome outcome;
  const char *message; /* for a person, printable; "" where DONE */
  const json_t *body;  /* DONE of a call that is answered with JSON; bounded in depth and size, not checked otherwise */
};

typedef void engine_done(void *context, const struct engine_answer *answer);
/* A stream's bytes as they come. False ends the call, as UNKNOWN. */
typedef bool engine_data(void *context, const void *bytes, size_t size);

struct engine_events {
  void *context;
  void (*here)(void *context);
  void (*away)(void *context, const char *why); /* it was here */
};

/* False with an error where the endpoint makes no sense. Asks for the version on the loop's next turn. */
struct engine *engine_create(uv_loop_t *loop, const struct http_endpoint *endpoint, const struct engine_events *events,
                             struct error *error);
void engine_destroy(struct engine *engine); /* accepts NULL */
bool engine_here(const struct engine *engine);
/* What it said of itself when it was last here; all zero before. */
const struct engine_facts *engine_facts(const struct engine *engine);
const char *engine_trouble(const struct engine *engine); /* why it is away; "" */

void engine_call_cancel(struct engine_call *call); /* accepts NULL; what was sent may still be done */

/* Containers. `body` is referenced. */
struct engine_call *engine_create_container(struct engine *engine, const char *name, struct blob *body,
                                            engine_done *done, void *context);
struct engine_call *engine_start_container(struct engine *engine, const char *name, engine_done *done, void *context);
struct engine_call *engine_inspect_container(struct engine *engine, const char *name, engine_done *done, void *context);
struct engine_call *engine_kill_container(struct engine *engine, const char *name, int signal, engine_done *done,
                                          void *context);
struct engine_call *engine_unpause_container(struct engine *engine, const char *name, engine_done *done, void *context);
/* With its anonymous volumes. Without `force`, one that runs is a CONFLICT. */
struct engine_call *engine_remove_container(struct engine *engine, const char *name, bool force, engine_done *done,
                                            void *context);
/* Those with the label "key=value", dead ones included, at most ENGINE_LIST_MAX, youngest first. */
enum { ENGINE_LIST_MAX = 1000 };
struct engine_call *engine_list_containers(struct engine *engine, const char *label, engine_done *done, void *context);

struct engine_call *engine_list_images(struct engine *engine, engine_done *done, void *context);
/* ABSENT: the engine has no such image. */
struct engine_call *engine_inspect_image(struct engine *engine, const char *image, engine_done *done, void *context);

/* A tar archive to or from a path in a container, which need not run. ABSENT: no such container, or path. */
struct engine_call *engine_put_archive(struct engine *engine, const char *name, const char *path, struct blob *archive,
                                       engine_done *done, void *context);
struct engine_call *engine_get_archive(struct engine *engine, const char *name, const char *path, engine_data *data,
                                       engine_done *done, void *context);
struct engine_call *engine_inspect_volume(struct engine *engine, const char *name, engine_done *done, void *context);
struct engine_call *engine_remove_volume(struct engine *engine, const char *name, engine_done *done, void *context);

/* Streams. Events of containers with that label, from the engine's time `since` ("seconds.nanoseconds"; "": from now on);
 * it has no end of its own. */
struct engine_call *engine_watch_events(struct engine *engine, const char *label, const char *since, engine_data *data,
                                        engine_done *done, void *context);
/* What the engine tells of its progress, and of its failure: a pull that ended is DONE, whether or not it succeeded. */
struct engine_call *engine_pull_image(struct engine *engine, const struct image_name *image, unsigned ms_max,
                                      engine_data *data, engine_done *done, void *context);
