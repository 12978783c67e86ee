#include "core/output_walk.h"

#include "base/limits.h"

enum { ORDER_RUN_BYTES = 5 };

struct output_extent output_extent_of(const struct outputs *outputs)
{
  struct output_extent extent = {.complete = true};
  if (!outputs)
    return extent;
  if (outputs->order) {
    extent.order = outputs->order->data;
    extent.order_size = outputs->order->size;
  }
  for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++) {
    extent.stream[stream].bytes = outputs->stream[stream].bytes;
    extent.stream[stream].head_bytes = outputs->stream[stream].head_bytes;
    extent.stream[stream].omitted_bytes = outputs->stream[stream].omitted_bytes;
  }
  return extent;
}

void output_walk_begin(struct output_walk *walk, const struct output_extent *extent, uint64_t position)
{
  *walk = (struct output_walk){.extent = extent, .to_skip = position};
}

static uint64_t bytes_left(const struct output_walk *walk, enum stream stream)
{
  return walk->extent->stream[stream].bytes - walk->at[stream];
}

/* The run at which the walk stands, and what is left of it; false behind the last one. A damaged run is the last. */
static bool present_run(struct output_walk *walk, enum stream *ret_stream, uint64_t *ret_length)
{
  const struct output_extent *extent = walk->extent;
  for (; walk->run + ORDER_RUN_BYTES <= extent->order_size; walk->run += ORDER_RUN_BYTES, walk->in_run = 0) {
    const unsigned char *run = extent->order + walk->run;
    if (run[0] > STREAM_STDERR)
      return false;
    enum stream stream = (enum stream)run[0];
    uint64_t length = run[1] | (uint64_t)run[2] << 8 | (uint64_t)run[3] << 16 | (uint64_t)run[4] << 24;
    if (length == walk->in_run || (extent->complete && bytes_left(walk, stream) == 0))
      continue;
    *ret_stream = stream;
    *ret_length = length - walk->in_run;
    return true;
  }
  return false;
}

/*
 * Behind the runs: what is left is the run that has not ended yet, of one stream. Where both have something left, the
 * order was not kept to its end; then, once all is there, one stream follows the other.
 */
static bool last_run(const struct output_walk *walk, enum stream *ret_stream)
{
  bool out = bytes_left(walk, STREAM_STDOUT), both = out && bytes_left(walk, STREAM_STDERR);
  bool may_be_cut = both || walk->extent->order_size >= (size_t)ORDER_RUNS_MAX * ORDER_RUN_BYTES;
  if (may_be_cut && !walk->extent->complete)
    return false;
  *ret_stream = out ? STREAM_STDOUT : STREAM_STDERR;
  return true;
}

/* The bytes that come next, of one stream; 0: none. */
static uint64_t next_bytes(struct output_walk *walk, enum stream *ret_stream)
{
  uint64_t length = UINT64_MAX;
  if (!present_run(walk, ret_stream, &length) && !last_run(walk, ret_stream))
    return 0;
  uint64_t left = bytes_left(walk, *ret_stream);
  return length < left ? length : left;
}

static void advance(struct output_walk *walk, enum stream stream, uint64_t length)
{
  walk->at[stream] += length;
  walk->in_run += length;
}

bool output_walk_next(struct output_walk *walk, uint64_t length_max, struct output_span *ret)
{
  enum stream stream = STREAM_STDOUT;
  uint64_t length;
  while ((length = next_bytes(walk, &stream)) && walk->to_skip) {
    uint64_t step = length < walk->to_skip ? length : walk->to_skip;
    walk->to_skip -= step;
    advance(walk, stream, step);
  }
  if (!length)
    return false;

  uint64_t offset = walk->at[stream], head = walk->extent->stream[stream].head_bytes;
  uint64_t tail = head + walk->extent->stream[stream].omitted_bytes;
  struct output_span span = {stream, offset, length, offset >= head && offset < tail};
  uint64_t end = offset < head ? head : span.omitted ? tail : UINT64_MAX;
  if (span.length > end - offset)
    span.length = end - offset;
  if (!span.omitted && span.length > length_max)
    span.length = length_max;
  advance(walk, stream, span.length);
  *ret = span;
  return true;
}
