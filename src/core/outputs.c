#include "core/outputs.h"

#include "base/error.h"
#include "core/output_walk.h"

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

uint64_t outputs_lost_bytes(const struct outputs *outputs)
{
  uint64_t lost = 0;
  for (int i = 0; outputs && i < STREAM_COUNT; i++)
    lost += outputs->stream[i].lost_bytes;
  return lost;
}

uint64_t stream_kept_offset(const struct stream_output *stream, uint64_t offset)
{
  return offset < stream->head_bytes ? offset : offset - stream->omitted_bytes;
}

void outputs_merge(const struct outputs *outputs, struct buffer *ret)
{
  struct output_extent extent = output_extent_of(outputs);
  struct output_walk walk;
  struct output_span span;
  output_walk_begin(&walk, &extent, 0);
  while (output_walk_next(&walk, UINT64_MAX, &span)) {
    const struct stream_output *stream = &outputs->stream[span.stream];
    if (!span.omitted && stream->data)
      buffer_append(ret, stream->data->data + stream_kept_offset(stream, span.offset), span.length);
  }
}
