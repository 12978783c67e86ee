#pragma once

/*
 * The body of GET /events, as it comes: one JSON object a line. Events are hints (law 3): what cannot be read is told as
 * `lost`, which means "look at everything", and the stream goes on with the next line.
 */

#include "backend/lines.h"

#include <stdbool.h>
#include <stdint.h>

enum { EVENT_BYTES_MAX = 64 * 1024 };

/* Of a container; valid during the call. */
struct container_event {
  const char *action; /* "create", "start", "die", "oom", "kill", "pause", "destroy", …; Podman's words are Docker's */
  const char *name;   /* of the container, not checked; never NULL */
  const char *instance; /* its label, or NULL */
  uint64_t time_ns;     /* the engine's clock, 0: not said. For `since` only, never for a decision */
};

struct event_handlers {
  void (*event)(void *context, const struct container_event *event);
  void (*lost)(void *context); /* there was something that cannot be read */
  void *context;
};

/* Zero-initialise but for `handlers`; release at the end. One for each connection. The handlers are called from inside
 * and must not release it. */
struct event_stream {
  struct event_handlers handlers;
  struct lines lines;
};

void event_stream_feed(struct event_stream *stream, const void *bytes, size_t size);
/* The connection ended: half an event is `lost`. */
void event_stream_end(struct event_stream *stream);
void event_stream_release(struct event_stream *stream);
