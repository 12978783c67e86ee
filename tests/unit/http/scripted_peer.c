#include "scripted_peer.h"

#include "base/clock.h"
#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { BACKLOG = 64 };

void peer_turn(uv_loop_t *loop)
{
  uv_run(loop, UV_RUN_NOWAIT);
  poll(0, 0, 1);
}

void peer_turn_for(uv_loop_t *loop, unsigned ms)
{
  for (struct mono end = mono_add_ms(mono_now(), ms); mono_now().us < end.us;)
    peer_turn(loop);
}

static void start_listening(struct peer *peer, const struct sockaddr *address, socklen_t size)
{
  peer->listening = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(peer->listening >= 0);
  assert_int_equal(bind(peer->listening, address, size), 0);
  assert_int_equal(listen(peer->listening, BACKLOG), 0);
}

void peer_listen_unix(struct peer *peer, uv_loop_t *loop, const char *directory)
{
  *peer = (struct peer){.loop = loop, .url = "http://localhost"};
  snprintf(peer->unix_path, sizeof peer->unix_path, "%s/socket", directory);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", peer->unix_path);
  start_listening(peer, (struct sockaddr *)&address, sizeof address);
}

void peer_listen_tcp(struct peer *peer, uv_loop_t *loop)
{
  *peer = (struct peer){.loop = loop};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  start_listening(peer, (struct sockaddr *)&address, size);
  assert_int_equal(getsockname(peer->listening, (struct sockaddr *)&address, &size), 0);
  snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
}

void peer_stop(struct peer *peer)
{
  fd_close(TAKE_FD(peer->listening));
  if (*peer->unix_path)
    unlink(peer->unix_path);
}

bool peer_has_caller(const struct peer *peer)
{
  struct pollfd look = {.fd = peer->listening, .events = POLLIN};
  return poll(&look, 1, 0) > 0;
}

int peer_accept(struct peer *peer)
{
  int fd = -1;
  PEER_WAIT_FOR(peer->loop, (fd = accept4(peer->listening, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
  return fd;
}

static void read_more(struct peer *peer, int fd, struct buffer *buffer)
{
  char bytes[16384];
  ssize_t size = 0;
  PEER_WAIT_FOR(peer->loop, (size = recv(fd, bytes, sizeof bytes, 0)) >= 0);
  if (size == 0)
    fail_msg("the client has closed the connection");
  buffer_append(buffer, bytes, (size_t)size);
}

static size_t body_size_of(const char *head)
{
  const char *length = strcasestr(head, "\r\nContent-Length:");
  return length ? strtoul(length + strlen("\r\nContent-Length:"), 0, 10) : 0;
}

void peer_read_request(struct peer *peer, int fd, struct buffer *ret)
{
  buffer_clear(ret);
  const char *end = 0;
  while (!ret->data || !(end = strstr(ret->data, "\r\n\r\n")))
    read_more(peer, fd, ret);
  size_t size = (size_t)(end - ret->data) + 4 + body_size_of(ret->data);
  while (ret->size < size)
    read_more(peer, fd, ret);
  assert_int_equal(ret->size, size); /* nothing behind it: requests are not pipelined */
}

void peer_write_bytes(struct peer *peer, int fd, const void *bytes, size_t size)
{
  for (size_t at = 0; at < size;) {
    ssize_t written = -1;
    PEER_WAIT_FOR(peer->loop, (written = send(fd, (const char *)bytes + at, size - at, MSG_NOSIGNAL)) > 0);
    at += (size_t)written;
  }
}

void peer_write(int fd, const char *text)
{
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void peer_await_end(struct peer *peer, int fd)
{
  char bytes[4096];
  PEER_WAIT_FOR(peer->loop, recv(fd, bytes, sizeof bytes, 0) == 0 || errno == ECONNRESET);
}
