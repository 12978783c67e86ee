#pragma once

/*
 * A server that does what a test tells it, byte by byte: it accepts, reads and writes only when told. It shares the
 * thread with the client under test, so whoever waits for the client turns the loop meanwhile. Every wait has a bound,
 * after which the test fails.
 */

#include "base/buffer.h"

#include <stdbool.h>
#include <uv.h>

enum { PEER_WAIT_MS_MAX = 20 * 1000 };

struct peer {
  uv_loop_t *loop; /* turned while waiting */
  int listening;
  char url[64];        /* "http://127.0.0.1:PORT", or "http://localhost" with a Unix socket */
  char unix_path[100]; /* empty: TCP */
};

void peer_listen_unix(struct peer *peer, uv_loop_t *loop, const char *directory);
void peer_listen_tcp(struct peer *peer, uv_loop_t *loop);
void peer_stop(struct peer *peer); /* nobody listens any more, and the socket's path is gone */

int peer_accept(struct peer *peer);            /* the caller closes */
bool peer_has_caller(const struct peer *peer); /* one that was not accepted yet */

/* Reads a whole request with its body, which follows the head in `ret`. */
void peer_read_request(struct peer *peer, int fd, struct buffer *ret);
void peer_write(int fd, const char *text);
void peer_write_bytes(struct peer *peer, int fd, const void *bytes, size_t size);
void peer_await_end(struct peer *peer, int fd); /* until the client has closed; what it still sends is thrown away */

void peer_turn(uv_loop_t *loop); /* one turn, and a rest */
void peer_turn_for(uv_loop_t *loop, unsigned ms);
#define PEER_WAIT_FOR(loop, condition)                                                                                 \
  for (struct mono end_ = mono_add_ms(mono_now(), PEER_WAIT_MS_MAX); !(condition); peer_turn(loop))                    \
    if (mono_now().us > end_.us)                                                                                       \
      fail_msg("waited in vain for: %s", #condition);
