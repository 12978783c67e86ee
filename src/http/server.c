/* The server: its listeners, its limits, and the count of what is open. */

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/server_impl.h"
#include "http/tls.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { ACCEPTS_PER_WAKE_MAX = 64 };
enum { ACCEPT_AGAIN_MS = 100 };
enum { REFUSED_CONNECTIONS_MAX = 64 };

void server_handle_closed(struct http_server *server)
{
  if (--server->handles_open)
    return;
  void (*closed)(void *context) = server->closed;
  void *context = server->closed_context;
  tls_identity_destroy(server->identity);
  free(server->open_buffer);
  free(server->read_buffer);
  free(server);
  if (closed)
    closed(context);
}

const char *server_date(struct http_server *server)
{
  int64_t second = wall_now().ms / 1000;
  if (second != server->date_second) {
    server->date_second = second;
    response_format_date(second, server->date);
  }
  return server->date;
}

/* Accepting. */

/*
 * Out of descriptors or memory, accept(2) fails at once and the socket stays readable: polling it further would spin.
 * The clients wait in the backlog meanwhile.
 */
static void pause_accepting(struct http_server *server);

static bool accept_one(struct listener *listener)
{
  struct http_server *server = listener->server;
  int fd = accept4(listener->listening.fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    server->is_starved = false;
    if (server->counts.open < (uint64_t)server->limits.connections_max + server->refused_max)
      connection_accept(server, fd, listener->listening.is_unix);
    else
      fd_close(fd);
    return true;
  }
  if (errno == EAGAIN)
    return false;
  if (errno == EINTR || errno == ECONNABORTED)
    return true;
  if (!server->is_starved)
    log_warning(0, "cannot accept connections, they have to wait: %s", strerror(errno));
  server->is_starved = true;
  pause_accepting(server);
  return false;
}

static void on_connectable(uv_poll_t *poll, int status, int events)
{
  (void)status;
  (void)events;
  struct listener *listener = poll->data;
  struct http_server *server = listener->server;
  for (int i = 0; i < ACCEPTS_PER_WAKE_MAX && !server->is_stopping && accept_one(listener); i++)
    ;
}

static void accept_again(uv_timer_t *timer)
{
  struct http_server *server = timer->data;
  for (struct listener *listener = server->listeners; listener; listener = listener->next)
    uv_poll_start(&listener->poll, UV_READABLE, on_connectable);
}

static void pause_accepting(struct http_server *server)
{
  for (struct listener *listener = server->listeners; listener; listener = listener->next)
    uv_poll_stop(&listener->poll);
  uv_timer_start(&server->accept_again, accept_again, ACCEPT_AGAIN_MS, 0);
}

/* Listening. */

static bool start_listener(struct http_server *server, struct listening listening, const char *address,
                           struct error *error)
{
  struct listener *listener = xcalloc(1, sizeof *listener);
  int failed = uv_poll_init(server->loop, &listener->poll, listening.fd);
  if (failed) {
    listening_close(&listening);
    free(listener);
    return error_set(error, ERROR_INTERNAL, -failed, "cannot listen on %s: %s", address, uv_strerror(failed));
  }
  listener->listening = listening;
  listener->server = server;
  listener->poll.data = listener;
  listener->next = server->listeners;
  server->listeners = listener;
  server->handles_open++;
  uv_poll_start(&listener->poll, UV_READABLE, on_connectable);
  return true;
}

bool http_server_listen(struct http_server *server, const char *address, char ret_address[static 256],
                        struct error *error)
{
  struct listening listening;
  return listening_open(&listening, address, server->socket_mode, ret_address, error) &&
         start_listener(server, listening, address, error);
}

void http_server_set_socket_mode(struct http_server *server, mode_t mode)
{
  server->socket_mode = mode;
}

bool http_server_set_tls(struct http_server *server, const char *certificate_path, const char *key_path,
                         struct error *error)
{
  server->identity = tls_identity_load(certificate_path, key_path, error);
  server->open_buffer = xmalloc(READ_BYTES);
  return server->identity;
}

bool http_server_adopt(struct http_server *server, int fd, char ret_address[static 256], struct error *error)
{
  struct listening listening;
  return listening_adopt(&listening, fd, ret_address, error) && start_listener(server, listening, ret_address, error);
}

static void on_listener_closed(uv_handle_t *handle)
{
  struct listener *listener = handle->data;
  struct http_server *server = listener->server;
  free(listener);
  server_handle_closed(server);
}

void http_server_stop_listening(struct http_server *server)
{
  server->is_stopping = true;
  uv_timer_stop(&server->accept_again);
  while (server->listeners) {
    struct listener *listener = server->listeners;
    server->listeners = listener->next;
    uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
    listening_close(&listener->listening);
  }
}

/* Life. */

static void on_server_closed(uv_handle_t *handle)
{
  server_handle_closed(handle->data);
}

void http_server_destroy(struct http_server *server, void (*closed)(void *context), void *context)
{
  server->closed = closed;
  server->closed_context = context;
  http_server_stop_listening(server);
  while (!TAILQ_EMPTY(&server->connections))
    connection_close(TAILQ_FIRST(&server->connections));
  uv_close((uv_handle_t *)&server->accept_again, on_server_closed);
}

static rlim_t descriptors_open(void)
{
  DIR *directory = opendir("/proc/self/fd");
  rlim_t count = 0;
  while (directory && readdir(directory))
    count++;
  if (directory)
    closedir(directory);
  return count;
}

/* Whatever clients do, the rest of the process keeps descriptors for what it has accepted already. Of those that are
 * free now, a third is for connections, a third for the files that they are sent, and a third for everything else. */
static void share_descriptors(struct http_server *server)
{
  struct rlimit limit;
  server->refused_max = REFUSED_CONNECTIONS_MAX;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
    return;
  rlim_t open = descriptors_open(), share = limit.rlim_cur > open ? (limit.rlim_cur - open) / 3 : 0;
  if (share >= (rlim_t)server->limits.connections_max + REFUSED_CONNECTIONS_MAX)
    return;
  server->refused_max = share / 4 < REFUSED_CONNECTIONS_MAX ? (unsigned)share / 4 : REFUSED_CONNECTIONS_MAX;
  unsigned allowed = share > server->refused_max ? (unsigned)share - server->refused_max : 1;
  if (server->limits.connections_max > allowed)
    server->limits.connections_max = allowed;
}

struct http_server *http_server_create(uv_loop_t *loop, const struct http_limits *limits, http_handler *handler,
                                       void *context)
{
  struct http_server *server = xcalloc(1, sizeof *server);
  server->loop = loop;
  server->handler = handler;
  server->socket_mode = S_IRUSR | S_IWUSR;
  server->context = context;
  TAILQ_INIT(&server->connections);
  TAILQ_INIT(&server->awaited);
  if (limits)
    server->limits = *limits;
#define X(type, name, by_default)                                                                                      \
  if (!server->limits.name)                                                                                            \
    server->limits.name = by_default;
  HTTP_LIMITS(X)
#undef X
  share_descriptors(server);
  server->date_second = -1;
  server->read_buffer = xmalloc(READ_BYTES);
  uv_timer_init(loop, &server->accept_again);
  server->accept_again.data = server;
  server->handles_open = 1;
  return server;
}

void http_server_stream_bodies(struct http_server *server,
                               bool (*is_streamed)(void *context, const struct http_request *request),
                               uint64_t body_bytes_max)
{
  server->is_streamed = is_streamed;
  server->streamed_bytes_max = body_bytes_max;
}

struct http_server_counts http_server_count(const struct http_server *server)
{
  return server->counts;
}
