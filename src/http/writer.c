/*
 * Sending an answer.
 *
 * A small answer, which is nearly every one, is one uv_try_write (transport.h): it is with the kernel before http_respond() returns.
 * What the kernel does not take at once goes through uv_write. A file is read in pieces, the next one only when the
 * client has taken the last, so that a slow client costs one piece of memory and a quick one does not hold up the loop.
 */

#include "base/fd.h"
#include "base/log.h"
#include "http/transport.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FILE_PIECE_BYTES = 64 * 1024 };

void outgoing_release(struct outgoing *out)
{
  buffer_release(&out->head);
  buffer_release(&out->body);
  fd_close(TAKE_FD(out->file));
}

/* The next piece of the file into `body`. A read from the page cache is quicker than asking a thread for it. */
static bool load_piece(struct outgoing *out)
{
  size_t size = out->file_bytes_left < FILE_PIECE_BYTES ? (size_t)out->file_bytes_left : FILE_PIECE_BYTES;
  buffer_clear(&out->body);
  buffer_reserve(&out->body, size);
  while (out->body.size < size) {
    ssize_t got = pread(out->file, out->body.data + out->body.size, size - out->body.size, (off_t)out->file_offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      /* The length is promised already: to close early is the only way left to tell the client. */
      log_error(0, "file of an answer ends %llu bytes early: %s", (unsigned long long)out->file_bytes_left,
                got < 0 ? strerror(errno) : "it is shorter than it was");
      return false;
    }
    out->body.size += (size_t)got;
    out->file_offset += (uint64_t)got;
    out->file_bytes_left -= (uint64_t)got;
  }
  return true;
}

static void finish(struct connection *connection)
{
  outgoing_release(&connection->out);
  connection_answered(connection);
}

static void on_written(uv_write_t *request, int status);

static void on_written(uv_write_t *request, int status);

/* What is left of head and body after their first `skipped` bytes; there is something left. */
static void queue_rest(struct connection *connection, size_t skipped)
{
  struct outgoing *out = &connection->out;
  uv_buf_t parts[2];
  unsigned count = 0;
  if (skipped < out->head.size)
    parts[count++] = uv_buf_init(out->head.data + skipped, (unsigned)(out->head.size - skipped));
  skipped -= skipped < out->head.size ? skipped : out->head.size;
  if (skipped < out->body.size)
    parts[count++] = uv_buf_init(out->body.data + skipped, (unsigned)(out->body.size - skipped));
  if (transport_write(connection, parts, count, on_written) == 0)
    connection_enter(connection, PHASE_WRITING);
  else
    connection_close(connection);
}

/* Head and body are with the kernel. */
static void proceed(struct connection *connection)
{
  struct outgoing *out = &connection->out;
  buffer_clear(&out->head);
  if (out->file_bytes_left == 0)
    finish(connection);
  else if (load_piece(out))
    queue_rest(connection, 0);
  else
    connection_close(connection);
}

static void on_written(uv_write_t *request, int status)
{
  struct connection *connection = request->data;
  if (connection->phase == PHASE_CLOSING)
    return;
  if (status < 0)
    connection_close(connection);
  else
    proceed(connection);
}

void connection_write(struct connection *connection)
{
  struct outgoing *out = &connection->out;
  connection->phase = PHASE_WRITING;
  if (out->file_bytes_left && !load_piece(out)) {
    connection_close(connection);
    return;
  }
  uv_buf_t parts[] = {
    uv_buf_init(out->head.data, (unsigned)out->head.size),
    uv_buf_init(out->body.data, (unsigned)out->body.size),
  };
  int written = transport_try_write(connection, parts, out->body.size ? 2 : 1);
  if (written == UV_EAGAIN)
    written = 0;
  if (written < 0)
    connection_close(connection);
  else if ((size_t)written < out->head.size + out->body.size)
    queue_rest(connection, (size_t)written);
  else
    proceed(connection);
}
