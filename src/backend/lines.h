#pragma once

/* A stream of lines that comes in pieces, however they are cut. Zero-initialise; release at the end. */

#include "base/buffer.h"

#include <stdbool.h>

struct lines {
  struct buffer rest; /* of a line whose end has not come */
  bool skipping;      /* what is left of a line that was too long */
};

/* A line without its end ("\n" or "\r\n"), valid during the call; never blank. NULL: one that was too long. */
typedef void lines_handler(void *context, const char *line, size_t size);

/* The handler is called from inside and must not release `lines`. */
void lines_feed(struct lines *lines, const void *bytes, size_t size, size_t line_bytes_max, lines_handler *handler,
                void *context);
/* Hands over what came after the last end of a line. */
void lines_end(struct lines *lines, lines_handler *handler, void *context);
void lines_release(struct lines *lines);
