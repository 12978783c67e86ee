#include "backend/evidence/stream_read.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define COPY_BYTES KIB(64)

/* -1 with errno ENOENT where nothing was written. */
static int open_stream(int directory, enum stream stream, uint64_t *ret_size)
{
  CLEANUP_FD int fd = openat(directory, stream_name(stream), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0)
    return -1;
  *ret_size = (uint64_t)status.st_size;
  return TAKE_FD(fd);
}

/* Calls `take` with the bytes of `fd` at [from, to) piece by piece. False with errno set; 0 where the file is shorter.
 */
static bool each_piece(int fd, uint64_t from, uint64_t to, bool (*take)(void *context, const void *data, size_t size),
                       void *context)
{
  char piece[COPY_BYTES];
  while (from < to) {
    size_t wanted = to - from < sizeof piece ? to - from : sizeof piece;
    ssize_t got = pread(fd, piece, wanted, (off_t)from);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      if (got == 0)
        errno = 0;
      return false;
    }
    if (!take(context, piece, (size_t)got))
      return false;
    from += (uint64_t)got;
  }
  return true;
}

static bool take_into_digest(void *state, const void *data, size_t size)
{
  return XXH3_64bits_update(state, data, size) == XXH_OK;
}

/* The same XXH3-64 as digest_bytes(), of a file that may be too large to hold. */
static bool digest_file(int fd, uint64_t size, uint64_t *ret)
{
  XXH3_state_t *state = XXH3_createState();
  ASSERT(state);
  XXH3_64bits_reset(state);
  bool done = each_piece(fd, 0, size, take_into_digest, state);
  if (done)
    *ret = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return done;
}

struct filling {
  struct blob *blob;
  size_t used;
};

static bool take_into_blob(void *context, const void *data, size_t size)
{
  struct filling *filling = context;
  ASSERT(size <= filling->blob->size - filling->used);
  memcpy(filling->blob->data + filling->used, data, size);
  filling->used += size;
  return true;
}

static bool take_into_file(void *fd, const void *data, size_t size)
{
  return fd_write_all(*(int *)fd, data, size);
}

/* A file as it is delivered: its bytes at [0, gap), then [turn, size), then [gap, turn). In a ring that has turned, the
 * oldest byte of the tail lies at `turn`; where everything is in order already, turn equals gap. */
struct layout {
  uint64_t size, gap, turn;
};

static bool each_in_order(int fd, const struct layout *layout,
                          bool (*take)(void *context, const void *data, size_t size), void *context)
{
  return each_piece(fd, 0, layout->gap, take, context) && each_piece(fd, layout->turn, layout->size, take, context) &&
         each_piece(fd, layout->gap, layout->turn, take, context);
}

static bool deliver_in_memory(int fd, const struct layout *layout, struct stream_output *output, struct error *error)
{
  if (!layout->size)
    return true;
  CLEANUP_BLOB struct blob *bytes = blob_try_create(0, layout->size);
  if (!bytes)
    return error_set(error, ERROR_UNAVAILABLE, ENOMEM, "no memory for its %llu bytes",
                     (unsigned long long)layout->size);
  struct filling filling = {.blob = bytes};
  if (!each_in_order(fd, layout, take_into_blob, &filling))
    return error_errno(error, "cannot read");
  output->data = TAKE_PTR(bytes);
  return true;
}

void delivery_name(enum stream stream, char ret[static DELIVERY_NAME_SIZE])
{
  snprintf(ret, DELIVERY_NAME_SIZE, "%s.out", stream_name(stream));
}

/* A second name for the file, or, where its bytes must be put in order first or links are not possible, a copy. */
static bool deliver_as_file(int directory, const char *path, enum stream stream, int fd, const struct layout *layout,
                            struct stream_output *output, struct error *error)
{
  char name[DELIVERY_NAME_SIZE];
  delivery_name(stream, name);
  if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
    return error_errno(error, "cannot remove %s", name);
  bool in_order = layout->turn == layout->gap;
  if (!in_order || linkat(directory, stream_name(stream), directory, name, 0) < 0) {
    CLEANUP_FD int copy = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (copy < 0 || !each_in_order(fd, layout, take_into_file, &copy))
      return error_errno(error, "cannot write %s", name);
  }
  output->path = xasprintf("%s/%s", path, name);
  return true;
}

static bool deliver(int directory, const char *path, enum stream stream, int fd, const struct layout *layout,
                    struct stream_output *output, struct error *error)
{
  bool done = layout->size <= OUTPUT_IN_DATABASE_BYTES_MAX
                ? deliver_in_memory(fd, layout, output, error)
                : deliver_as_file(directory, path, stream, fd, layout, output, error);
  return done || error_wrap(error, "%s", stream_name(stream));
}

static enum stream_result damaged(struct error *error, enum stream stream, const char *how)
{
  error_set(error, ERROR_INTERNAL, 0, "%s: %s", stream_name(stream), how);
  return STREAM_DAMAGED;
}

/* A file that does not have the bytes it is recorded to have. */
static enum stream_result check(int fd, enum stream stream, uint64_t size, const struct stream_record *record,
                                uint64_t missing_bytes, struct error *error)
{
  uint64_t kept = record->bytes - record->omitted_bytes - missing_bytes, digest;
  char how[96];
  if (size != kept) {
    snprintf(how, sizeof how, "%llu bytes where the record says %llu", (unsigned long long)size,
             (unsigned long long)kept);
    return damaged(error, stream, how);
  }
  if (record->omitted_bytes || missing_bytes) /* the digest is of all that was written, and the middle is gone */
    return STREAM_WHOLE;
  if (!digest_file(fd, size, &digest)) {
    error_errno(error, "cannot read %s", stream_name(stream));
    return STREAM_CANNOT_TELL;
  }
  return digest == record->digest ? STREAM_WHOLE : damaged(error, stream, "its digest is not the record's");
}

enum stream_result stream_read_recorded(int directory, const char *path, enum stream stream,
                                        const struct stream_record *record, const struct copied_stream *copied,
                                        struct stream_output *ret, struct error *error)
{
  if (record->omitted_bytes > record->bytes)
    return damaged(error, stream, "more bytes omitted than written");
  uint64_t size = 0, kept = record->bytes - record->omitted_bytes;
  const uint64_t missing = copied->missing_bytes;
  if (missing > kept || copied->head_bytes > kept - missing)
    return damaged(error, stream, "more bytes missing than kept");
  struct stream_output output = {
    .bytes = record->bytes,
    .omitted_bytes = record->omitted_bytes + missing,
    .lost_bytes = missing,
    .head_bytes = missing                 ? copied->head_bytes
                  : record->omitted_bytes ? head_bytes(kept)
                                          : kept,
  };
  kept -= missing;
  CLEANUP_FD int fd = open_stream(directory, stream, &size);
  if (fd < 0 && errno != ENOENT) {
    error_errno(error, "cannot open %s", stream_name(stream));
    return STREAM_CANNOT_TELL;
  }
  if (fd < 0 && kept)
    return damaged(error, stream, "missing");
  if (fd >= 0) {
    enum stream_result result = check(fd, stream, size, record, missing, error);
    if (result != STREAM_WHOLE)
      return result;
    struct layout layout = {.size = size, .gap = size, .turn = size};
    if (!deliver(directory, path, stream, fd, &layout, &output, error))
      return STREAM_CANNOT_TELL;
  }
  *ret = output;
  return STREAM_WHOLE;
}

bool stream_read_doubtful(int directory, enum stream stream, struct stream_output *ret, struct error *error)
{
  uint64_t size = 0;
  CLEANUP_FD int fd = open_stream(directory, stream, &size);
  if (fd < 0 && errno != ENOENT)
    return error_errno(error, "cannot open %s", stream_name(stream));
  *ret = (struct stream_output){.bytes = size, .omitted_bytes = size, .lost_bytes = size};
  return true;
}

bool stream_read_found(int directory, const char *path, enum stream stream, const struct ring_counters *ring,
                       struct stream_output *ret, struct error *error)
{
  uint64_t size = 0, limit = ring->stream[stream].limit, bytes = ring->stream[stream].bytes;
  CLEANUP_FD int fd = open_stream(directory, stream, &size);
  if (fd < 0 && errno != ENOENT)
    return error_errno(error, "cannot open %s", stream_name(stream));

  struct stream_output output = {.bytes = size, .head_bytes = size};
  struct layout layout = {.size = size, .gap = size, .turn = size};
  bool turned = ring->magic == RING_MAGIC && limit == size && bytes > limit && bytes <= STREAM_BYTES_MAX;
  if (turned) {
    output.bytes = bytes;
    output.omitted_bytes = bytes - limit;
    output.head_bytes = head_bytes(limit);
  }
  if (turned && limit > output.head_bytes) {
    layout.gap = output.head_bytes;
    layout.turn = ring_offset(limit, bytes);
  }
  if (fd >= 0 && !deliver(directory, path, stream, fd, &layout, &output, error))
    return false;
  *ret = output;
  return true;
}
