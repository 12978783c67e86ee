/* How a call goes wrong, and that it is told truthfully: HTTP_NOT_SENT only where the server can have seen nothing. */

#include "../scarce_memory.h"
#include "client_fixture.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* No connection. */

static void with_nobody_listening_nothing_is_sent(void **state)
{
  struct fixture *fixture = *state;
  fd_close(TAKE_FD(fixture->peer.listening)); /* the Unix socket's path stays */
  RESULT result = {0};
  send_post(fixture, &result);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
  assert_non_null(strstr(result.message, *fixture->peer.unix_path ? fixture->peer.unix_path : fixture->peer.url));
  assert_non_null(strstr(result.message, strerror(ECONNREFUSED)));
}

static void without_a_socket_nothing_is_sent(void **state)
{
  struct fixture *fixture = *state;
  peer_stop(&fixture->peer);
  RESULT result = {0};
  send_post(fixture, &result);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
  assert_non_null(strstr(result.message, strerror(ENOENT)));
}

static void a_host_without_an_address_is_sent_nothing(void **state)
{
  struct fixture *fixture = *state;
  snprintf(fixture->peer.url, sizeof fixture->peer.url, "http://no-such-host.invalid");
  connect_client(fixture, 0);
  RESULT result = {0};
  send_post(fixture, &result);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
}

static void out_of_descriptors_nothing_is_sent(void **state)
{
  struct fixture *fixture = *state;
  close(warm_up(fixture)); /* whatever the loop and libcurl open once is open */
  struct rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max});
  RESULT result = {0};
  send_post(fixture, &result);
  await_done(fixture, &result);
  setrlimit(RLIMIT_NOFILE, &before);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
  assert_non_null(strstr(result.message, strerror(EMFILE)));
}

/* Callers whom nobody accepts, so many that the kernel drops the next one's SYN. */
enum { CALLERS = 4 };

static void fill_backlog(struct fixture *fixture, int callers[static CALLERS])
{
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  assert_int_equal(listen(fixture->peer.listening, 0), 0);
  assert_int_equal(getsockname(fixture->peer.listening, (struct sockaddr *)&address, &size), 0);
  for (int i = 0; i < CALLERS; i++) {
    callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(callers[i], (struct sockaddr *)&address, size);
  }
}

static void a_server_that_cannot_be_reached_in_time_is_sent_nothing(void **state)
{
  struct fixture *fixture = *state;
  int callers[CALLERS];
  fill_backlog(fixture, callers);
  RESULT by_connect = {0}, by_total = {0}, by_idle = {0};
  struct http_call call = call_of(&by_connect, "/");
  call.connect_ms = SHORT_MS;
  send_call(fixture, &by_connect, &call);
  call = call_of(&by_total, "/");
  call.connect_ms = LONG_MS;
  call.total_ms = SHORT_MS;
  send_call(fixture, &by_total, &call);
  call = call_of(&by_idle, "/");
  call.connect_ms = LONG_MS;
  call.idle_ms = SHORT_MS;
  send_call(fixture, &by_idle, &call);
  await_outcome(fixture, &by_connect, HTTP_NOT_SENT);
  await_outcome(fixture, &by_total, HTTP_NOT_SENT);
  await_outcome(fixture, &by_idle, HTTP_NOT_SENT);
  for (int i = 0; i < CALLERS; i++)
    fd_close(callers[i]);
}

/* A Unix socket refuses a caller for whom there is no place, at once and for now (connect(2), EAGAIN). */
static void a_unix_socket_without_a_place_is_sent_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct result results[CALLERS] = {{0}};
  assert_int_equal(listen(fixture->peer.listening, 0), 0);
  for (int i = 0; i < CALLERS; i++)
    send_post(fixture, &results[i]);
  await_outcome(fixture, &results[CALLERS - 1], HTTP_NOT_SENT);
  CLEANUP_FD int fd = accept_any(fixture); /* the first had its place */
  peer_write(fd, OK_2);
  assert_answered(fixture, &results[0], 200, "ok");
  for (int i = 0; i < CALLERS; i++)
    result_release(&results[i]);
}

/* No answer, or half of one. */

static void without_an_answer_in_time_nothing_is_known(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = call_of(&result, "/");
  call.total_ms = SHORT_MS;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = accept_any(fixture);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
  peer_await_end(&fixture->peer, fd);
}

static void a_call_that_nobody_accepts_may_have_been_seen(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = call_of(&result, "/");
  call.total_ms = SHORT_MS;
  send_call(fixture, &result, &call);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
  close(accept_any(fixture)); /* and so it was */
}

static void an_answer_that_breaks_off_is_none(void **state)
{
  static const char *const answers[] = {
    "",
    "HTTP/1.1",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
  };
  struct fixture *fixture = *state;
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    RESULT result = {0};
    send_get(fixture, &result);
    int fd = accept_any(fixture);
    peer_write(fd, answers[i]);
    close(fd);
    await_outcome(fixture, &result, HTTP_UNKNOWN);
    assert_int_equal(result.body.size, 0);
  }
}

static void what_is_not_http_is_no_answer(void **state)
{
  static const char *const answers[] = {
    "hello\n\n",
    "SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/1.1 OK 200\r\n\r\n",
    "HTTP/2 2x00\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
  };
  struct fixture *fixture = *state;
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    RESULT result = {0};
    struct http_call call = call_of(&result, answers[i]);
    call.path = "/";
    send_call(fixture, &result, &call);
    int fd = accept_any(fixture);
    peer_write(fd, answers[i]);
    close(fd);
    await_done(fixture, &result);
    if (result.outcome != HTTP_UNKNOWN)
      fail_msg("outcome %d, status %d for: %s", result.outcome, result.status, answers[i]);
  }
}

static void a_connection_that_breaks_while_it_is_written_to_is_unknown(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  CLEANUP_BLOB struct blob *body = blob_create(NULL, 8 * 1024 * 1024);
  struct http_call call = call_of(&result, "/");
  call.method = "PUT";
  call.body = body;
  send_call(fixture, &result, &call);
  int fd = peer_accept(&fixture->peer);
  char byte;
  PEER_WAIT_FOR(&fixture->loop, recv(fd, &byte, 1, 0) == 1);
  close(fd);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
}

/* Too much. */

/* A head of many fields and a body of so many bytes; the connection is closed after it. */
static void answer_of_size(struct fixture *fixture, struct result *result, unsigned fields, size_t body_bytes)
{
  CLEANUP_BUFFER struct buffer answer = {0};
  buffer_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n", body_bytes);
  for (unsigned i = 0; i < fields; i++)
    buffer_printf(&answer, "X-Field-%u: %0100d\r\n", i, 0);
  buffer_puts(&answer, "\r\n");
  while (body_bytes--)
    buffer_puts(&answer, "x");
  CLEANUP_FD int fd = accept_any(fixture);
  for (size_t at = 0; at < answer.size && !result->done_count; at += 1000) {
    size_t size = answer.size - at < 1000 ? answer.size - at : 1000;
    PEER_WAIT_FOR(&fixture->loop, send(fd, answer.data + at, size, MSG_NOSIGNAL) == (ssize_t)size || errno == EPIPE ||
                                    errno == ECONNRESET);
  }
  await_done(fixture, result);
}

static void a_body_up_to_the_limit_is_kept_and_one_beyond_it_is_not(void **state)
{
  enum { MAX = 100 * 1000 };
  struct fixture *fixture = *state;
  for (size_t size = MAX; size <= MAX + 1; size++) {
    RESULT result = {0};
    struct http_call call = call_of(&result, "/");
    call.answer_bytes_max = MAX;
    send_call(fixture, &result, &call);
    answer_of_size(fixture, &result, 0, size);
    await_outcome(fixture, &result, size == MAX ? HTTP_ANSWERED : HTTP_UNKNOWN);
    assert_int_equal(result.body.size, size == MAX ? MAX : 0);
  }
}

static void a_body_is_limited_where_nobody_says_how(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  send_get(fixture, &result);
  answer_of_size(fixture, &result, 0, 1024 * 1024 + 1);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
}

static void without_memory_for_it_an_answer_is_unknown_and_the_next_call_goes_well(void **state)
{
  struct fixture *fixture = *state;
  enum { SIZE = 5000 };
  int before = 0;
  for (bool failed = true; failed; before += failed) {
    RESULT result = {0};
    struct http_call call = call_of(&result, "/");
    call.answer_bytes_max = SIZE;
    scarce_memory(before);
    send_call(fixture, &result, &call);
    answer_of_size(fixture, &result, 0, SIZE);
    await_done(fixture, &result);
    failed = scarce_memory_failed();
    await_outcome(fixture, &result, failed ? HTTP_UNKNOWN : HTTP_ANSWERED);
    assert_int_equal(result.body.size, failed ? 0 : SIZE);
    if (failed)
      assert_non_null(strstr(result.message, "no memory"));
  }
  assert_true(before > 0);
}

static void a_head_is_limited(void **state)
{
  struct fixture *fixture = *state;
  for (unsigned fields = 100; fields <= 1000; fields *= 10) {
    RESULT result = {0};
    send_get(fixture, &result);
    answer_of_size(fixture, &result, fields, 0);
    await_outcome(fixture, &result, fields == 100 ? HTTP_ANSWERED : HTTP_UNKNOWN);
  }
}

static void answers_that_are_none_yet_do_not_go_on_for_ever(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = call_of(&result, "/");
  call.total_ms = 0;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = accept_any(fixture);
  PEER_WAIT_FOR(&fixture->loop, send(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) < 0 && result.done_count);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
}

/* Silence. */

/* So long may a test's own thread be held up between two pieces without the peer being taken for silent. */
enum { IDLE_MS = 500, PIECES = 20, PIECE_MS = 50 };
static_assert(+PIECES * +PIECE_MS > +IDLE_MS, "the pieces together take longer than the silence that is borne");

static void a_stream_that_falls_silent_ends(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = stream_of(&result, "/");
  call.total_ms = 0;
  call.idle_ms = IDLE_MS;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < PIECES; i++) {
    peer_turn_for(&fixture->loop, PIECE_MS);
    assert_int_equal(result.done_count, 0);
    peer_write(fd, "x");
  }
  await_outcome(fixture, &result, HTTP_UNKNOWN);
  assert_int_equal(result.body.size, PIECES);
  assert_non_null(strstr(result.message, "silent"));
  peer_await_end(&fixture->peer, fd);
}

static void a_body_that_is_read_slowly_is_not_silence(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  CLEANUP_BLOB struct blob *body = blob_create(NULL, 8 * 1024 * 1024);
  struct http_call call = call_of(&result, "/");
  call.method = "PUT";
  call.body = body;
  call.idle_ms = IDLE_MS;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  char *piece = xmalloc(body->size / PIECES);
  for (int i = 0; i < PIECES; i++) {
    peer_turn_for(&fixture->loop, PIECE_MS);
    assert_int_equal(result.done_count, 0);
    for (size_t left = body->size / PIECES; left;) {
      ssize_t size = -1;
      PEER_WAIT_FOR(&fixture->loop, (size = recv(fd, piece, left, 0)) > 0);
      left -= (size_t)size;
    }
  }
  free(piece);
  peer_write(fd, OK_2);
  assert_answered(fixture, &result, 200, "ok");
}

static void a_server_that_does_not_read_is_silent(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  CLEANUP_BLOB struct blob *body = blob_create(NULL, 32 * 1024 * 1024);
  struct http_call call = call_of(&result, "/");
  call.method = "PUT";
  call.body = body;
  call.idle_ms = SHORT_MS;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
  assert_non_null(strstr(result.message, "silent"));
}

/* Kept connections that break. */

static void a_call_that_a_kept_connection_swallowed_is_unknown_and_not_sent_again(void **state)
{
  static const char *const methods[] = {"POST", "PUT", "DELETE"};
  struct fixture *fixture = *state;
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    int fd = warm_up(fixture);
    RESULT result = {0};
    struct http_call call = call_of(&result, "/");
    call.method = methods[i];
    send_call(fixture, &result, &call);
    read_any(fixture, fd);
    close(fd);
    await_outcome(fixture, &result, HTTP_UNKNOWN);
    peer_turn_for(&fixture->loop, QUIET_MS);
    while (peer_has_caller(&fixture->peer)) { /* a connection may have been tried, but nothing was said on it */
      CLEANUP_FD int again = peer_accept(&fixture->peer);
      char byte;
      assert_int_equal(recv(again, &byte, 1, 0), 0);
    }
  }
}

static void a_get_that_a_kept_connection_swallowed_is_asked_again(void **state)
{
  struct fixture *fixture = *state;
  int kept = warm_up(fixture);
  RESULT result = {0};
  send_get(fixture, &result);
  read_any(fixture, kept);
  close(kept);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, OK_2);
  assert_answered(fixture, &result, 200, "ok");
}

static void what_was_asked_and_then_not_again_is_unknown(void **state)
{
  struct fixture *fixture = *state;
  int kept = warm_up(fixture);
  RESULT result = {0};
  send_get(fixture, &result);
  read_any(fixture, kept);
  peer_stop(&fixture->peer);
  close(kept);
  await_outcome(fixture, &result, HTTP_UNKNOWN); /* though the last that libcurl says is that it cannot connect */
}

/* Endpoints. */

static void an_endpoint_without_sense_is_refused(void **state)
{
  struct fixture *fixture = *state;
  char long_path[200] = "/";
  memset(long_path + 1, 'x', sizeof long_path - 2);
  const struct http_endpoint rows[] = {
    {.url = ""},
    {.url = "localhost"},
    {.url = "ftp://localhost"},
    {.url = "file:///etc/passwd"},
    {.url = "http://"},
    {.url = "http://host:99999"},
    {.url = "http://host/path"},
    {.url = "http://host/?query"},
    {.url = "http://host#fragment"},
    {.url = "http://user@host"},
    {.url = "http://user:password@host"},
    {.url = "http://ho st"},
    {.url = "http://localhost", .unix_path = ""},
    {.url = "http://localhost", .unix_path = long_path},
    {.url = "https://localhost", .ca_path = "/nonexistent/ca.pem"},
    {.url = "https://localhost", .cert_path = "/nonexistent/cert.pem"},
    {.url = "https://localhost", .key_path = "/nonexistent/key.pem"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct error error = {0};
    if (http_client_create(&fixture->loop, &rows[i], &error))
      fail_msg("endpoint %s was taken", rows[i].url);
    assert_true(*error.message);
  }
}

static void an_endpoint_may_be_written_in_several_ways(void **state)
{
  struct fixture *fixture = *state;
  static const char *const urls[] = {"http://localhost", "http://localhost/", "HTTPS://host:2376", "http://[::1]:80"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    struct error error = {0};
    struct http_endpoint endpoint = {.url = urls[i]};
    struct http_client *client = http_client_create(&fixture->loop, &endpoint, &error);
    if (!client)
      fail_msg("%s: %s", urls[i], error.message);
    http_client_destroy(client);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    OVER(start_unix, with_nobody_listening_nothing_is_sent),
    OVER(start_tcp, with_nobody_listening_nothing_is_sent),
    OVER(start_unix, without_a_socket_nothing_is_sent),
    OVER(start_tcp, a_host_without_an_address_is_sent_nothing),
    OVER(start_unix, out_of_descriptors_nothing_is_sent),
    OVER(start_tcp, out_of_descriptors_nothing_is_sent),
    OVER(start_tcp, a_server_that_cannot_be_reached_in_time_is_sent_nothing),
    OVER(start_unix, a_unix_socket_without_a_place_is_sent_nothing),
    OVER(start_unix, without_an_answer_in_time_nothing_is_known),
    OVER(start_unix, a_call_that_nobody_accepts_may_have_been_seen),
    OVER(start_tcp, a_call_that_nobody_accepts_may_have_been_seen),
    OVER(start_unix, an_answer_that_breaks_off_is_none),
    OVER(start_tcp, an_answer_that_breaks_off_is_none),
    OVER(start_unix, what_is_not_http_is_no_answer),
    OVER(start_unix, a_connection_that_breaks_while_it_is_written_to_is_unknown),
    OVER(start_tcp, a_connection_that_breaks_while_it_is_written_to_is_unknown),
    OVER(start_unix, a_body_up_to_the_limit_is_kept_and_one_beyond_it_is_not),
    OVER(start_unix, a_body_is_limited_where_nobody_says_how),
    OVER(start_unix, without_memory_for_it_an_answer_is_unknown_and_the_next_call_goes_well),
    OVER(start_unix, a_head_is_limited),
    OVER(start_unix, answers_that_are_none_yet_do_not_go_on_for_ever),
    OVER(start_unix, a_stream_that_falls_silent_ends),
    OVER(start_unix, a_body_that_is_read_slowly_is_not_silence),
    OVER(start_tcp, a_server_that_does_not_read_is_silent),
    OVER(start_unix, a_call_that_a_kept_connection_swallowed_is_unknown_and_not_sent_again),
    OVER(start_tcp, a_call_that_a_kept_connection_swallowed_is_unknown_and_not_sent_again),
    OVER(start_unix, a_get_that_a_kept_connection_swallowed_is_asked_again),
    OVER(start_tcp, a_get_that_a_kept_connection_swallowed_is_asked_again),
    OVER(start_unix, what_was_asked_and_then_not_again_is_unknown),
    OVER(start_tcp, what_was_asked_and_then_not_again_is_unknown),
    OVER(start_unix, an_endpoint_without_sense_is_refused),
    OVER(start_unix, an_endpoint_may_be_written_in_several_ways),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("http/client_failures", tests, 0, 0);
}
