#include "keeper/capture.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 }; /* a pipe's capacity, unless the program made it larger */
enum { DRAIN_ROUNDS_MAX = 64 };  /* a flood must not keep the keeper from its other duties */
enum { FILE_MODE = 0600 };

void capture_init(struct capture *capture, int directory, uint64_t limit_bytes)
{
  capture->directory = directory;
  capture->limit = limit_bytes;
  capture->order = (struct capture_order){.file = -1};
  capture->ring = 0;
  capture->evidence_errno = 0;
  capture->in_memory = false;
  for (int i = 0; i < STREAM_COUNT; i++) {
    capture->stream[i].pipe = capture->stream[i].file = -1;
    capture->stream[i].bytes = capture->stream[i].saved = 0;
    XXH3_64bits_reset(&capture->stream[i].digest);
  }
}

void capture_attach(struct capture *capture, enum stream stream, int pipe)
{
  capture->stream[stream].pipe = pipe;
}

void capture_hand_over(struct capture *capture, enum stream from, enum stream to)
{
  capture->stream[to].pipe = TAKE_FD(capture->stream[from].pipe);
}

bool capture_is_open(const struct capture *capture, enum stream stream)
{
  return capture->stream[stream].pipe >= 0;
}

bool capture_over_limit(const struct capture *capture, enum stream stream)
{
  return capture->stream[stream].bytes > capture->limit;
}

/* The evidence is incomplete from here on, and the record will say so; the program is not to feel it. */
static void note_failure(struct capture *capture)
{
  if (!capture->evidence_errno)
    capture->evidence_errno = errno ? errno : EIO;
}

static int create_file(struct capture *capture, const char *name)
{
  int fd = capture->in_memory ? memfd_create(name, MFD_CLOEXEC)
                              : openat(capture->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
  if (fd < 0)
    note_failure(capture);
  return fd;
}

/* Returns how many were written: fewer than `size` only where the evidence is incomplete from here on. */
static size_t write_at(struct capture *capture, int file, const char *data, size_t size, uint64_t offset)
{
  size_t done = 0;
  while (done < size) {
    ssize_t written = pwrite(file, data + done, size - done, (off_t)(offset + done));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0) {
      note_failure(capture);
      break;
    }
    done += (size_t)written;
  }
  return done;
}

static struct ring_counters *map_ring(struct capture *capture)
{
  CLEANUP_FD int file = create_file(capture, "ring");
  if (file < 0)
    return 0;
  /* Blocks are reserved, since a store to a page that the file system cannot give would be a SIGBUS. */
  int failed = posix_fallocate(file, 0, sizeof(struct ring_counters));
  void *ring = failed ? MAP_FAILED : mmap(0, sizeof(struct ring_counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (ring == MAP_FAILED) {
    errno = failed ? failed : errno;
    note_failure(capture);
    return 0;
  }
  ((struct ring_counters *)ring)->magic = RING_MAGIC;
  return ring;
}

/* Tells a reader who finds no exit record how far the ring has turned. */
static void count_in_ring(struct capture *capture, enum stream stream)
{
  if (capture->in_memory) /* gone with the keeper */
    return;
  if (!capture->ring && !capture->evidence_errno)
    capture->ring = map_ring(capture);
  if (!capture->ring)
    return;
  capture->ring->stream[stream].bytes = capture->stream[stream].saved;
  capture->ring->stream[stream].limit = capture->limit;
}

/* Stores bytes that begin at `position` of the stream: up to the limit in line, behind it in the ring. */
static void store(struct capture *capture, struct capture_stream *stream, const char *data, size_t size)
{
  uint64_t limit = capture->limit, tail = limit - head_bytes(limit);
  uint64_t position = stream->bytes, end = position + size;
  while (position < end) {
    uint64_t offset = ring_offset(limit, position);
    if (position >= limit && end - position > tail) { /* would be overwritten by what follows in this very run */
      data += end - position - tail;
      position = end - tail;
      continue;
    }
    size_t piece = (size_t)(limit - offset < end - position ? limit - offset : end - position);
    size_t written = write_at(capture, stream->file, data, piece, offset);
    data += written;
    position += written;
    if (written < piece)
      break;
  }
  stream->saved = position;
}

static void put_run(struct capture *capture, enum stream stream, uint32_t length)
{
  struct capture_order *order = &capture->order;
  if (order->runs == ORDER_RUNS_MAX) {
    order->cut = true;
    return;
  }
  if (order->file < 0 && (order->file = create_file(capture, "order")) < 0)
    return;
  order->runs++;
  unsigned char run[5] = {(unsigned char)stream};
  for (int i = 0; i < 4; i++)
    run[1 + i] = (unsigned char)(length >> 8 * i);
  if (!fd_write_all(order->file, run, sizeof run))
    note_failure(capture);
}

static void put_pending_runs(struct capture *capture)
{
  struct capture_order *order = &capture->order;
  while (order->pending_bytes) {
    uint32_t length = order->pending_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)order->pending_bytes;
    put_run(capture, order->current, length);
    order->pending_bytes -= length;
  }
}

/* Before the bytes of another stream are stored: whoever sees these finds in the order all that stands before them. */
static void note_turn(struct capture *capture, enum stream stream)
{
  if (stream == STREAM_COMPILE || stream == capture->order.current)
    return;
  put_pending_runs(capture);
  capture->order.current = stream;
}

static void append(struct capture *capture, enum stream index, const char *data, size_t size)
{
  struct capture_stream *stream = &capture->stream[index];
  XXH3_64bits_update(&stream->digest, data, size);
  if (stream->file < 0 && !capture->evidence_errno && capture->limit)
    stream->file = create_file(capture, stream_name(index));
  note_turn(capture, index);
  if (stream->file >= 0 && stream->saved == stream->bytes)
    store(capture, stream, data, size);
  stream->bytes += size;
  if (stream->bytes > capture->limit && stream->file >= 0)
    count_in_ring(capture, index);
  if (index != STREAM_COMPILE)
    capture->order.pending_bytes += size;
}

/* What one read of a pipe gives; 0 where it is empty now, or at its end, and then it is closed. A short read says
 * nothing: the program may have put its end into packet mode (O_DIRECT, pipe(2)). */
static size_t take(struct capture_stream *stream, char *buffer)
{
  if (stream->pipe < 0)
    return 0;
  ssize_t got;
  do
    got = read(stream->pipe, buffer, READ_BYTES);
  while (got < 0 && errno == EINTR);
  if (got > 0)
    return (size_t)got;
  if (got == 0 || errno != EAGAIN) {
    fd_close(stream->pipe);
    stream->pipe = -1;
  }
  return 0;
}

/* Everything that a stream's pipe holds; false where it seems to have no end. */
static bool take_all(struct capture *capture, enum stream index)
{
  static char buffer[READ_BYTES];
  for (int round = 0; round < DRAIN_ROUNDS_MAX; round++) {
    size_t size = take(&capture->stream[index], buffer);
    if (!size)
      return true;
    append(capture, index, buffer, size);
  }
  return false;
}

bool capture_drain(struct capture *capture)
{
  static char output[READ_BYTES];
  bool emptied = take_all(capture, STREAM_COMPILE);
  for (int round = 0; round < DRAIN_ROUNDS_MAX; round++) {
    size_t size = take(&capture->stream[STREAM_STDOUT], output);
    emptied &= take_all(capture, STREAM_STDERR);
    if (!size)
      return emptied;
    append(capture, STREAM_STDOUT, output, size);
  }
  return false;
}

static bool read_at(struct capture *capture, int file, char *data, size_t size, uint64_t offset)
{
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(file, data + done, size - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      note_failure(capture);
      return false;
    }
    done += (size_t)got;
  }
  return true;
}

static void reverse(char *bytes, size_t size)
{
  for (size_t i = 0; i < size / 2; i++) {
    char swapped = bytes[i];
    bytes[i] = bytes[size - 1 - i];
    bytes[size - 1 - i] = swapped;
  }
}

/* Turns a part of a file back to front, from both ends to the middle. */
static void reverse_file(struct capture *capture, int file, uint64_t offset, uint64_t size)
{
  static char front[READ_BYTES], back[READ_BYTES];
  uint64_t end = offset + size;
  while (end - offset > 1) {
    const uint64_t half = (end - offset) / 2;
    const size_t piece = (size_t)(half < READ_BYTES ? half : READ_BYTES);
    if (!read_at(capture, file, front, piece, offset) || !read_at(capture, file, back, piece, end - piece))
      return;
    reverse(front, piece);
    reverse(back, piece);
    write_at(capture, file, back, piece, offset);
    write_at(capture, file, front, piece, end - piece);
    offset += piece;
    end -= piece;
  }
}

/* Turns the ring until the tail's oldest byte lies right behind the head: both parts back to front, then the whole. It
 * takes no memory, of which a keeper in a container has little, and no room on the disk. */
static void put_ring_in_order(struct capture *capture, const struct capture_stream *stream)
{
  const uint64_t head = head_bytes(capture->limit), tail = capture->limit - head;
  const uint64_t oldest = tail ? (stream->bytes - head) % tail : 0;
  if (!oldest)
    return;
  reverse_file(capture, stream->file, head, oldest);
  reverse_file(capture, stream->file, head + oldest, tail - oldest);
  reverse_file(capture, stream->file, head, tail);
}

/* A compile step that failed leaves its output where a person looks for it. */
static void move_compile_to_error_output(struct capture *capture)
{
  struct capture_stream *compile = &capture->stream[STREAM_COMPILE], *error = &capture->stream[STREAM_STDERR];
  if (compile->file >= 0 && !capture->in_memory &&
      renameat(capture->directory, stream_name(STREAM_COMPILE), capture->directory, stream_name(STREAM_STDERR)) < 0)
    note_failure(capture);
  error->bytes = compile->bytes;
  error->saved = compile->saved;
  error->digest = compile->digest;
  fd_close(error->file);
  error->file = TAKE_FD(compile->file);
  compile->bytes = compile->saved = 0;
  XXH3_64bits_reset(&compile->digest);
}

/* Where the evidence is incomplete, rings are left as they are: a reader then goes by their counters, as after a crash. */
void capture_finish(struct capture *capture, struct record *record)
{
  for (int i = 0; i < STREAM_COUNT && !capture->evidence_errno; i++)
    if (capture->stream[i].file >= 0 && capture->stream[i].bytes > capture->limit)
      put_ring_in_order(capture, &capture->stream[i]);
  if (capture->order.runs || (capture->stream[STREAM_STDOUT].bytes && capture->stream[STREAM_STDERR].bytes))
    put_pending_runs(capture);
  if (record->step == STEP_COMPILE)
    move_compile_to_error_output(capture);
  for (int i = 0; i < STREAM_COUNT; i++) {
    struct capture_stream *stream = &capture->stream[i];
    record->stream[i] = (struct stream_record){
      .bytes = stream->bytes,
      .omitted_bytes = stream->bytes > capture->limit ? stream->bytes - capture->limit : 0,
      .digest = XXH3_64bits_digest(&stream->digest),
    };
  }
  record->order_cut = capture->order.cut;
  record->evidence_errno = capture->evidence_errno;
}

void capture_release(struct capture *capture)
{
  for (int i = 0; i < STREAM_COUNT; i++) {
    fd_close(capture->stream[i].pipe);
    fd_close(capture->stream[i].file);
    capture->stream[i].pipe = capture->stream[i].file = -1;
  }
  fd_close(capture->order.file);
  capture->order.file = -1;
  if (capture->ring)
    munmap(capture->ring, sizeof *capture->ring);
  capture->ring = 0;
}
