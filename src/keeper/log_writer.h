#pragma once

/*
 * Tells a container's log what capture keeps, as frames (wire/frames.h). Who takes the log may be slow or stand still: the
 * writer never waits for him, and what is to be told lies in capture's files meanwhile. Of a stream its head is told while
 * the program runs, and what lies behind it at the end, when it is known what is kept (as with any evidence).
 */

#include "base/clock.h"
#include "keeper/capture.h"
#include "wire/frames.h"

enum { LOG_FILES = FRAME_ORDER + 1 };

struct log_writer {
  int output; /* non-blocking */
  uint64_t number;
  struct buffer pending; /* whole frames, of which so much is written: */
  size_t written;
  uint64_t told[LOG_FILES]; /* of each file */
  struct mono next_flush;   /* small pieces wait until then, to go together */
  bool broken;              /* an error of the log's: no more is told */
  bool finished;
  int file[LOG_FILES]; /* once it is finished: all that there will be, and how much of it */
  uint64_t size[LOG_FILES];
  struct buffer record; /* sealed; the last frame */
  struct buffer text;   /* all frames so far, or more than POD_MESSAGE_BYTES_MAX bytes of them */
};

/* Takes `output`, and makes it non-blocking. */
void log_writer_init(struct log_writer *writer, int output);
void log_writer_release(struct log_writer *writer);

/* A frame without a position, before all that is in the files. */
void log_writer_put(struct log_writer *writer, enum frame_kind kind, const void *data, size_t size);
/* Writes what can be written now. `capture` may be NULL. Returns in how many ms there is more to do even if the log takes
 * nothing: -1: then there is not. */
int log_writer_advance(struct log_writer *writer, const struct capture *capture);
/* Whether to poll `output` for room. */
bool log_writer_waits(const struct log_writer *writer);

/* The rest: what `capture`, which is finished, holds and was not told; then the sealed record. */
void log_writer_finish(struct log_writer *writer, const struct capture *capture, const struct record *record,
                       const void *sealed, size_t size);
/* Whether all is written that ever can be. */
bool log_writer_is_done(const struct log_writer *writer);
/* The whole log, if it is so short that it can be the termination message, and all of it was told; else NULL. The writer's. */
const struct buffer *log_writer_text(const struct log_writer *writer);
