#pragma once

/*
 * Evidence as lines of text, for a way that keeps nothing but lines: a container's log. The keeper writes frames, whoever
 * reads the log makes the evidence directory (record.h) of them again. A frame is
 *
 *     assay1 <number> <time in ms> <kind> <position> <base64 of the bytes> <XXH3-64 of all before, as 16 hex digits>
 *
 * and shorter than the 16 KiB at which container managers split lines. Frames are numbered from 0 without a gap: "start"
 * is the first, "record" or "failure" the last. So a reader sees what is missing, doubled, cut off or not a frame at all,
 * as the error texts which a server sends in the place of a log. The program cannot write to the log.
 */

#include "base/buffer.h"
#include "wire/record.h"

/* kind, word; the first ones are those of enum stream */
#define FRAME_KINDS(X)                                                                                                 \
  X(STDOUT, "stdout") /* bytes of the file of this name, at this position of it */                                     \
  X(STDERR, "stderr")                                                                                                  \
  X(COMPILE, "compile")                                                                                                \
  X(ORDER, "order")                                                                                                    \
  X(START, "start")     /* the start marker's text */                                                                  \
  X(RECORD, "record")   /* the sealed record (seal.h) */                                                               \
  X(FAILURE, "failure") /* why nothing was started, as text for a person */

enum frame_kind {
#define X(name, word) FRAME_##name,
  FRAME_KINDS(X)
#undef X
    FRAME_KIND_COUNT
};
static_assert(+FRAME_COMPILE == STREAM_COMPILE && +FRAME_ORDER == STREAM_COUNT, "a stream is the kind of its frames");

struct frame {
  enum frame_kind kind;
  uint64_t number;
  struct wall at;
  uint64_t position; /* 0 where the kind has none */
  const void *data;
  size_t size;
};

enum { FRAME_DATA_BYTES_MAX = 11 * 1024, FRAME_LINE_BYTES_MAX = 16 * 1024 - 1 };

/* Whether it begins as a frame does. */
bool frames_begin(const void *text, size_t size);

/* At most FRAME_DATA_BYTES_MAX bytes of data. Appends a line with its end. */
void frame_encode(const struct frame *frame, struct buffer *ret);

enum frames_event_type {
  FRAMES_FRAME,    /* the next one */
  FRAMES_GAP,      /* `missing` frames from this number on are not there; the frame behind them follows */
  FRAMES_REPEATED, /* one that was there before */
  FRAMES_DAMAGED,  /* a line that began as a frame, or was too long for one */
  FRAMES_FOREIGN,  /* any other line */
};

struct frames_event {
  enum frames_event_type type;
  struct frame frame; /* FRAME, REPEATED; the number alone of a GAP. Valid during the call */
  uint64_t missing;   /* GAP */
  const char *text;   /* DAMAGED, FOREIGN: the line, or its beginning; not terminated */
  size_t text_size;
};

/* False ends the decoding of what was given: it could not be taken. */
typedef bool frames_take(void *context, const struct frames_event *event);

struct frames_decoder {
  struct buffer line; /* the part of it that has come */
  bool too_long;
  uint64_t next; /* the number that is due */
};

void frames_decoder_release(struct frames_decoder *decoder);
/* What is given next begins a line, and the frame with this number is due. */
void frames_restart(struct frames_decoder *decoder, uint64_t next);
/* A piece of the log, cut anywhere. */
bool frames_decode(struct frames_decoder *decoder, const void *data, size_t size, frames_take *take, void *context);
/* There is no more: a line without an end is taken for damaged. */
bool frames_end(struct frames_decoder *decoder, frames_take *take, void *context);
