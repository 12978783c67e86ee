/*
 * The server as a client meets it, over real sockets. Server and clients share this thread: whoever waits for something
 * turns the loop meanwhile. Deadlines under test are short, and only their effect is asserted, never how long they
 * took.
 */

#include "served.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "Host: h\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

enum { BIG_BYTES = 16 * 1024 * 1024, FILE_BYTES = 3 * 1024 * 1024 };
enum { HELD_MAX = 8, SOON_MS = 50 };

struct fixture {
  struct served served;
  int file; /* FILE_BYTES of pattern */
  struct http_request *held[HELD_MAX];
  unsigned held_count, gone_count;
};

static char bytes_of_pattern[BIG_BYTES];

static int make_pattern(void **state)
{
  (void)state;
  for (size_t i = 0; i < BIG_BYTES; i++)
    bytes_of_pattern[i] = (char)('a' + i % 23 + i / 4096 % 3);
  return 0;
}

/* The handler: what a path asks for. */

static void respond_text(struct http_request *request, int status, const char *text)
{
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, text);
  http_respond(request, &(struct http_response){.status = status, .content_type = "text/plain"}, &body);
}

static void handle_echo(struct fixture *fixture, struct http_request *request)
{
  (void)fixture;
  size_t size;
  const char *bytes = http_body(request, &size);
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_append(&body, bytes, size);
  http_respond(request, &(struct http_response){.status = 200, .content_type = "text/plain"}, &body);
}

static void handle_path(struct fixture *fixture, struct http_request *request)
{
  (void)fixture;
  respond_text(request, 200, http_path(request));
}

static void on_gone(void *context)
{
  struct fixture *fixture = context;
  fixture->gone_count++;
}

static void handle_hold(struct fixture *fixture, struct http_request *request)
{
  assert_true(fixture->held_count < HELD_MAX);
  http_on_gone(request, on_gone, fixture);
  fixture->held[fixture->held_count++] = request;
}

static void handle_release_and_hold(struct fixture *fixture, struct http_request *request)
{
  size_t size;
  http_body_release(request);
  http_body(request, &size);
  assert_int_equal(size, 0);
  handle_hold(fixture, request);
}

static uint64_t number_of(const struct http_request *request, const char *name)
{
  const char *value = http_query(request, name);
  return value ? strtoull(value, 0, 10) : 0;
}

static void handle_file(struct fixture *fixture, struct http_request *request)
{
  http_respond_file(request, &(struct http_response){.status = 206, .content_type = "text/plain"}, dup(fixture->file),
                    number_of(request, "offset"), number_of(request, "length"));
}

static void handle_big(struct fixture *fixture, struct http_request *request)
{
  (void)fixture;
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_append(&body, bytes_of_pattern, number_of(request, "size"));
  http_respond(request, &(struct http_response){.status = 200, .content_type = "text/plain"}, &body);
}

static void handle_error(struct fixture *fixture, struct http_request *request)
{
  (void)fixture;
  struct error error;
  error_set(&error, ERROR_OVERLOADED, 0, "the \"queue\" is full");
  http_respond_error(request, &error);
}

static void handle_destroy(struct fixture *fixture, struct http_request *request);

static const struct {
  const char *path;
  void (*handle)(struct fixture *fixture, struct http_request *request);
} routes[] = {
  {"/echo", handle_echo}, {"/hold", handle_hold},   {"/release", handle_release_and_hold}, {"/file", handle_file},
  {"/big", handle_big},   {"/error", handle_error}, {"/destroy", handle_destroy},
};

static void handle(void *context, struct http_request *request)
{
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (strcmp(routes[i].path, http_path(request)) == 0) {
      routes[i].handle(context, request);
      return;
    }
  handle_path(context, request);
}

/* The fixture. */

static void turn_for(struct fixture *fixture, unsigned ms)
{
  for (struct mono end = mono_add_ms(mono_now(), ms); mono_now().us < end.us; poll(0, 0, 1))
    served_turn(&fixture->served);
}

static struct fixture *start(const struct http_limits *limits)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  served_begin(&fixture->served, limits, handle, fixture);
  fixture->file = -1;
  return fixture;
}

static void make_file(struct fixture *fixture)
{
  char path[] = "/tmp/assay-http-XXXXXX";
  fixture->file = mkostemp(path, O_CLOEXEC);
  assert_true(fixture->file >= 0);
  unlink(path);
  assert_true(fd_write_all(fixture->file, bytes_of_pattern, FILE_BYTES));
}

static void handle_destroy(struct fixture *fixture, struct http_request *request)
{
  served_destroy(&fixture->served);
  respond_text(request, 200, "to nobody");
}

/* Whatever a test did, nothing may be left in the loop. */
static void stop(struct fixture *fixture)
{
  if (fixture->served.server)
    served_destroy(&fixture->served);
  WAIT_FOR(fixture, fixture->served.is_closed);
  for (unsigned i = 0; i < fixture->held_count; i++)
    if (fixture->held[i])
      respond_text(fixture->held[i], 200, "too late");
  fd_close(fixture->file);
  served_end(&fixture->served);
  free(fixture);
}

static void answer_held(struct fixture *fixture, unsigned index, const char *text)
{
  struct http_request *request = TAKE_PTR(fixture->held[index]);
  respond_text(request, 200, text);
}

static unsigned open_connections(struct fixture *fixture)
{
  return http_server_count(fixture->served.server).open;
}

/* Clients. */

/* Returns false once the server has closed the connection. */
static bool client_send_bytes(struct fixture *fixture, int fd, const char *bytes, size_t size)
{
  for (size_t sent = 0; sent < size; served_turn(&fixture->served)) {
    ssize_t n = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
      return false;
    sent += n > 0 ? (size_t)n : 0;
  }
  return true;
}

static void client_send(struct fixture *fixture, int fd, const char *text)
{
  assert_true(client_send_bytes(fixture, fd, text, strlen(text)));
}

/* Everything until the server closes. */
static void client_receive_all(struct fixture *fixture, int fd, struct buffer *got)
{
  buffer_append(got, "", 0);
  WAIT_FOR(fixture, !client_receive(fd, got, SIZE_MAX));
}

struct answer {
  int status;
  struct buffer head, body;
};

static void answer_release(struct answer *answer)
{
  buffer_release(&answer->head);
  buffer_release(&answer->body);
}
#define CLEANUP_ANSWER __attribute__((cleanup(answer_release)))

static size_t content_length(const struct buffer *head)
{
  const char *field = strstr(head->data, "\r\nContent-Length: ");
  return field ? strtoull(field + strlen("\r\nContent-Length: "), 0, 10) : 0;
}

/* By single bytes, since what follows the head is not to be touched yet. */
static bool has_head(int fd, struct buffer *head)
{
  for (size_t before = SIZE_MAX; head->size != before && !strstr(head->data, "\r\n\r\n");) {
    before = head->size;
    client_receive(fd, head, 1);
  }
  return strstr(head->data, "\r\n\r\n");
}

/* One answer, and not a byte more. */
static struct answer client_answer(struct fixture *fixture, int fd, bool has_body)
{
  struct answer answer = {0};
  buffer_append(&answer.head, "", 0);
  WAIT_FOR(fixture, has_head(fd, &answer.head));
  assert_int_equal(sscanf(answer.head.data, "HTTP/1.1 %d ", &answer.status), 1);
  buffer_append(&answer.body, "", 0);
  size_t length = has_body ? content_length(&answer.head) : 0;
  WAIT_FOR(fixture, answer.body.size == length || !client_receive(fd, &answer.body, length - answer.body.size));
  return answer;
}

static void expect_text(struct fixture *fixture, int fd, int status, const char *text)
{
  CLEANUP_ANSWER struct answer answer = client_answer(fixture, fd, true);
  assert_int_equal(answer.status, status);
  assert_string_equal(answer.body.data, text);
}

static void expect_closed(struct fixture *fixture, int fd)
{
  CLEANUP_BUFFER struct buffer rest = {0};
  client_receive_all(fixture, fd, &rest);
  assert_int_equal(rest.size, 0);
}

/* An answer of the server itself, after which the connection ends. */
static void expect_refusal(struct fixture *fixture, int fd, int status)
{
  CLEANUP_ANSWER struct answer answer = client_answer(fixture, fd, true);
  assert_int_equal(answer.status, status);
  assert_non_null(strstr(answer.head.data, "\r\nContent-Type: application/problem+json\r\n"));
  assert_non_null(strstr(answer.head.data, "\r\nConnection: close\r\n"));
  expect_closed(fixture, fd);
}

/* Requests and answers. */

static void a_connection_is_kept_for_the_next_request(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  for (int i = 0; i < 3; i++) {
    client_send(fixture, client, GET("/one"));
    CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, true);
    assert_string_equal(answer.body.data, "/one");
    assert_non_null(strstr(answer.head.data, "\r\nConnection: keep-alive\r\n"));
    assert_non_null(strstr(answer.head.data, "\r\nDate: "));
  }
  struct http_server_counts counts = http_server_count(fixture->served.server);
  assert_int_equal(counts.connections, 1);
  assert_int_equal(counts.requests, 3);
  assert_int_equal(counts.open, 1);
  stop(fixture);
}

static void a_client_that_asks_for_it_is_closed_after_the_answer(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  static const char *const requests[] = {
    "GET /x HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    "GET /x HTTP/1.0\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    CLEANUP_FD int client = served_connect(&fixture->served);
    client_send(fixture, client, requests[i]);
    expect_text(fixture, client, 200, "/x");
    expect_closed(fixture, client);
  }
  stop(fixture);
}

static void a_request_in_single_bytes_is_answered(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  static const char request[] = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello";
  for (size_t i = 0; request[i]; i++)
    assert_true(client_send_bytes(fixture, client, &request[i], 1));
  expect_text(fixture, client, 200, "hello");
  stop(fixture);
}

static void pipelined_requests_are_handled_one_at_a_time_in_order(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/hold") GET("/two") GET("/hold") GET("/four"));
  WAIT_FOR(fixture, fixture->held_count == 1);
  turn_for(fixture, SOON_MS);
  assert_int_equal(http_server_count(fixture->served.server).requests, 1);
  answer_held(fixture, 0, "one");
  WAIT_FOR(fixture, fixture->held_count == 2);
  assert_int_equal(http_server_count(fixture->served.server).requests, 3);
  answer_held(fixture, 1, "three");
  expect_text(fixture, client, 200, "one");
  expect_text(fixture, client, 200, "/two");
  expect_text(fixture, client, 200, "three");
  expect_text(fixture, client, 200, "/four");
  stop(fixture);
}

/* Were each request handled from within the answer to the one before, the stack would not hold. */
static void many_pipelined_requests_do_not_nest(void **state)
{
  (void)state;
  enum { COUNT = 20000 };
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/hold"));
  CLEANUP_BUFFER struct buffer requests = {0}, got = {0};
  for (int i = 0; i < COUNT; i++)
    buffer_puts(&requests, GET("/"));
  WAIT_FOR(fixture, fixture->held_count == 1);
  answer_held(fixture, 0, "first");
  size_t sent = 0;
  while (http_server_count(fixture->served.server).requests < COUNT + 1) {
    ssize_t n = send(client, requests.data + sent, requests.size - sent, MSG_NOSIGNAL);
    sent += n > 0 ? (size_t)n : 0;
    served_turn(&fixture->served);
    client_receive(client, &got, SIZE_MAX);
  }
  stop(fixture);
}

static void head_is_answered_without_a_body(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  make_file(fixture);
  CLEANUP_FD int client = served_connect(&fixture->served);
  static const char *const paths[] = {"/three", "/file?offset=1&length=6", "/big?size=6"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    CLEANUP_FREE char *request = xasprintf("HEAD %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
    client_send(fixture, client, request);
    CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, false);
    assert_int_equal(content_length(&answer.head), 6);
  }
  client_send(fixture, client, GET("/next"));
  expect_text(fixture, client, 200, "/next");
  stop(fixture);
}

static void an_error_is_a_problem_document(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/error"));
  CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, true);
  assert_int_equal(answer.status, 429);
  assert_non_null(strstr(answer.head.data, "\r\nContent-Type: application/problem+json\r\n"));
  assert_non_null(strstr(answer.head.data, "\r\nRetry-After: 1\r\n"));
  assert_string_equal(answer.body.data, "{\"type\":\"about:blank\",\"title\":\"too many requests\",\"status\":429,"
                                        "\"detail\":\"the \\\"queue\\\" is full\"}\n");
  stop(fixture);
}

static void a_client_that_waits_for_it_is_told_to_send_its_body(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  CLEANUP_ANSWER struct answer interim = client_answer(fixture, client, true);
  assert_string_equal(interim.head.data, "HTTP/1.1 100 Continue\r\n\r\n");
  client_send(fixture, client, "he");
  client_send(fixture, client, "llo");
  expect_text(fixture, client, 200, "hello");
  stop(fixture);
}

/* Files and large answers. */

static void expect_pattern(const struct buffer *body, size_t offset, size_t length)
{
  assert_int_equal(body->size, length);
  assert_memory_equal(body->data, bytes_of_pattern + offset, length);
}

static void a_range_of_a_file_is_sent_byte_exact(void **state)
{
  (void)state;
  static const size_t ranges[][2] = {
    {0, 0}, {0, 1}, {5, 100}, {1, 65536}, {7, 65537}, {0, FILE_BYTES}, {FILE_BYTES - 1, 1},
  };
  struct fixture *fixture = start(0);
  make_file(fixture);
  CLEANUP_FD int client = served_connect(&fixture->served);
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    CLEANUP_FREE char *request =
      xasprintf("GET /file?offset=%zu&length=%zu HTTP/1.1\r\n" HOST "\r\n", ranges[i][0], ranges[i][1]);
    client_send(fixture, client, request);
    CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, true);
    assert_int_equal(answer.status, 206);
    expect_pattern(&answer.body, ranges[i][0], ranges[i][1]);
  }
  stop(fixture);
}

static void a_file_shorter_than_promised_ends_the_connection(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  make_file(fixture);
  CLEANUP_FD int client = served_connect(&fixture->served);
  CLEANUP_FREE char *request = xasprintf("GET /file?length=%d HTTP/1.1\r\n" HOST "\r\n" GET("/next"), FILE_BYTES + 1);
  client_send(fixture, client, request);
  CLEANUP_BUFFER struct buffer got = {0};
  client_receive_all(fixture, client, &got);
  const char *body = strstr(got.data, "\r\n\r\n") + 4;
  assert_true(got.size - (size_t)(body - got.data) <= FILE_BYTES);
  assert_int_equal(http_server_count(fixture->served.server).requests, 1);
  stop(fixture);
}

static void a_large_answer_reaches_a_slow_reader_whole(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "GET /big?size=16777216 HTTP/1.1\r\n" HOST "\r\n" GET("/next"));
  turn_for(fixture, SOON_MS);
  CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, true);
  expect_pattern(&answer.body, 0, BIG_BYTES);
  expect_text(fixture, client, 200, "/next");
  stop(fixture);
}

static void a_client_that_closed_its_side_while_it_is_answered_gets_the_answer(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "GET /big?size=16777216 HTTP/1.1\r\n" HOST "\r\n");
  WAIT_FOR(fixture, http_server_count(fixture->served.server).requests == 1);
  shutdown(client, SHUT_WR);
  turn_for(fixture, SOON_MS);
  CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, true);
  expect_pattern(&answer.body, 0, BIG_BYTES);
  expect_closed(fixture, client);
  stop(fixture);
}

static void a_client_that_takes_nothing_is_closed(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.write_ms_max = 500});
  make_file(fixture);
  static const char *const requests[] = {
    "GET /big?size=16777216 HTTP/1.1\r\n" HOST "\r\n",
    "GET /file?length=3145728 HTTP/1.1\r\n" HOST "\r\n",
  };
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    CLEANUP_FD int client = served_connect(&fixture->served);
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    CLEANUP_BUFFER struct buffer four = {0};
    for (int n = 0; n < 4; n++)
      buffer_puts(&four, requests[i]);
    client_send(fixture, client, four.data);
    WAIT_FOR(fixture, open_connections(fixture) == 0);
  }
  stop(fixture);
}

static void a_client_that_takes_it_slowly_is_not_closed(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.write_ms_max = 2000});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "GET /big?size=16777216 HTTP/1.1\r\n" HOST "\r\n");
  CLEANUP_BUFFER struct buffer got = {0};
  for (int i = 0; i < 40; i++) {
    assert_true(client_receive(client, &got, SIZE_MAX));
    turn_for(fixture, 60);
  }
  assert_int_equal(open_connections(fixture), 1);
  stop(fixture);
}

/* Clients that leave. */

static void reset(int client)
{
  setsockopt(client, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
  close(client);
}

static void hang_up(int client)
{
  close(client);
}

static void half_close(int client)
{
  shutdown(client, SHUT_WR);
}

static void (*const ways_to_leave[])(int client) = {hang_up, reset, half_close};

static void a_client_that_leaves_is_noticed_while_its_request_is_handled(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  for (unsigned i = 0; i < 3; i++) {
    int client = served_connect(&fixture->served);
    client_send(fixture, client, GET("/hold"));
    WAIT_FOR(fixture, fixture->held_count == i + 1);
    ways_to_leave[i](client);
    WAIT_FOR(fixture, fixture->gone_count == i + 1);
    assert_int_equal(open_connections(fixture), 0);
    answer_held(fixture, i, "to nobody");
    close(client);
  }
  stop(fixture);
}

static void a_client_that_leaves_is_noticed_behind_what_it_pipelined(void **state)
{
  (void)state;
  static const size_t early[] = {100, 1024 * 1024};
  struct fixture *fixture = start(0);
  CLEANUP_FREE char *bytes = xmalloc(early[1]);
  memset(bytes, 'x', early[1]);
  for (unsigned i = 0; i < 2; i++) {
    int client = served_connect(&fixture->served);
    client_send(fixture, client, GET("/hold"));
    WAIT_FOR(fixture, fixture->held_count == i + 1);
    /* As much as the server's bound and the kernel's buffers take. */
    for (size_t sent = 0; sent < early[i]; turn_for(fixture, 2)) {
      ssize_t n = send(client, bytes + sent, early[i] - sent, MSG_NOSIGNAL);
      if (n < 0)
        break;
      sent += (size_t)n;
    }
    assert_int_equal(fixture->gone_count, i);
    reset(client);
    WAIT_FOR(fixture, fixture->gone_count == i + 1);
    assert_int_equal(open_connections(fixture), 0);
  }
  stop(fixture);
}

static void what_was_sent_beyond_the_bound_is_handled_in_the_end(void **state)
{
  (void)state;
  enum { COUNT = 10000 };
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  CLEANUP_BUFFER struct buffer requests = {0}, got = {0};
  buffer_puts(&requests, GET("/hold"));
  for (int i = 0; i < COUNT; i++)
    buffer_puts(&requests, GET("/"));
  size_t sent = 0;
  for (int i = 0; i < 50; i++, turn_for(fixture, 1)) {
    ssize_t n = send(client, requests.data + sent, requests.size - sent, MSG_NOSIGNAL);
    sent += n > 0 ? (size_t)n : 0;
  }
  assert_int_equal(fixture->held_count, 1);
  answer_held(fixture, 0, "one");
  WAIT_FOR(fixture, ({
             ssize_t n = send(client, requests.data + sent, requests.size - sent, MSG_NOSIGNAL);
             sent += n > 0 ? (size_t)n : 0;
             client_receive(client, &got, SIZE_MAX);
             http_server_count(fixture->served.server).requests == COUNT + 1;
           }));
  stop(fixture);
}

static void gone_is_told_at_once_to_who_asks_too_late(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/hold"));
  WAIT_FOR(fixture, fixture->held_count == 1);
  http_on_gone(fixture->held[0], 0, 0);
  close(client);
  WAIT_FOR(fixture, open_connections(fixture) == 0);
  assert_int_equal(fixture->gone_count, 0);
  http_on_gone(fixture->held[0], on_gone, fixture);
  assert_int_equal(fixture->gone_count, 1);
  stop(fixture);
}

/* Deadlines and limits. */

static void a_slow_head_is_refused_though_it_makes_progress(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.head_ms_max = 200});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "GET / HTTP/1.1\r\n");
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, ({
             send(client, "A: b\r\n", 6, MSG_NOSIGNAL);
             turn_for(fixture, 20);
             client_receive(client, &got, SIZE_MAX);
             got.size > 0;
           }));
  assert_memory_equal(got.data, "HTTP/1.1 408 ", 13);
  stop(fixture);
}

static void a_body_that_stops_is_refused(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.body_ms_max = 100});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhello");
  expect_refusal(fixture, client, 408);
  stop(fixture);
}

static void a_body_that_makes_progress_is_waited_for(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.body_ms_max = 300, .head_ms_max = 300, .idle_ms_max = 300});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\n");
  for (int i = 0; i < 30; i++) {
    client_send(fixture, client, "x");
    turn_for(fixture, 20);
  }
  expect_text(fixture, client, 200, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
  stop(fixture);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.idle_ms_max = 50});
  CLEANUP_FD int fresh = served_connect(&fixture->served);
  CLEANUP_FD int used = served_connect(&fixture->served);
  client_send(fixture, used, GET("/x"));
  expect_text(fixture, used, 200, "/x");
  expect_closed(fixture, fresh);
  expect_closed(fixture, used);
  stop(fixture);
}

static void a_request_that_is_being_handled_has_no_deadline_here(void **state)
{
  (void)state;
  struct fixture *fixture =
    start(&(struct http_limits){.head_ms_max = 20, .body_ms_max = 20, .idle_ms_max = 20, .write_ms_max = 20});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/hold"));
  turn_for(fixture, 200);
  assert_int_equal(fixture->held_count, 1);
  answer_held(fixture, 0, "at last");
  expect_text(fixture, client, 200, "at last");
  stop(fixture);
}

static void a_body_too_large_is_refused_before_it_is_sent(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.body_bytes_max = 1000});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  expect_refusal(fixture, client, 413);
  stop(fixture);
}

/* Closing with unread bytes would reset the connection and destroy the answer. */
static void a_refusal_reaches_a_client_that_is_still_sending(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.body_bytes_max = 1000});
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n");
  CLEANUP_FREE char *bytes = xcalloc(1, 4000000);
  assert_true(client_send_bytes(fixture, client, bytes, 4000000));
  expect_refusal(fixture, client, 413);
  stop(fixture);
}

static void a_malformed_request_ends_the_connection(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int status;
  } rows[] = {
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\n" HOST "\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
  };
  struct fixture *fixture = start(0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    CLEANUP_FD int client = served_connect(&fixture->served);
    client_send(fixture, client, rows[i].text);
    client_send(fixture, client, GET("/smuggled"));
    expect_refusal(fixture, client, rows[i].status);
  }
  assert_int_equal(http_server_count(fixture->served.server).requests, 0);
  stop(fixture);
}

static void a_refusal_comes_after_the_answers_before_it(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/hold") GET("/two") "nonsense\r\n" GET("/four"));
  WAIT_FOR(fixture, fixture->held_count == 1);
  answer_held(fixture, 0, "one");
  expect_text(fixture, client, 200, "one");
  expect_text(fixture, client, 200, "/two");
  expect_refusal(fixture, client, 400);
  stop(fixture);
}

static void too_many_bytes_of_bodies_are_refused_until_some_are_released(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.bodies_bytes_max = 15});
  CLEANUP_FD int first = served_connect(&fixture->served);
  CLEANUP_FD int second = served_connect(&fixture->served);
  CLEANUP_FD int third = served_connect(&fixture->served);
  CLEANUP_FD int fourth = served_connect(&fixture->served);
  client_send(fixture, first, "POST /hold HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
  WAIT_FOR(fixture, fixture->held_count == 1);
  client_send(fixture, second, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
  expect_refusal(fixture, second, 503);
  answer_held(fixture, 0, "one");
  client_send(fixture, third, "POST /release HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
  WAIT_FOR(fixture, fixture->held_count == 2);
  client_send(fixture, fourth, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
  expect_text(fixture, fourth, 200, "0123456789");
  stop(fixture);
}

static void connections_beyond_the_limit_are_told_so_where_all_have_their_requests_in(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.connections_max = 2});
  CLEANUP_FD int first = served_connect(&fixture->served);
  int second = served_connect(&fixture->served);
  client_send(fixture, first, GET("/hold"));
  client_send(fixture, second, GET("/hold"));
  WAIT_FOR(fixture, fixture->held_count == 2);
  CLEANUP_FD int third = served_connect(&fixture->served);
  client_send(fixture, third, GET("/x"));
  {
    CLEANUP_ANSWER struct answer answer = client_answer(fixture, third, true);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.head.data, "\r\nRetry-After: 1\r\n"));
  }
  answer_held(fixture, 0, "one");
  expect_text(fixture, first, 200, "one");
  answer_held(fixture, 1, "two");
  expect_text(fixture, second, 200, "two");
  close(second);
  WAIT_FOR(fixture, open_connections(fixture) == 1);
  CLEANUP_FD int fourth = served_connect(&fixture->served);
  client_send(fixture, fourth, GET("/y"));
  expect_text(fixture, fourth, 200, "/y");
  stop(fixture);
}

static void for_one_more_connection_the_one_waited_for_longest_makes_room(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.connections_max = 3});
  CLEANUP_FD int busy = served_connect(&fixture->served);
  client_send(fixture, busy, GET("/hold"));
  WAIT_FOR(fixture, fixture->held_count == 1);
  CLEANUP_FD int idle = served_connect(&fixture->served);
  client_send(fixture, idle, GET("/x"));
  expect_text(fixture, idle, 200, "/x");
  CLEANUP_FD int slow = served_connect(&fixture->served);
  WAIT_FOR(fixture, open_connections(fixture) == 3);
  /* Half a request does not make its place a better one, a whole one does. */
  client_send(fixture, slow, "GET /x HTT");
  client_send(fixture, idle, GET("/x"));
  expect_text(fixture, idle, 200, "/x");

  CLEANUP_FD int another = served_connect(&fixture->served);
  client_send(fixture, another, GET("/y"));
  expect_text(fixture, another, 200, "/y");
  expect_closed(fixture, slow);
  client_send(fixture, idle, GET("/x"));
  expect_text(fixture, idle, 200, "/x");
  answer_held(fixture, 0, "held");
  expect_text(fixture, busy, 200, "held");
  stop(fixture);
}

/* The process's limits. */

static void count_turn(uv_prepare_t *prepare)
{
  ++*(unsigned *)prepare->data;
}

static void out_of_descriptors_clients_wait_and_the_loop_does_not_spin(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int first = served_connect(&fixture->served);
  client_send(fixture, first, GET("/x"));
  expect_text(fixture, first, 200, "/x");
  CLEANUP_FD int waiting = served_connect(&fixture->served);

  log_set_level(LOG_ERROR);
  struct rlimit before, none;
  getrlimit(RLIMIT_NOFILE, &before);
  none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  uv_prepare_t prepare;
  unsigned turns = 0;
  uv_prepare_init(&fixture->served.loop, &prepare);
  prepare.data = &turns;
  uv_prepare_start(&prepare, count_turn);
  for (struct mono end = mono_add_ms(mono_now(), 500); mono_now().us < end.us;)
    uv_run(&fixture->served.loop, UV_RUN_ONCE); /* blocks unless there is something to do */
  assert_true(turns < 100);
  client_send(fixture, first, GET("/still-served"));
  expect_text(fixture, first, 200, "/still-served");

  setrlimit(RLIMIT_NOFILE, &before);
  client_send(fixture, waiting, GET("/y"));
  expect_text(fixture, waiting, 200, "/y");
  uv_close((uv_handle_t *)&prepare, 0);
  log_set_level(LOG_INFO);
  stop(fixture);
}

static void thousands_of_idle_connections_are_held_and_cost_no_wake_ups(void **state)
{
  (void)state;
  enum { COUNT = 5000 };
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 2 * COUNT + 300)
    skip();
  struct rlimit raised = {limit.rlim_max, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &raised);
  struct fixture *fixture = start(0);
  CLEANUP_FREE int *clients = xcalloc(COUNT, sizeof *clients);
  for (int i = 0; i < COUNT; i++) {
    clients[i] = served_connect(&fixture->served);
    if (i % 50 == 0)
      served_turn(&fixture->served);
  }
  WAIT_FOR(fixture, open_connections(fixture) == COUNT);
  served_turn(&fixture->served);
  assert_true(uv_backend_timeout(&fixture->served.loop) > 10 * 1000);
  for (int i = 0; i < COUNT; i += 999) {
    client_send(fixture, clients[i], GET("/x"));
    expect_text(fixture, clients[i], 200, "/x");
  }
  for (int i = 0; i < COUNT; i++)
    close(clients[i]);
  WAIT_FOR(fixture, open_connections(fixture) == 0);
  stop(fixture);
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void a_server_without_connections_has_no_timer(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  served_turn(&fixture->served);
  assert_int_equal(uv_backend_timeout(&fixture->served.loop), -1);
  int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/x"));
  expect_text(fixture, client, 200, "/x");
  close(client);
  WAIT_FOR(fixture, open_connections(fixture) == 0);
  served_turn(&fixture->served);
  assert_int_equal(uv_backend_timeout(&fixture->served.loop), -1);
  stop(fixture);
}

/* The end. */

static void a_server_that_stops_listening_serves_who_is_there(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/hold"));
  WAIT_FOR(fixture, fixture->held_count == 1);
  http_server_stop_listening(fixture->served.server);
  int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(fixture->served.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(connect(late, (struct sockaddr *)&to, sizeof to), -1);
  close(late);
  answer_held(fixture, 0, "last");
  CLEANUP_ANSWER struct answer answer = client_answer(fixture, client, true);
  assert_string_equal(answer.body.data, "last");
  assert_non_null(strstr(answer.head.data, "\r\nConnection: close\r\n"));
  expect_closed(fixture, client);
  stop(fixture);
}

static void destroying_the_server_tells_who_handles_a_request(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int held = served_connect(&fixture->served);
  CLEANUP_FD int writing = served_connect(&fixture->served);
  CLEANUP_FD int reading = served_connect(&fixture->served);
  client_send(fixture, held, GET("/hold"));
  client_send(fixture, writing, "GET /big?size=16777216 HTTP/1.1\r\n" HOST "\r\n");
  client_send(fixture, reading, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
  WAIT_FOR(fixture, http_server_count(fixture->served.server).requests == 2);
  served_destroy(&fixture->served);
  assert_int_equal(fixture->gone_count, 1);
  assert_false(fixture->served.is_closed);
  WAIT_FOR(fixture, fixture->served.is_closed);
  stop(fixture);
}

static void a_handler_may_destroy_the_server(void **state)
{
  (void)state;
  struct fixture *fixture = start(0);
  CLEANUP_FD int client = served_connect(&fixture->served);
  client_send(fixture, client, GET("/destroy") GET("/never"));
  expect_closed(fixture, client);
  stop(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_connection_is_kept_for_the_next_request),
    cmocka_unit_test(a_client_that_asks_for_it_is_closed_after_the_answer),
    cmocka_unit_test(a_request_in_single_bytes_is_answered),
    cmocka_unit_test(pipelined_requests_are_handled_one_at_a_time_in_order),
    cmocka_unit_test(many_pipelined_requests_do_not_nest),
    cmocka_unit_test(head_is_answered_without_a_body),
    cmocka_unit_test(an_error_is_a_problem_document),
    cmocka_unit_test(a_client_that_waits_for_it_is_told_to_send_its_body),
    cmocka_unit_test(a_range_of_a_file_is_sent_byte_exact),
    cmocka_unit_test(a_file_shorter_than_promised_ends_the_connection),
    cmocka_unit_test(a_large_answer_reaches_a_slow_reader_whole),
    cmocka_unit_test(a_client_that_closed_its_side_while_it_is_answered_gets_the_answer),
    cmocka_unit_test(a_client_that_takes_nothing_is_closed),
    cmocka_unit_test(a_client_that_takes_it_slowly_is_not_closed),
    cmocka_unit_test(a_client_that_leaves_is_noticed_while_its_request_is_handled),
    cmocka_unit_test(a_client_that_leaves_is_noticed_behind_what_it_pipelined),
    cmocka_unit_test(what_was_sent_beyond_the_bound_is_handled_in_the_end),
    cmocka_unit_test(gone_is_told_at_once_to_who_asks_too_late),
    cmocka_unit_test(a_slow_head_is_refused_though_it_makes_progress),
    cmocka_unit_test(a_body_that_stops_is_refused),
    cmocka_unit_test(a_body_that_makes_progress_is_waited_for),
    cmocka_unit_test(an_idle_connection_is_closed_without_a_word),
    cmocka_unit_test(a_request_that_is_being_handled_has_no_deadline_here),
    cmocka_unit_test(a_body_too_large_is_refused_before_it_is_sent),
    cmocka_unit_test(a_refusal_reaches_a_client_that_is_still_sending),
    cmocka_unit_test(a_malformed_request_ends_the_connection),
    cmocka_unit_test(a_refusal_comes_after_the_answers_before_it),
    cmocka_unit_test(too_many_bytes_of_bodies_are_refused_until_some_are_released),
    cmocka_unit_test(connections_beyond_the_limit_are_told_so_where_all_have_their_requests_in),
    cmocka_unit_test(for_one_more_connection_the_one_waited_for_longest_makes_room),
    cmocka_unit_test(out_of_descriptors_clients_wait_and_the_loop_does_not_spin),
    cmocka_unit_test(thousands_of_idle_connections_are_held_and_cost_no_wake_ups),
    cmocka_unit_test(a_server_without_connections_has_no_timer),
    cmocka_unit_test(a_server_that_stops_listening_serves_who_is_there),
    cmocka_unit_test(destroying_the_server_tells_who_handles_a_request),
    cmocka_unit_test(a_handler_may_destroy_the_server),
  };
  return cmocka_run_group_tests_name("http/server", tests, make_pattern, 0);
}
