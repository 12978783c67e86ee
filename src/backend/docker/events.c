/*
 * Hints from the engine: one stream of events of our containers. It is read at once, whatever comes, because a slow
 * reader is skipped by Docker and makes all of Docker slow; so an event is no more than a name to look at. What is lost,
 * in a break or in a line that cannot be read, is made up for by a look at everything.
 */

#include "backend/backoff.h"
#include "backend/docker/docker_impl.h"
#include "backend/docker/event_stream.h"
#include "backend/docker/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DELAY_MS_FIRST = 100, DELAY_MS_MAX = 5000, SINCE_SIZE = 32 };

struct event_watch {
  struct docker *docker;
  struct engine_call *call;
  struct event_stream stream;
  struct timer *timer; /* when to connect again */
  unsigned delay_ms;
  uint64_t last_ns; /* the engine's time of the last event; 0: none yet */
};

static void on_event(void *context, const struct container_event *event)
{
  struct event_watch *watch = context;
  struct docker *docker = watch->docker;
  char id[ID_SIZE];
  unsigned attempt;
  watch->delay_ms = DELAY_MS_FIRST;
  if (event->time_ns > watch->last_ns)
    watch->last_ns = event->time_ns;
  bool ours = event->instance && !strcmp(event->instance, docker->instance);
  if (ours && name_parse(event->name, id, &attempt))
    docker_hint(docker, name_make(id, attempt));
}

static void on_lost(void *context)
{
  struct event_watch *watch = context;
  reconcile(watch->docker->reconciler);
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct event_watch *watch = context;
  event_stream_feed(&watch->stream, bytes, size);
  return true;
}

static void on_broken(void *context, const struct engine_answer *broken)
{
  struct event_watch *watch = context;
  (void)broken;
  watch->call = 0;
  event_stream_end(&watch->stream);
  event_stream_release(&watch->stream);
  timer_set(watch->timer, watch->delay_ms);
  watch->delay_ms = backoff_longer(watch->delay_ms, DELAY_MS_MAX);
}

/* The list is asked for behind the stream, so that what happens in between is in one of them. */
static void connect_again(void *context)
{
  struct event_watch *watch = context;
  struct docker *docker = watch->docker;
  if (watch->call || !engine_here(docker->engine))
    return;
  char since[SINCE_SIZE] = "";
  if (watch->last_ns)
    snprintf(since, sizeof since, "%" PRIu64 ".%09" PRIu64, watch->last_ns / 1000000000, watch->last_ns % 1000000000);
  watch->stream = (struct event_stream){.handlers = {on_event, on_lost, watch}};
  watch->call = engine_watch_events(docker->engine, docker->label, since, on_data, on_broken, watch);
  reconcile(docker->reconciler);
}

struct event_watch *event_watch_create(struct docker *docker)
{
  struct event_watch *watch = xcalloc(1, sizeof *watch);
  watch->docker = docker;
  watch->delay_ms = DELAY_MS_FIRST;
  watch->timer = timer_make(docker->loop, connect_again, watch);
  return watch;
}

void event_watch_destroy(struct event_watch *watch)
{
  if (!watch)
    return;
  engine_call_cancel(watch->call);
  event_stream_release(&watch->stream);
  timer_destroy(watch->timer);
  free(watch);
}

/* Also where a stream is still open: an engine that was away may have forgotten it. */
void event_watch_begin(struct event_watch *watch)
{
  engine_call_cancel(watch->call);
  watch->call = 0;
  event_stream_release(&watch->stream);
  watch->delay_ms = DELAY_MS_FIRST;
  connect_again(watch);
}
