/*
 * The client, against a server that does exactly what the test says (scripted_peer.h). Deadlines under test are short,
 * and only their effect is asserted, never how long they took.
 */

#include "http/client.h"

#include "base/clock.h"
#include "base/fd.h"
#include "scripted_peer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { SHORT_MS = 50, LONG_MS = 15 * 1000 };

struct fixture {
  uv_loop_t loop;
  char directory[32];
  struct peer peer;
  struct http_client *client;
};

/* What became of a call. */
struct result {
  struct fixture *fixture;
  struct http_exchange *exchange;
  unsigned done_count;
  enum http_outcome outcome;
  int status;
  unsigned retry_after_s;
  char message[256];
  struct buffer body;
};

static void on_done(void *context, const struct http_answer *answer)
{
  struct result *result = context;
  result->done_count++;
  result->exchange = 0;
  result->outcome = answer->outcome;
  result->status = answer->status;
  result->retry_after_s = answer->retry_after_s;
  snprintf(result->message, sizeof result->message, "%s", answer->message);
  buffer_append(&result->body, answer->body, answer->body_size);
}

static struct http_call call_of(struct result *result, const char *path)
{
  return (struct http_call){.method = "GET", .path = path, .total_ms = LONG_MS, .done = on_done, .context = result};
}

static void send_call(struct fixture *fixture, struct result *result, const struct http_call *call)
{
  result->fixture = fixture;
  result->exchange = http_client_send(fixture->client, call);
  assert_int_equal(result->done_count, 0);
}

static void send_get(struct fixture *fixture, struct result *result, const char *path)
{
  struct http_call call = call_of(result, path);
  send_call(fixture, result, &call);
}

static void await_done(struct fixture *fixture, struct result *result)
{
  PEER_WAIT_FOR(&fixture->loop, result->done_count);
  assert_int_equal(result->done_count, 1);
}

static int accept_request(struct fixture *fixture, struct buffer *request)
{
  int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, request);
  return fd;
}

/* The fixture. */

static void connect_client(struct fixture *fixture, unsigned connections_max)
{
  struct http_endpoint endpoint = {.unix_path = *fixture->peer.unix_path ? fixture->peer.unix_path : 0,
                                   .url = fixture->peer.url,
                                   .connections_max = connections_max};
  struct error error;
  fixture->client = http_client_create(&fixture->loop, &endpoint, &error);
  if (!fixture->client)
    fail_msg("%s", error.message);
}

static struct fixture *make_fixture(void)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  snprintf(fixture->directory, sizeof fixture->directory, "/tmp/assay-client-XXXXXX");
  if (!mkdtemp(fixture->directory) || uv_loop_init(&fixture->loop))
    fail_msg("cannot make a directory and a loop");
  return fixture;
}

static int start_unix(void **state)
{
  struct fixture *fixture = *state = make_fixture();
  peer_listen_unix(&fixture->peer, &fixture->loop, fixture->directory);
  connect_client(fixture, 0);
  return 0;
}

static int start_tcp(void **state)
{
  struct fixture *fixture = *state = make_fixture();
  peer_listen_tcp(&fixture->peer, &fixture->loop);
  connect_client(fixture, 0);
  return 0;
}

/* Whatever a test did, nothing may be left in the loop. */
static int stop(void **state)
{
  struct fixture *fixture = *state;
  http_client_destroy(fixture->client);
  peer_stop(&fixture->peer);
  while (uv_run(&fixture->loop, UV_RUN_DEFAULT))
    ;
  int left = uv_loop_close(&fixture->loop);
  rmdir(fixture->directory);
  free(fixture);
  return left;
}

static void an_answer_has_status_and_body(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  send_get(fixture, &result, "/a/../b?c=d%20e");
  CLEANUP_FD int fd = accept_request(fixture, &request);
  assert_ptr_equal(strstr(request.data, "GET /a/../b?c=d%20e HTTP/1.1\r\n"), request.data);
  assert_non_null(strstr(request.data, "\r\nHost: "));
  peer_write(fd, OK_2);
  await_done(fixture, &result);
  assert_int_equal(result.outcome, HTTP_ANSWERED);
  assert_int_equal(result.status, 200);
  assert_string_equal(result.body.data, "ok");
  buffer_release(&result.body);
}

#define OF(start, test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
    OF(start_unix, an_answer_has_status_and_body),
    OF(start_tcp, an_answer_has_status_and_body),
  };
  return cmocka_run_group_tests_name("http/client", tests, 0, 0);
}
