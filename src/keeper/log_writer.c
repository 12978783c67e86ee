#include "keeper/log_writer.h"

#include "base/fd.h"
#include "wire/pod.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FLUSH_MS = 20, ROUNDS_MAX = 16, RUN_BYTES = 5 };

void log_writer_init(struct log_writer *writer, int output)
{
  *writer = (struct log_writer){.output = output};
  for (int i = 0; i < LOG_FILES; i++)
    writer->file[i] = -1;
  (void)fcntl(output, F_SETFL, O_NONBLOCK);
}

void log_writer_release(struct log_writer *writer)
{
  for (int i = 0; i < LOG_FILES; i++)
    fd_close(writer->file[i]);
  fd_close(writer->output);
  buffer_release(&writer->pending);
  buffer_release(&writer->record);
  buffer_release(&writer->text);
}

static void put(struct log_writer *writer, enum frame_kind kind, uint64_t position, const void *data, size_t size)
{
  const size_t before = writer->pending.size;
  frame_encode(
    &(struct frame){
      .kind = kind, .number = writer->number++, .at = wall_now(), .position = position, .data = data, .size = size},
    &writer->pending);
  if (writer->text.size <= POD_MESSAGE_BYTES_MAX)
    buffer_append(&writer->text, writer->pending.data + before, writer->pending.size - before);
}

void log_writer_put(struct log_writer *writer, enum frame_kind kind, const void *data, size_t size)
{
  put(writer, kind, 0, data, size);
}

static bool has_pending(const struct log_writer *writer)
{
  return writer->written < writer->pending.size;
}

/* Nobody will ever take the log. */
static void give_up(struct log_writer *writer)
{
  buffer_clear(&writer->pending);
  writer->written = 0;
  writer->broken = true;
}

/* False where the log takes no more now. */
static bool write_pending(struct log_writer *writer)
{
  while (!writer->broken && has_pending(writer)) {
    const ssize_t written =
      write(writer->output, writer->pending.data + writer->written, writer->pending.size - writer->written);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN)
      return false;
    if (written < 0)
      return give_up(writer), false;
    writer->written += (size_t)written;
  }
  buffer_clear(&writer->pending);
  writer->written = 0;
  return !writer->broken;
}

/* What of a file may be told by now. The order of the streams comes first: whoever sees a byte knows its place. */
struct part {
  enum frame_kind kind;
  int file;
  uint64_t end;
};

static struct part part_of(const struct log_writer *writer, const struct capture *capture, enum frame_kind kind)
{
  struct part part = {.kind = kind, .file = -1};
  if (writer->finished)
    return (struct part){kind, writer->file[kind], writer->size[kind]};
  if (!capture || kind == FRAME_COMPILE) /* whose output it is, is known at its end */
    return part;
  if (kind == FRAME_ORDER)
    return (struct part){kind, capture->order.file, (uint64_t)capture->order.runs * RUN_BYTES};
  const struct capture_stream *stream = &capture->stream[kind];
  const uint64_t head = head_bytes(capture->limit);
  return (struct part){kind, stream->file, stream->saved < head ? stream->saved : head};
}

static const enum frame_kind kinds[LOG_FILES] = {FRAME_ORDER, FRAME_COMPILE, FRAME_STDOUT, FRAME_STDERR};

/* Whether there is anything to tell; enough for a whole frame, or less of it. */
static enum amount { NOTHING, A_LITTLE, PLENTY } look(const struct log_writer *writer, const struct capture *capture)
{
  uint64_t most = 0;
  for (int i = 0; i < LOG_FILES; i++) {
    const struct part part = part_of(writer, capture, kinds[i]);
    const uint64_t untold =
      part.file >= 0 && part.end > writer->told[part.kind] ? part.end - writer->told[part.kind] : 0;
    most = untold > most ? untold : most;
  }
  return most >= FRAME_DATA_BYTES_MAX ? PLENTY : most ? A_LITTLE : NOTHING;
}

/* A frame of the first file that has any. A file that cannot be read has no more. */
static bool put_next(struct log_writer *writer, const struct capture *capture)
{
  char data[FRAME_DATA_BYTES_MAX];
  for (int i = 0; i < LOG_FILES; i++) {
    const struct part part = part_of(writer, capture, kinds[i]);
    uint64_t *told = &writer->told[part.kind];
    if (part.file < 0 || part.end <= *told)
      continue;
    const size_t size = part.end - *told < sizeof data ? (size_t)(part.end - *told) : sizeof data;
    if (!fd_read_all_at(part.file, data, size, *told)) {
      *told = part.end;
      continue;
    }
    put(writer, part.kind, *told, data, size);
    *told += size;
    return true;
  }
  return false;
}

static bool put_record(struct log_writer *writer)
{
  if (!writer->record.size)
    return false;
  log_writer_put(writer, FRAME_RECORD, writer->record.data, writer->record.size);
  buffer_clear(&writer->record);
  return true;
}

int log_writer_advance(struct log_writer *writer, const struct capture *capture)
{
  for (int round = 0; round < ROUNDS_MAX; round++) {
    if (!write_pending(writer))
      return -1;
    const struct mono now = mono_now();
    const enum amount amount = look(writer, capture);
    if (amount == A_LITTLE && !writer->finished && now.us < writer->next_flush.us)
      return FLUSH_MS;
    if (!put_next(writer, capture) && !put_record(writer))
      return -1;
    writer->next_flush = mono_add_ms(now, FLUSH_MS);
  }
  return 0;
}

bool log_writer_waits(const struct log_writer *writer)
{
  return !writer->broken && has_pending(writer);
}

void log_writer_finish(struct log_writer *writer, const struct capture *capture, const struct record *record,
                       const void *sealed, size_t size)
{
  for (int i = 0; i < STREAM_COUNT; i++) {
    const struct capture_stream *stream = &capture->stream[i];
    const uint64_t kept = record->stream[i].bytes - record->stream[i].omitted_bytes;
    writer->file[i] = stream->file < 0 ? -1 : fcntl(stream->file, F_DUPFD_CLOEXEC, 0);
    writer->size[i] = stream->saved < kept ? stream->saved : kept;
  }
  writer->file[FRAME_ORDER] = capture->order.file < 0 ? -1 : fcntl(capture->order.file, F_DUPFD_CLOEXEC, 0);
  writer->size[FRAME_ORDER] = (uint64_t)capture->order.runs * RUN_BYTES;
  buffer_append(&writer->record, sealed, size);
  writer->finished = true;
}

static bool all_is_put(const struct log_writer *writer)
{
  return writer->finished && !writer->record.size && look(writer, 0) == NOTHING;
}

bool log_writer_is_done(const struct log_writer *writer)
{
  return writer->broken || (all_is_put(writer) && !has_pending(writer));
}

const struct buffer *log_writer_text(const struct log_writer *writer)
{
  return all_is_put(writer) && writer->text.size <= POD_MESSAGE_BYTES_MAX ? &writer->text : 0;
}
