#include "served.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

void served_begin(struct served *ret, const struct http_limits *limits, http_handler *handler, void *context)
{
  char address[256];
  struct error error;
  unsigned port;
  *ret = (struct served){0};
  assert_int_equal(uv_loop_init(&ret->loop), 0);
  ret->server = http_server_create(&ret->loop, limits, handler, context);
  if (!http_server_listen(ret->server, "127.0.0.1:0", address, &error))
    fail_msg("%s", error.message);
  assert_int_equal(sscanf(address, "127.0.0.1:%u", &port), 1);
  ret->port = (uint16_t)port;
}

static void on_closed(void *context)
{
  ((struct served *)context)->is_closed = true;
}

void served_destroy(struct served *served)
{
  http_server_destroy(served->server, on_closed, served);
  served->server = 0;
}

void served_end(struct served *served)
{
  if (served->server)
    served_destroy(served);
  SERVED_WAIT_FOR(served, served->is_closed);
  assert_int_equal(uv_loop_close(&served->loop), 0);
}

void served_turn(struct served *served)
{
  uv_run(&served->loop, UV_RUN_NOWAIT);
}

int served_connect(struct served *served)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(served->port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
    fail_msg("cannot connect: %s", strerror(errno));
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

int served_say(struct served *served, const char *text)
{
  int fd = served_connect(served);
  assert_true(fd_write_all(fd, text, strlen(text)));
  return fd;
}

bool client_receive(int fd, struct buffer *got, size_t size_max)
{
  static char piece[256 * 1024];
  ssize_t n = recv(fd, piece, size_max < sizeof piece ? size_max : sizeof piece, 0);
  if (n > 0)
    buffer_append(got, piece, (size_t)n);
  return n > 0 || (n < 0 && errno == EAGAIN);
}
