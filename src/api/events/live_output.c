#include "api/events/live_output.h"

#include "base/buffer.h"
#include "base/fd.h"
#include "wire/record.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STREAMS = STREAM_STDERR + 1 };

struct live_output {
  int directory;
  int file[STREAMS], order_file; /* -1: not there yet */
  uint64_t head_bytes;           /* of a stream: what lies behind may be overwritten, or left out */
  struct buffer order;
  struct output_extent extent;
};

struct live_output *live_output_open(int directory, uint64_t limit_bytes)
{
  struct live_output *live = xcalloc(1, sizeof *live);
  live->directory = directory;
  live->file[STREAM_STDOUT] = live->file[STREAM_STDERR] = live->order_file = -1;
  live->head_bytes = head_bytes(limit_bytes);
  return live;
}

void live_output_close(struct live_output *live)
{
  if (!live)
    return;
  for (int stream = 0; stream < STREAMS; stream++)
    fd_close(live->file[stream]);
  fd_close(live->order_file);
  fd_close(live->directory);
  buffer_release(&live->order);
  free(live);
}

/* 0 where the file is not there (yet). */
static uint64_t look_at_size(const struct live_output *live, const char *name, int *file)
{
  if (*file < 0)
    *file = openat(live->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  return *file >= 0 && fstat(*file, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void read_order(struct live_output *live)
{
  uint64_t size = look_at_size(live, "order", &live->order_file);
  if (size <= live->order.size)
    return;
  size_t more = (size_t)size - live->order.size;
  buffer_reserve(&live->order, more);
  if (fd_read_all_at(live->order_file, live->order.data + live->order.size, more, live->order.size))
    live->order.size += more;
}

/* The streams first and the order last: then every byte that was seen has its place in the order, but for those of the
 * run that has not ended yet. */
bool live_output_look(struct live_output *live)
{
  bool is_more = false;
  for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++) {
    uint64_t bytes = look_at_size(live, stream_name(stream), &live->file[stream]);
    if (bytes > live->head_bytes)
      bytes = live->head_bytes;
    is_more |= bytes > live->extent.stream[stream].bytes;
    live->extent.stream[stream].bytes = live->extent.stream[stream].head_bytes = bytes;
  }
  size_t order_size = live->order.size;
  read_order(live);
  live->extent.order = (const unsigned char *)live->order.data;
  live->extent.order_size = live->order.size;
  return is_more || live->order.size > order_size;
}

const struct output_extent *live_output_extent(const struct live_output *live)
{
  return &live->extent;
}

bool live_output_read(const struct live_output *live, const struct output_span *span, char *ret)
{
  return fd_read_all_at(live->file[span->stream], ret, (size_t)span->length, span->offset);
}
