#pragma once

/*
 * text/event-stream (WHATWG HTML, section 9.2.6), in pieces as it comes. Of an event whose end has not come nothing is
 * known: feed what was cut off to a fresh one, and go on from `last_id`.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

enum { EVENT_ID_BYTES_MAX = 127 };

struct event_reader {
  /* One event. False with its own error to stop. */
  bool (*event)(void *context, const char *name, const char *data, size_t size, struct error *error);
  void *context;
  char last_id[EVENT_ID_BYTES_MAX + 1]; /* of the last event that was handed on; "" */

  struct buffer line, name, data; /* of what has not ended yet */
  char id[EVENT_ID_BYTES_MAX + 1];
  bool was_return; /* the last byte was a carriage return: a line feed behind it belongs to it */
};

bool event_reader_feed(struct event_reader *stream, const void *bytes, size_t size, struct error *error);
void event_reader_restart(struct event_reader *stream); /* forgets what has not ended; keeps `last_id` */
void event_reader_release(struct event_reader *stream);
