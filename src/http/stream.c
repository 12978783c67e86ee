/*
 * Answers that are given piece by piece (server.h).
 *
 * A piece is a blob that many connections may be sending at the same time: what belongs to one connection alone, the
 * head of the answer and the line before a chunk, stands in `out.head`, and all is written in one call. What the kernel
 * does not take at once waits in PHASE_WRITING, with its deadline; between two pieces the connection is in
 * PHASE_STREAMING and has none.
 */

#include "base/memory.h"
#include "http/transport.h"

#include <stdlib.h>
#include <string.h>

struct http_stream {
  struct connection *connection;
  struct http_stream_events events;
  struct blob *piece; /* on its way; or NULL */
  bool is_chunked;
  bool is_ended; /* nobody is told anything any more */
  bool is_last;  /* what is on its way ends the answer */
  bool is_cut;   /* it has no end: the connection is closed instead */
};

void stream_destroy(struct http_stream *stream)
{
  if (!stream)
    return;
  blob_unref(stream->piece);
  free(stream);
}

/* The memory stays until the socket is closed, for the kernel may be reading from it. */
void stream_leave(struct connection *connection)
{
  struct http_stream *stream = connection->stream;
  if (stream->is_ended)
    return;
  stream->is_ended = true;
  stream->events.gone(stream->events.context);
}

enum { PARTS_MAX = 3 };

/* What stands in `out` and the piece, without the first `skipped` bytes. */
static unsigned parts_of(const struct http_stream *stream, size_t skipped, uv_buf_t ret[static PARTS_MAX])
{
  static char line_end[] = "\r\n";
  const struct buffer *head = &stream->connection->out.head;
  struct blob *piece = stream->piece;
  const uv_buf_t all[PARTS_MAX] = {
    {.base = head->data, .len = head->size},
    {.base = piece ? (char *)piece->data : 0, .len = piece ? piece->size : 0},
    {.base = line_end, .len = piece && stream->is_chunked ? strlen(line_end) : 0},
  };
  unsigned count = 0;
  for (unsigned i = 0; i < PARTS_MAX; i++) {
    size_t step = skipped < all[i].len ? skipped : all[i].len;
    skipped -= step;
    if (step < all[i].len)
      ret[count++] = (uv_buf_t){.base = all[i].base + step, .len = all[i].len - step};
  }
  return count;
}

/* The kernel has everything that was under way. */
static void settle(struct http_stream *stream)
{
  struct connection *connection = stream->connection;
  buffer_clear(&connection->out.head);
  blob_unref(TAKE_PTR(stream->piece));
  if (!stream->is_last) {
    connection_enter(connection, PHASE_STREAMING);
    return;
  }
  outgoing_release(&connection->out);
  stream_destroy(TAKE_PTR(connection->stream));
  connection_answered(connection);
}

static void write_last(struct http_stream *stream);

static void on_written(uv_write_t *request, int status)
{
  struct connection *connection = request->data;
  struct http_stream *stream = connection->stream;
  if (connection->phase == PHASE_CLOSING)
    return;
  if (status < 0) {
    connection_close(connection);
    return;
  }
  bool was_last = stream->is_last;
  settle(stream);
  if (was_last)
    return;
  if (stream->is_ended)
    write_last(stream);
  else
    stream->events.ready(stream->events.context);
}

/* Whether all of it is with the kernel already. An error shows in on_written(), or, where even that cannot be had, when
 * the deadline comes: the caller's caller is not to be told `gone` in the middle of his own call. */
static bool write_out(struct http_stream *stream)
{
  struct connection *connection = stream->connection;
  uv_buf_t parts[PARTS_MAX];
  unsigned count = parts_of(stream, 0, parts);
  int written = count ? transport_try_write(connection, parts, count) : 0;
  count = parts_of(stream, written > 0 ? (size_t)written : 0, parts);
  if (count == 0) {
    settle(stream);
    return true;
  }
  transport_write(connection, parts, count, on_written);
  connection_enter(connection, PHASE_WRITING);
  return false;
}

static void write_last(struct http_stream *stream)
{
  if (stream->is_cut) {
    connection_close(stream->connection);
    return;
  }
  stream->is_last = true;
  if (stream->is_chunked)
    buffer_puts(&stream->connection->out.head, "0\r\n\r\n");
  write_out(stream);
}

struct http_stream *http_respond_stream(struct http_request *request, const struct http_response *response,
                                        const struct http_stream_events *events)
{
  struct connection *connection = request->connection;
  if (!connection || strcmp(request->method, "HEAD") == 0) {
    http_respond(request, response, NULL);
    return NULL;
  }
  struct http_stream *stream = xcalloc(1, sizeof *stream);
  *stream = (struct http_stream){.connection = connection, .events = *events, .is_chunked = request->takes_chunks};
  connection_put_head(connection, response,
                      (struct response_frame){.kind = stream->is_chunked ? FRAME_CHUNKED : FRAME_UNTIL_CLOSED});
  connection->stream = stream;
  connection_forget_request(connection);
  write_out(stream);
  return stream;
}

bool http_stream_is_ready(const struct http_stream *stream)
{
  return stream->connection->phase == PHASE_STREAMING;
}

bool http_stream_send(struct http_stream *stream, struct blob *piece)
{
  ASSERT(http_stream_is_ready(stream) && piece->size > 0);
  if (stream->is_chunked)
    buffer_printf(&stream->connection->out.head, "%zx\r\n", piece->size);
  stream->piece = blob_ref(piece);
  return write_out(stream);
}

void http_stream_end(struct http_stream *stream)
{
  stream->is_ended = true;
  if (http_stream_is_ready(stream))
    write_last(stream);
}

void http_stream_cut(struct http_stream *stream)
{
  stream->is_cut = true;
  http_stream_end(stream);
}
