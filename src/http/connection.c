/*
 * The life of a connection: from IDLE through HANDLING and WRITING and back to IDLE (enum connection_phase).
 *
 * One timer serves all deadlines, since a connection has one at a time. While a handler has the request there is none:
 * how long that may take is the handler's business. A server without connections therefore has no timer at all.
 */

#include "base/fd.h"
#include "base/memory.h"
#include "http/server_impl.h"

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
  free(connection);
  server_handle_closed(server);
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

/* The handler keeps the request and still has to answer it, to nobody. */
static void leave_request(struct connection *connection)
{
  connection_uncount_body(connection);
  struct http_request *request = TAKE_PTR(connection->request);
  request->connection = 0;
  if (request->gone)
    request->gone(request->gone_context);
}

static void unlink_from_server(struct connection *connection)
{
  struct http_server *server = connection->server;
  server->counts.open--;
  if (connection->previous)
    connection->previous->next = connection->next;
  else
    server->connections = connection->next;
  if (connection->next)
    connection->next->previous = connection->previous;
}

void connection_close(struct connection *connection)
{
  if (connection->phase == PHASE_CLOSING)
    return;
  bool is_handled = connection->phase == PHASE_HANDLING;
  connection->phase = PHASE_CLOSING;
  unlink_from_server(connection);
  uv_close(&connection->socket.handle, on_closed);
  uv_close((uv_handle_t *)&connection->deadline, on_closed);
  if (is_handled)
    leave_request(connection);
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
  case PHASE_HANDLING:
    if (has_hung_up(connection))
      connection_close(connection);
    else
      connection_enter(connection, PHASE_HANDLING);
    break;
  case PHASE_WRITING:
    if (unsent_bytes(connection) < connection->out.unsent_bytes)
      connection_enter(connection, PHASE_WRITING);
    else
      connection_close(connection);
    break;
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
  case PHASE_IDLE:
    return limits->idle_ms_max;
  case PHASE_HEAD:
    return limits->head_ms_max;
  case PHASE_BODY:
    return limits->body_ms_max;
  case PHASE_HANDLING:
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
  connection->next = server->connections;
  if (connection->next)
    connection->next->previous = connection;
  server->connections = connection;
  server->handles_open++;
  server->counts.open++;
  server->counts.connections++;
  return connection;
}

void connection_accept(struct http_server *server, int fd, bool is_unix)
{
  struct connection *connection = connection_create(server);
  int failed = open_socket(connection, fd, is_unix);
  connection->socket.handle.data = connection;
  uv_timer_init(server->loop, &connection->deadline);
  connection->deadline.data = connection;
  if (failed) {
    fd_close(fd);
    connection_close(connection);
    return;
  }
  if (server->counts.open > server->limits.connections_max) {
    connection_refuse(connection, REFUSAL_CONNECTIONS_TOO_MANY);
    return;
  }
  reader_start(connection);
  connection_enter(connection, PHASE_IDLE);
}
