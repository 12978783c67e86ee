/*
 * Reading: from the socket into the parser, and a whole request to the handler.
 *
 * The socket is read while a request is handled too, so that a client that leaves is noticed at once. What it sends
 * early waits in `early`; from EARLY_BYTES_MAX on the socket is read no more, and connection.c looks for a hang-up
 * every second instead. A client that has closed only its sending side counts as having left, unless its answer is on
 * its way already: then it gets that.
 */

#include "http/server_impl.h"

#include <string.h>

enum { EARLY_BYTES_MAX = 64 * 1024 };

static bool expects_request(const struct connection *connection)
{
  return connection->phase == PHASE_IDLE || connection->phase == PHASE_HEAD || connection->phase == PHASE_BODY;
}

static void send_continue(struct connection *connection)
{
  static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
  uv_buf_t part = uv_buf_init(text, strlen(text));
  connection->request->wants_continue = false;
  int written = uv_try_write(&connection->socket.stream, &part, 1);
  /* A client that does not take earlier answers must do without: it is only a hint. But half a hint is a lie. */
  if (written != UV_EAGAIN && written != (int)part.len)
    connection_close(connection);
}

static bool is_within_account(struct connection *connection)
{
  struct http_server *server = connection->server;
  struct http_request *request = connection->request;
  server->bodies_bytes += request->body.size - request->body_bytes_counted;
  request->body_bytes_counted = request->body.size;
  return server->bodies_bytes <= server->limits.bodies_bytes_max;
}

static void hand_over(struct connection *connection)
{
  struct http_server *server = connection->server;
  parser_release(&connection->parser);
  connection_enter(connection, PHASE_HANDLING);
  connection->request->connection = connection;
  server->counts.requests++;
  server->handler(server->context, connection->request);
}

static void begin_request(struct connection *connection)
{
  const struct http_limits *limits = &connection->server->limits;
  struct parser_limits parser_limits = {limits->head_bytes_max, limits->body_bytes_max};
  connection->request = request_create();
  parser_init(&connection->parser, &parser_limits, connection->request);
}

static size_t feed_request(struct connection *connection, const char *data, size_t size)
{
  if (!connection->request)
    begin_request(connection);
  size_t used = parser_feed(&connection->parser, data, size);
  if (!is_within_account(connection)) {
    connection_refuse(connection, REFUSAL_BODIES_TOO_LARGE);
    return used;
  }
  switch (connection->parser.state) {
  case PARSE_HEAD:
    if (connection->phase == PHASE_IDLE)
      connection_enter(connection, PHASE_HEAD); /* its deadline is for the whole of it */
    break;
  case PARSE_BODY:
    connection_enter(connection, PHASE_BODY); /* each arrival is progress */
    if (connection->request->wants_continue && connection->request->body.size == 0)
      send_continue(connection);
    break;
  case PARSE_COMPLETE:
    hand_over(connection);
    break;
  case PARSE_REFUSED:
    connection_refuse(connection, connection->parser.refusal);
  }
  return used;
}

/* One request after another, as long as each is answered at once. Returns how many bytes were taken. */
static size_t feed(struct connection *connection, const char *data, size_t size)
{
  size_t used = 0;
  connection->is_feeding = true;
  while (used < size && expects_request(connection))
    used += feed_request(connection, data + used, size - used);
  connection->is_feeding = false;
  return used;
}

static void stop(struct connection *connection)
{
  uv_read_stop(&connection->socket.stream);
  connection->is_reading = false;
}

static void keep_early(struct connection *connection, const char *data, size_t size)
{
  if (size == 0 || connection->phase == PHASE_CLOSING || connection->phase == PHASE_LINGERING)
    return;
  if (connection->is_last) {
    connection->has_unread = true;
    return;
  }
  buffer_append(&connection->early, data, size);
  if (connection->early.size < EARLY_BYTES_MAX)
    return;
  stop(connection);
  if (connection->phase == PHASE_HANDLING)
    connection_enter(connection, PHASE_HANDLING); /* again, now with a timer that looks for a hang-up */
}

static void on_end(struct connection *connection, bool is_orderly)
{
  if (!is_orderly || connection->phase != PHASE_WRITING) {
    connection_close(connection);
    return;
  }
  stop(connection);
  buffer_release(&connection->early);
  connection->is_last = true;
  connection->has_unread = false;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
  struct connection *connection = stream->data;
  if (got < 0) {
    on_end(connection, got == UV_EOF);
    return;
  }
  size_t size = (size_t)got;
  size_t used = feed(connection, buffer->base, size);
  keep_early(connection, buffer->base + used, size - used);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
  (void)suggested;
  struct connection *connection = handle->data;
  *ret_buffer = uv_buf_init(connection->server->read_buffer, READ_BYTES);
}

void reader_start(struct connection *connection)
{
  if (connection->is_reading)
    return;
  if (uv_read_start(&connection->socket.stream, on_alloc, on_read) == 0)
    connection->is_reading = true;
  else
    connection_close(connection);
}

void reader_resume(struct connection *connection)
{
  if (connection->is_feeding)
    return;
  struct buffer early = connection->early;
  connection->early = (struct buffer){0};
  size_t used = feed(connection, early.data, early.size);
  buffer_consume(&early, used);
  keep_early(connection, early.data, early.size);
  buffer_release(&early);
  if (connection->phase != PHASE_CLOSING && connection->early.size < EARLY_BYTES_MAX)
    reader_start(connection);
}
