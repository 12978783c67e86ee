/* Bodies that are taken as they come, as a client meets them over a real socket. */

#include "served.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ORDINARY_BYTES_MAX = 1000, STREAMED_BYTES_MAX = 64 * 1024 * 1024 };

struct fixture {
  struct served served;
  struct http_request *request; /* that is being taken; NULL: none */
  unsigned requests, arrivals, gone;
};

static void on_arrival(void *context)
{
  ((struct fixture *)context)->arrivals++;
}

static void answer(struct fixture *fixture, const char *text)
{
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, text);
  http_respond(TAKE_PTR(fixture->request), &(struct http_response){.status = 200, .content_type = "text/plain"}, &body);
}

static void on_gone(void *context)
{
  struct fixture *fixture = context;
  fixture->gone++;
  answer(fixture, "nobody");
}

static void handle(void *context, struct http_request *request)
{
  struct fixture *fixture = context;
  assert_null(fixture->request);
  fixture->requests++;
  fixture->request = request;
  if (strcmp(http_path(request), "/streamed") != 0) {
    answer(fixture, "ordinary");
    return;
  }
  http_body_on_arrival(request, on_arrival, fixture);
  http_on_gone(request, on_gone, fixture);
}

static bool is_streamed(void *context, const struct http_request *request)
{
  (void)context;
  return !strcmp(http_path(request), "/streamed");
}

static struct fixture *start(unsigned body_ms_max)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  const struct http_limits limits = {.body_bytes_max = ORDINARY_BYTES_MAX, .body_ms_max = body_ms_max};
  served_begin(&fixture->served, &limits, handle, fixture);
  http_server_stream_bodies(fixture->served.server, is_streamed, STREAMED_BYTES_MAX);
  return fixture;
}

static void stop(struct fixture *fixture)
{
  served_end(&fixture->served);
  assert_null(fixture->request);
  free(fixture);
}

static void say(int fd, const char *text)
{
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static bool has(int fd, struct buffer *got, const char *text)
{
  client_receive(fd, got, SIZE_MAX);
  return got->data && memmem(got->data, got->size, text, strlen(text));
}

static size_t there(const struct fixture *fixture)
{
  size_t size;
  http_body(fixture->request, &size);
  return size;
}

static bool body_is(const struct fixture *fixture, const char *text)
{
  size_t size;
  const void *body = http_body(fixture->request, &size);
  return size == strlen(text) && !memcmp(body, text, size);
}

#define HEAD "POST /streamed HTTP/1.1\r\nHost: h\r\n"

static void the_handler_is_called_at_the_head_and_told_of_what_comes(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_say(&fixture->served, HEAD "Content-Length: 10\r\n\r\n");
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->request);
  assert_false(http_body_has_ended(fixture->request));
  say(client, "12345");
  WAIT_FOR(fixture, fixture->arrivals == 1);
  assert_true(body_is(fixture, "12345"));
  http_body_consume(fixture->request, 3);
  assert_true(body_is(fixture, "45"));
  say(client, "67890POST /other HTTP/1.1\r\nHost: h\r\n\r\n");
  WAIT_FOR(fixture, http_body_has_ended(fixture->request));
  assert_int_equal(fixture->arrivals, 2);
  assert_true(body_is(fixture, "4567890"));
  answer(fixture, "streamed");
  WAIT_FOR(fixture, has(client, &got, "ordinary")); /* the connection is kept */
  assert_non_null(strstr(got.data, "\r\n\r\nstreamedHTTP/1.1 200 OK"));
  stop(fixture);
}

static void chunks_and_an_empty_body_are_taken_too(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_say(&fixture->served, HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  CLEANUP_FD int empty = served_say(&fixture->served, "");
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->request && there(fixture) == 3);
  say(client, "2\r\nde\r\n0\r\n\r\n");
  WAIT_FOR(fixture, http_body_has_ended(fixture->request));
  assert_true(body_is(fixture, "abcde"));
  answer(fixture, "chunks");
  WAIT_FOR(fixture, has(client, &got, "chunks"));
  say(empty, HEAD "Content-Length: 0\r\n\r\n");
  WAIT_FOR(fixture, fixture->request);
  assert_true(http_body_has_ended(fixture->request));
  answer(fixture, "empty");
  stop(fixture);
}

/* Sends until the kernel takes no more for a while; how much it took. */
static size_t push(struct fixture *fixture, int client)
{
  static const char piece[64 * 1024] = {'x'};
  size_t sent = 0;
  for (unsigned idle = 0; idle < 50;) {
    ssize_t n = send(client, piece, sizeof piece, MSG_NOSIGNAL);
    sent += n > 0 ? (size_t)n : 0;
    idle = n > 0 ? 0 : idle + 1;
    served_turn(&fixture->served);
    poll(0, 0, 1);
  }
  return sent;
}

static void what_is_not_consumed_waits_with_the_client(void **state)
{
  (void)state;
  struct fixture *fixture = start(100);
  CLEANUP_FD int client = served_say(&fixture->served, HEAD "Content-Length: 60000000\r\n\r\n");
  WAIT_FOR(fixture, fixture->request);
  size_t sent = push(fixture, client);
  assert_true(there(fixture) < 300 * 1024);
  for (struct mono end = mono_add_ms(mono_now(), 300); mono_now().us < end.us; served_turn(&fixture->served))
    poll(0, 0, 1);
  assert_int_equal(fixture->gone, 0); /* that is not the client's time */
  size_t held = there(fixture);
  http_body_read_on(fixture->request);
  WAIT_FOR(fixture, there(fixture) > held);
  for (size_t taken = 0; taken < sent; served_turn(&fixture->served)) {
    taken += there(fixture);
    http_body_consume(fixture->request, there(fixture));
  }
  answer(fixture, "enough");
  stop(fixture);
}

static void an_answer_before_the_end_closes_the_connection(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_say(&fixture->served, HEAD "Content-Length: 1000\r\n\r\n12345");
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->request);
  answer(fixture, "early");
  WAIT_FOR(fixture, has(client, &got, "early"));
  assert_non_null(strstr(got.data, "\r\nConnection: close\r\n"));
  WAIT_FOR(fixture, !client_receive(client, &got, SIZE_MAX));
  assert_int_equal(fixture->gone, 0);
  stop(fixture);
}

static void a_body_that_breaks_off_or_stops_or_is_malformed_is_a_client_that_has_left(void **state)
{
  (void)state;
  struct fixture *fixture = start(50);
  CLEANUP_BUFFER struct buffer slow_got = {0}, malformed_got = {0};
  int broken = served_say(&fixture->served, HEAD "Content-Length: 1000\r\n\r\n12345");
  WAIT_FOR(fixture, fixture->request);
  fd_close(broken);
  WAIT_FOR(fixture, fixture->gone == 1);
  CLEANUP_FD int slow = served_say(&fixture->served, HEAD "Content-Length: 1000\r\n\r\n12345");
  WAIT_FOR(fixture, fixture->gone == 2);
  WAIT_FOR(fixture, has(slow, &slow_got, "HTTP/1.1 408 "));
  CLEANUP_FD int malformed = served_say(&fixture->served, HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  WAIT_FOR(fixture, fixture->requests == 3);
  say(malformed, "nonsense\r\n");
  WAIT_FOR(fixture, fixture->gone == 3);
  WAIT_FOR(fixture, has(malformed, &malformed_got, "HTTP/1.1 400 "));
  stop(fixture);
}

static void each_kind_of_body_has_its_own_limit(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_BUFFER struct buffer one = {0}, two = {0};
  CLEANUP_FD int ordinary = served_say(&fixture->served, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n");
  WAIT_FOR(fixture, has(ordinary, &one, "HTTP/1.1 413 "));
  CLEANUP_FD int streamed = served_say(&fixture->served, HEAD "Content-Length: 67108865\r\n\r\n");
  WAIT_FOR(fixture, has(streamed, &two, "HTTP/1.1 413 "));
  assert_int_equal(fixture->requests, 0);
  stop(fixture);
}

static void who_expects_to_be_asked_is_asked_to_go_on(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_BUFFER struct buffer got = {0};
  CLEANUP_FD int client = served_say(&fixture->served, HEAD "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  WAIT_FOR(fixture, has(client, &got, "HTTP/1.1 100 Continue\r\n\r\n"));
  say(client, "12345");
  WAIT_FOR(fixture, http_body_has_ended(fixture->request));
  answer(fixture, "done");
  stop(fixture);
}

static void a_server_that_is_destroyed_tells_that_the_client_is_gone(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_say(&fixture->served, HEAD "Content-Length: 5\r\n\r\n");
  WAIT_FOR(fixture, fixture->request);
  stop(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_handler_is_called_at_the_head_and_told_of_what_comes),
    cmocka_unit_test(chunks_and_an_empty_body_are_taken_too),
    cmocka_unit_test(what_is_not_consumed_waits_with_the_client),
    cmocka_unit_test(an_answer_before_the_end_closes_the_connection),
    cmocka_unit_test(a_body_that_breaks_off_or_stops_or_is_malformed_is_a_client_that_has_left),
    cmocka_unit_test(each_kind_of_body_has_its_own_limit),
    cmocka_unit_test(who_expects_to_be_asked_is_asked_to_go_on),
    cmocka_unit_test(a_server_that_is_destroyed_tells_that_the_client_is_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
