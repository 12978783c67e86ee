/*
 * The life of a connection: from IDLE through HANDLING and WRITING and back to IDLE (enum connection_phase).
 *
 * One timer serves all deadlines, since a connection has one at a time. While a handler has the request there is none:
 * how long that may take is the handler's business. A server without connections therefore has no timer at all.
 */

#include "base/fd.h"
#include "base/memory.h"
#include "http/server_impl.h"
#include "http/tls.h"
#include "http/transport.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { LINGER_MS = 2000 };
enum { HANG_UP_LOOK_MS = 1000 };

static int connection_fd(const struct connection *connection)
{
  uv_os_fd_t fd = -1;
  uv_fileno(&connection->socket.handle, &fd);
  return fd;
}

/* The end. */

static void on_closed(uv_handle_t *handle)
{
  struct connection *connection = handle->data;
  if (--connection->handles_open)
    return;
  struct http_server *server = connection->server;
  parser_release(&connection->parser);
  buffer_release(&connection->early);
  outgoing_release(&connection->out);
  stream_destroy(connection->stream);
  tls_destroy(connection->tls);
  free(connection);
  server_handle_closed(server);
}

void connection_count_body(struct connection *connection)
{
  struct http_request *request = connection->request;
  connection->server->bodies_bytes += request->body.size;
  connection->server->bodies_bytes -= request->body_bytes_counted;
  request->body_bytes_counted = request->body.size;
}

void connection_uncount_body(struct connection *connection)
{
  struct http_request *request = connection->request;
  connection->server->bodies_bytes -= request->body_bytes_counted;
  request->body_bytes_counted = 0;
}

void connection_forget_request(struct connection *connection)
{
  if (!connection->request)
    return;
  connection_uncount_body(connection);
  request_destroy(TAKE_PTR(connection->request));
}

void connection_leave_request(struct connection *connection)
{
  connection_uncount_body(connection);
  struct http_request *request = TAKE_PTR(connection->request);
  request->connection = 0;
  if (request->gone)
    request->gone(request->gone_context);
}

/* In the server's line of those that it waits for, or not. Who is in it keeps its place. */
static void await_request(struct connection *connection, bool is_awaited)
{
  if (is_awaited && !connection->is_awaited)
    TAILQ_INSERT_TAIL(&connection->server->awaited, connection, awaited);
  if (!is_awaited && connection->is_awaited)
    TAILQ_REMOVE(&connection->server->awaited, connection, awaited);
  connection->is_awaited = is_awaited;
}

static void unlink_from_server(struct connection *connection)
{
  struct http_server *server = connection->server;
  await_request(connection, false);
  server->counts.open--;
  TAILQ_REMOVE(&server->connections, connection, entry);
}

void connection_close(struct connection *connection)
{
  if (connection->phase == PHASE_CLOSING)
    return;
  bool is_handled = connection->phase == PHASE_HANDLING || connection->phase == PHASE_TAKING;
  connection->phase = PHASE_CLOSING;
  unlink_from_server(connection);
  uv_close(&connection->socket.handle, on_closed);
  uv_close((uv_handle_t *)&connection->deadline, on_closed);
  if (connection->stream)
    stream_leave(connection);
  else if (is_handled)
    connection_leave_request(connection);
  else
    connection_forget_request(connection);
}

/* Phases and their deadlines. */

/* Seen even if bytes are waiting that nobody has read. */
static bool has_hung_up(const struct connection *connection)
{
  struct pollfd look = {.fd = connection_fd(connection), .events = POLLRDHUP};
  return poll(&look, 1, 0) > 0;
}

/*
 * What the client has not taken: ours, and what the kernel holds. Without the latter a client that reads slowly from
 * megabytes of the kernel's buffers would look as if it had stopped.
 */
static size_t unsent_bytes(const struct connection *connection)
{
  int in_kernel = 0;
  ioctl(connection_fd(connection), SIOCOUTQ, &in_kernel);
  return uv_stream_get_write_queue_size(&connection->socket.stream) + (size_t)in_kernel;
}

static void on_deadline(uv_timer_t *timer)
{
  struct connection *connection = timer->data;
  switch (connection->phase) {
  case PHASE_HEAD:
    connection_refuse(connection, REFUSAL_HEAD_SLOW);
    break;
  case PHASE_BODY:
    connection_refuse(connection, REFUSAL_BODY_SLOW);
    break;
  case PHASE_TAKING:
    if (connection->is_reading) {
      connection_refuse(connection, REFUSAL_BODY_SLOW);
      break;
    }
    __attribute__((fallthrough));
  case PHASE_HANDLING:
  case PHASE_STREAMING:
    if (has_hung_up(connection))
      connection_close(connection);
    else
      connection_enter(connection, connection->phase);
    break;
  case PHASE_WRITING:
    if (unsent_bytes(connection) < connection->out.unsent_bytes)
      connection_enter(connection, PHASE_WRITING);
    else
      connection_close(connection);
    break;
  case PHASE_HANDSHAKE:
  case PHASE_IDLE:
  case PHASE_LINGERING:
  case PHASE_CLOSING:
    connection_close(connection);
  }
}

/* 0: the phase may last. */
static unsigned phase_ms_max(const struct connection *connection)
{
  const struct http_limits *limits = &connection->server->limits;
  switch (connection->phase) {
  case PHASE_HANDSHAKE:
    return limits->handshake_ms_max;
  case PHASE_IDLE:
    return limits->idle_ms_max;
  case PHASE_HEAD:
    return limits->head_ms_max;
  case PHASE_BODY:
    return limits->body_ms_max;
  case PHASE_TAKING: /* while it waits for the handler, that is not the client's time */
    return connection->is_reading ? limits->body_ms_max : HANG_UP_LOOK_MS;
  case PHASE_HANDLING:
  case PHASE_STREAMING:
    return connection->is_reading ? 0 : HANG_UP_LOOK_MS;
  case PHASE_WRITING:
    return limits->write_ms_max;
  case PHASE_LINGERING:
    return LINGER_MS;
  case PHASE_CLOSING:
    break;
  }
  return 0;
}

void connection_enter(struct connection *connection, enum connection_phase phase)
{
  ASSERT(connection->phase != PHASE_CLOSING);
  connection->phase = phase;
  await_request(connection,
                phase == PHASE_HANDSHAKE || phase == PHASE_IDLE || phase == PHASE_HEAD || phase == PHASE_BODY);
  if (phase == PHASE_WRITING)
    connection->out.unsent_bytes = unsent_bytes(connection);
  unsigned ms = phase_ms_max(connection);
  if (ms)
    uv_timer_start(&connection->deadline, on_deadline, ms, 0);
  else
    uv_timer_stop(&connection->deadline);
}

/*
 * Closing a socket with unread bytes makes the kernel send a reset, which can overtake the answer and destroy it at the
 * client (RFC 9112, section 9.6). So only our side is closed, and what still comes is read and thrown away for a while.
 */
static void linger(struct connection *connection)
{
  transport_write_end(connection);
  shutdown(connection_fd(connection), SHUT_WR);
  connection_enter(connection, PHASE_LINGERING);
  buffer_release(&connection->early);
  reader_start(connection);
}

void connection_answered(struct connection *connection)
{
  if (!connection->is_last) {
    connection_enter(connection, PHASE_IDLE);
    reader_resume(connection);
  } else if (connection->has_unread) {
    linger(connection);
  } else {
    transport_write_end(connection);
    connection_close(connection);
  }
}

/* The beginning. */

static int open_socket(struct connection *connection, int fd, bool is_unix)
{
  uv_loop_t *loop = connection->server->loop;
  if (is_unix) {
    uv_pipe_init(loop, &connection->socket.pipe, 0);
    return uv_pipe_open(&connection->socket.pipe, fd);
  }
  uv_tcp_init(loop, &connection->socket.tcp);
  return uv_tcp_open(&connection->socket.tcp, fd);
}

static struct connection *connection_create(struct http_server *server)
{
  struct connection *connection = xcalloc(1, sizeof *connection);
  connection->server = server;
  connection->handles_open = 2;
  connection->out.file = -1;
  TAILQ_INSERT_HEAD(&server->connections, connection, entry);
  server->handles_open++;
  server->counts.open++;
  server->counts.connections++;
  return connection;
}

/*
 * Whoever only keeps others out goes: a connection without a whole request may be closed at any time (RFC 9112, section 9.5), and
 * the one that has been waited for longest is the last to send one.
 */
static bool make_room(struct http_server *server)
{
  while (server->counts.open > server->limits.connections_max && !TAILQ_EMPTY(&server->awaited))
    connection_close(TAILQ_FIRST(&server->awaited));
  return server->counts.open <= server->limits.connections_max;
}

void connection_accept(struct http_server *server, int fd, bool is_unix)
{
  struct connection *connection = connection_create(server);
  connection->is_unix = is_unix;
  int failed = open_socket(connection, fd, is_unix);
  connection->socket.handle.data = connection;
  uv_timer_init(server->loop, &connection->deadline);
  connection->deadline.data = connection;
  if (failed) {
    fd_close(fd);
    connection_close(connection);
    return;
  }
  bool is_tls = !is_unix && server->identity;
  if (!make_room(server)) {
    if (is_tls) /* it could not be told before there was a handshake */
      connection_close(connection);
    else
      connection_refuse(connection, REFUSAL_CONNECTIONS_TOO_MANY);
    return;
  }
  if (is_tls)
    connection->tls = tls_create(server->identity);
  reader_start(connection);
  connection_enter(connection, is_tls ? PHASE_HANDSHAKE : PHASE_IDLE);
}
