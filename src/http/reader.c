/*
 * Reading: from the socket into the parser, and a whole request to the handler.
 *
 * The socket is read while a request is handled too, so that a client that leaves is noticed at once. What it sends
 * early waits in `early`; from EARLY_BYTES_MAX on the socket is read no more, and connection.c looks for a hang-up
 * every second instead. A client that has closed only its sending side counts as having left, unless all of
 * its answer is on its way already: then it gets that.
 */

#include "http/transport.h"

#include <string.h>

enum { EARLY_BYTES_MAX = 64 * 1024 };

static bool expects_request(const struct connection *connection)
{
  return connection->phase == PHASE_IDLE || connection->phase == PHASE_HEAD || connection->phase == PHASE_BODY ||
         connection->phase == PHASE_TAKING;
}

static void send_continue(struct connection *connection)
{
  connection->request->wants_continue = false;
  if (!transport_write_beside(connection, "HTTP/1.1 100 Continue\r\n\r\n"))
    connection_close(connection);
}

static bool is_within_account(struct connection *connection)
{
  struct http_server *server = connection->server;
  connection_count_body(connection);
  return server->bodies_bytes <= server->limits.bodies_bytes_max;
}

static void hand_over(struct connection *connection, enum connection_phase phase)
{
  struct http_server *server = connection->server;
  connection_enter(connection, phase);
  connection->request->connection = connection;
  connection->request->body_room = BODY_ROOM_BYTES;
  server->counts.requests++;
  server->handler(server->context, connection->request);
}

/* The request is whole. */
static void complete(struct connection *connection)
{
  struct http_request *request = connection->request;
  bool is_taken = connection->phase == PHASE_TAKING;
  parser_release(&connection->parser);
  request->body_has_ended = true;
  if (!is_taken) {
    hand_over(connection, PHASE_HANDLING);
    return;
  }
  connection_enter(connection, PHASE_HANDLING);
  if (request->arrived)
    request->arrived(request->arrived_context);
}

static void stop(struct connection *connection)
{
  uv_read_stop(&connection->socket.stream);
  connection->is_reading = false;
}

/* A part of a body that is taken as it comes. The handler may have answered by the time it returns. */
static void tell_arrival(struct connection *connection)
{
  struct http_request *request = connection->request;
  if (connection->phase == PHASE_TAKING) {
    connection_enter(connection, PHASE_TAKING); /* each arrival is progress */
    if (request->body.size && request->arrived)
      request->arrived(request->arrived_context);
  } else {
    if (request->wants_continue && request->body.size == 0)
      send_continue(connection);
    if (connection->phase != PHASE_CLOSING)
      hand_over(connection, PHASE_TAKING);
  }
  if (connection->phase != PHASE_TAKING || connection->request->body.size < connection->request->body_room)
    return;
  stop(connection);
  connection_enter(connection, PHASE_TAKING); /* again, now with a timer that looks for a hang-up */
}

static void begin_request(struct connection *connection)
{
  const struct http_limits *limits = &connection->server->limits;
  struct parser_limits parser_limits = {limits->head_bytes_max, limits->body_bytes_max, connection->server->is_streamed,
                                        connection->server->streamed_bytes_max, connection->server->context};
  connection->request = request_create();
  connection->request->is_from_unix = connection->is_unix;
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
    if (connection->request->is_streamed) {
      tell_arrival(connection);
      break;
    }
    connection_enter(connection, PHASE_BODY); /* each arrival is progress */
    if (connection->request->wants_continue && connection->request->body.size == 0)
      send_continue(connection);
    break;
  case PARSE_COMPLETE:
    complete(connection);
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
  if (connection->phase == PHASE_HANDLING || connection->phase == PHASE_STREAMING)
    connection_enter(connection, connection->phase); /* again, now with a timer that looks for a hang-up */
}

static void on_end(struct connection *connection, bool is_orderly)
{
  if (!is_orderly || connection->phase != PHASE_WRITING || connection->stream) {
    connection_close(connection);
    return;
  }
  stop(connection);
  buffer_release(&connection->early);
  connection->is_last = true;
  connection->has_unread = false;
}

static void take(struct connection *connection, const char *data, size_t size)
{
  size_t used = feed(connection, data, size);
  keep_early(connection, data + used, size - used);
}

static void end_orderly(struct connection *connection)
{
  on_end(connection, true);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
  struct connection *connection = stream->data;
  if (got < 0)
    on_end(connection, got == UV_EOF);
  else if (connection->tls)
    transport_receive(connection, buffer->base, (size_t)got, take, end_orderly);
  else
    take(connection, buffer->base, (size_t)got);
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

/* There is room for more of the body again. */
static void take_more(struct http_request *request)
{
  struct connection *connection = request->connection;
  if (connection->phase != PHASE_TAKING || connection->is_reading || request->body.size >= request->body_room)
    return;
  reader_start(connection);
  if (connection->phase == PHASE_TAKING)
    connection_enter(connection, PHASE_TAKING);
}

void http_body_consume(struct http_request *request, size_t size)
{
  buffer_consume(&request->body, size);
  if (!request->body.size && request->body.capacity > 4 * (size_t)BODY_ROOM_BYTES)
    buffer_release(&request->body);
  request->body_room = BODY_ROOM_BYTES;
  if (!request->connection)
    return;
  connection_count_body(request->connection);
  take_more(request);
}

void http_body_read_on(struct http_request *request)
{
  request->body_room = request->body.size + BODY_ROOM_BYTES;
  if (request->connection)
    take_more(request);
}

void http_body_on_arrival(struct http_request *request, void (*arrived)(void *context), void *context)
{
  request->arrived = arrived;
  request->arrived_context = context;
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
