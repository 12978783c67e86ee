#pragma once

/* A server and its clients on one loop: whoever waits for something turns the loop meanwhile. Failures are the test's. */

#include "base/buffer.h"
#include "base/clock.h"
#include "http/server.h"

#include <poll.h>
#include <stdbool.h>
#include <uv.h>

enum { WAIT_MS_MAX = 20 * 1000 };

struct served {
  uv_loop_t loop;
  struct http_server *server;
  uint16_t port;
  bool is_closed;
};

/* Listens on a free port of 127.0.0.1. */
void served_begin(struct served *ret, const struct http_limits *limits, http_handler *handler, void *context);
/* Begins to end; `is_closed` says when. */
void served_destroy(struct served *served);
/* Until it is closed; nothing may be left in the loop. */
void served_end(struct served *served);
void served_turn(struct served *served);

/* A client's socket, which does not block. */
int served_connect(struct served *served);
/* With what it says first. */
int served_say(struct served *served, const char *text);
/* What has come so far, of as many bytes at most; false at the end. */
bool client_receive(int fd, struct buffer *got, size_t size_max);

/* Turns the loop until it holds. */
#define SERVED_WAIT_FOR(served, condition)                                                                             \
  for (struct mono end_ = mono_add_ms(mono_now(), WAIT_MS_MAX); !(condition); served_turn(served)) {                   \
    if (mono_now().us > end_.us)                                                                                       \
      fail_msg("waited in vain for: %s", #condition);                                                                  \
    poll(0, 0, 1);                                                                                                     \
  }
/* The same for a fixture that has it as `served`. */
#define WAIT_FOR(fixture, condition) SERVED_WAIT_FOR(&(fixture)->served, condition)
