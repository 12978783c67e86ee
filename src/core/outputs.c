#include "core/outputs.h"

#include "base/error.h"

#include <stdlib.h>

struct outputs *outputs_create(void)
{
  struct outputs *outputs = xcalloc(1, sizeof *outputs);
  outputs->references = 1;
  return outputs;
}

struct outputs *outputs_ref(struct outputs *outputs)
{
  if (outputs)
    outputs->references++;
  return outputs;
}

void outputs_unref(struct outputs *outputs)
{
  if (!outputs || --outputs->references)
    return;
  for (int i = 0; i < STREAM_COUNT; i++) {
    blob_unref(outputs->stream[i].data);
    free(outputs->stream[i].path);
  }
  blob_unref(outputs->order);
  free(outputs);
}

uint64_t stream_kept_bytes(const struct stream_output *stream)
{
  return stream->bytes - stream->omitted_bytes;
}

/* Appends what was kept of the bytes that the program wrote at [from, to) of this stream. */
static void append_written(const struct stream_output *stream, uint64_t from, uint64_t to, struct buffer *ret)
{
  if (!stream->data)
    return;
  uint64_t tail_from = stream->head_bytes + stream->omitted_bytes;
  uint64_t head_to = to < stream->head_bytes ? to : stream->head_bytes;
  if (from < head_to)
    buffer_append(ret, stream->data->data + from, head_to - from);
  uint64_t tail_start = from > tail_from ? from : tail_from;
  if (tail_start < to)
    buffer_append(ret, stream->data->data + (tail_start - stream->omitted_bytes), to - tail_start);
}

void outputs_merge(const struct outputs *outputs, struct buffer *ret)
{
  uint64_t position[2] = {0, 0};
  const struct blob *order = outputs->order;
  for (size_t at = 0; order && at + 5 <= order->size; at += 5) {
    const unsigned char *run = order->data + at;
    unsigned which = run[0];
    if (which > STREAM_STDERR)
      break; /* damaged: the rest follows stream by stream */
    const struct stream_output *stream = &outputs->stream[which];
    uint64_t length = run[1] | (uint64_t)run[2] << 8 | (uint64_t)run[3] << 16 | (uint64_t)run[4] << 24;
    uint64_t left = stream->bytes - position[which];
    uint64_t end = position[which] + (length < left ? length : left);
    append_written(stream, position[which], end, ret);
    position[which] = end;
  }
  for (unsigned i = STREAM_STDOUT; i <= STREAM_STDERR; i++)
    append_written(&outputs->stream[i], position[i], outputs->stream[i].bytes, ret);
}
