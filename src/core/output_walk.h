#pragma once

/*
 * The one order in which stdout and stderr were written, walked span by span. A position is a number of bytes that the
 * program had written to both by then, kept or not: it means the same while the program runs and ever after, so that
 * who has followed to a position goes on from there.
 *
 * While the program runs, no more is told than what will still be so at its end: not what lies behind the head of a
 * stream, for only the end shows whether it is kept; and nothing whose place between the streams is not known yet.
 */

#include "core/outputs.h"

/* What there is of the output. Borrowed by walks. */
struct output_extent {
  const unsigned char *order; /* runs as in wire/record.h */
  size_t order_size;
  struct {
    uint64_t bytes; /* written; while the program runs: to be seen by now, and kept for certain */
    uint64_t head_bytes, omitted_bytes;
  } stream[STREAM_STDERR + 1];
  bool complete; /* the program has ended, and this is all */
};
struct output_extent output_extent_of(const struct outputs *outputs); /* complete */

struct output_span {
  enum stream stream;
  uint64_t offset, length; /* in what was written to the stream */
  bool omitted;            /* these bytes were not kept */
};

struct output_walk {
  const struct output_extent *extent;
  size_t run;                     /* where the present one stands in `order` */
  uint64_t in_run;                /* how much of it lies behind us */
  uint64_t at[STREAM_STDERR + 1]; /* how much of each stream does */
  uint64_t to_skip;               /* before the position where it was to begin */
};

void output_walk_begin(struct output_walk *walk, const struct output_extent *extent, uint64_t position);
/* The next bytes, at most `length_max` of those that were kept; false where there are none, yet or at all. */
bool output_walk_next(struct output_walk *walk, uint64_t length_max, struct output_span *ret);
