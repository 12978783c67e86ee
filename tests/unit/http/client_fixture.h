#pragma once

/*
 * A client and a server that does exactly what the test says (scripted_peer.h), on one loop. Deadlines under test are
 * short, and only their effect is asserted, never how long they took.
 */

#include "http/client.h"

#include "base/clock.h"
#include "base/fd.h"
#include "scripted_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* A deadline that is to be missed; one that is not; and how long a test looks that nothing happens. */
enum { SHORT_MS = 50, LONG_MS = 15 * 1000, QUIET_MS = 100 };

struct fixture {
  uv_loop_t loop;
  char directory[32];
  struct peer peer;
  struct http_client *client; /* of a test that destroys it: NULL then */
};

/* What became of a call. Zero-initialised; released by result_release(). */
struct result {
  struct http_exchange *exchange; /* while it is valid */
  unsigned done_count, data_count;
  enum http_outcome outcome;
  int status;
  unsigned retry_after_s;
  char message[256];
  struct buffer body;                  /* kept, or taken by `data` */
  int status_in_data;                  /* what http_exchange_status() said there */
  void (*then)(struct result *result); /* what the test does within `done` or `data`; may be NULL */
  void *then_context;
};

void result_release(struct result *result);
#define RESULT __attribute__((cleanup(result_release))) struct result

/* Setup and teardown of cmocka. Nothing may be left in the loop, whatever a test did. */
int start_unix(void **state);
int start_tcp(void **state);
int stop(void **state);
#define OVER(start, test) cmocka_unit_test_setup_teardown(test, start, stop)

void connect_client(struct fixture *fixture, unsigned connections_max); /* in place of the one that is there */

/* A GET that nothing hurries. */
struct http_call call_of(struct result *result, const char *path);
/* One whose body goes through `data`. */
struct http_call stream_of(struct result *result, const char *path);
void send_call(struct fixture *fixture, struct result *result, const struct http_call *call);
void send_get(struct fixture *fixture, struct result *result);
void send_post(struct fixture *fixture, struct result *result);

int accept_request(struct fixture *fixture, struct buffer *ret_request); /* on a new connection; the caller closes */
int accept_any(struct fixture *fixture);                                 /* the same, whatever the request says */
void read_any(struct fixture *fixture, int fd);                          /* the next one on a kept connection */

void await_done(struct fixture *fixture, struct result *result);
void await_outcome(struct fixture *fixture, struct result *result, enum http_outcome outcome);
void assert_answered(struct fixture *fixture, struct result *result, int status, const char *body);
void assert_nothing_happens(struct fixture *fixture, const struct result *result);

/* A whole exchange on a new connection, which is then kept. The caller closes. */
int warm_up(struct fixture *fixture);
