/* What is sent, and the answers that come. How it goes wrong: client_failures.c; its owner's whims: client_life.c. */

#include "client_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void assert_has(const struct buffer *request, const char *text)
{
  if (!strstr(request->data, text))
    fail_msg("\"%s\" is missing in: %s", text, request->data);
}

static void assert_has_not(const struct buffer *request, const char *text)
{
  if (strcasestr(request->data, text))
    fail_msg("\"%s\" is there in: %s", text, request->data);
}

/* What is sent. */

/* The bytes of the request that `call` makes; it is answered with 200 "ok". */
static void request_of(struct fixture *fixture, const struct http_call *call, struct buffer *ret)
{
  struct result *result = call->context;
  send_call(fixture, result, call);
  CLEANUP_FD int fd = accept_request(fixture, ret);
  peer_write(fd, OK_2);
  assert_answered(fixture, result, 200, "ok");
}

static void a_get_is_sent_with_its_path_as_it_is(void **state)
{
  RESULT result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  struct http_call call = call_of(&result, "/a/../b%2Fc?d=e%20f");
  request_of(*state, &call, &request);
  assert_ptr_equal(strstr(request.data, "GET /a/../b%2Fc?d=e%20f HTTP/1.1\r\n"), request.data);
  assert_has(&request, "\r\nHost: ");
  assert_has_not(&request, "\r\nContent-");
}

static void a_body_is_sent_with_its_type_and_size(void **state)
{
  RESULT result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  CLEANUP_BLOB struct blob *body = blob_create("{\0}", 3);
  const char *const headers[] = {"X-One: 1", "X-Two: 2", NULL};
  struct http_call call = call_of(&result, "/");
  call.method = "PUT";
  call.body = body;
  call.body_type = "application/json";
  call.headers = headers;
  request_of(*state, &call, &request);
  assert_ptr_equal(strstr(request.data, "PUT / HTTP/1.1\r\n"), request.data);
  assert_has(&request, "\r\nContent-Type: application/json\r\n");
  assert_has(&request, "\r\nContent-Length: 3\r\n");
  assert_has(&request, "\r\nX-One: 1\r\n");
  assert_has(&request, "\r\nX-Two: 2\r\n");
  assert_memory_equal(request.data + request.size - 7, "\r\n\r\n{\0}", 7);
}

static void a_post_without_a_body_says_so(void **state)
{
  RESULT result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  struct http_call call = call_of(&result, "/");
  call.method = "POST";
  request_of(*state, &call, &request);
  assert_has(&request, "\r\nContent-Length: 0\r\n");
  assert_has_not(&request, "\r\nContent-Type:");
}

static void other_methods_are_sent_as_they_are_named(void **state)
{
  RESULT result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  struct http_call call = call_of(&result, "/");
  call.method = "DELETE";
  request_of(*state, &call, &request);
  assert_ptr_equal(strstr(request.data, "DELETE / HTTP/1.1\r\n"), request.data);
  assert_has_not(&request, "\r\nContent-");
}

static void a_large_body_is_sent_whole_and_without_asking_first(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  CLEANUP_BLOB struct blob *body = blob_create(NULL, 8 * 1024 * 1024);
  for (size_t i = 0; i < body->size; i++)
    body->data[i] = (unsigned char)(i % 251);
  struct http_call call = call_of(&result, "/");
  call.method = "POST";
  call.body = body;
  request_of(fixture, &call, &request);
  assert_has_not(&request, "\r\nExpect:");
  assert_memory_equal(request.data + request.size - body->size, body->data, body->size);
}

static void a_call_and_all_in_it_are_copied(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  struct blob *body = blob_create("body", 4);
  char method[] = "POST", path[] = "/path", type[] = "text/plain", header[] = "X-Mine: 1";
  const char *headers[] = {header, NULL};
  struct http_call call = call_of(&result, path);
  call.method = method;
  call.body = body;
  call.body_type = type;
  call.headers = headers;
  send_call(fixture, &result, &call);
  blob_unref(body);
  memset(&call, 'x', sizeof call);
  method[0] = path[1] = type[0] = header[0] = 'x';
  headers[0] = 0;
  CLEANUP_FD int fd = accept_request(fixture, &request);
  assert_ptr_equal(strstr(request.data, "POST /path HTTP/1.1\r\n"), request.data);
  assert_has(&request, "\r\nContent-Type: text/plain\r\n");
  assert_has(&request, "\r\nX-Mine: 1\r\n");
  assert_has(&request, "\r\n\r\nbody");
}

static void what_would_break_out_of_the_request_is_not_sent(void **state)
{
  struct fixture *fixture = *state;
  static const char *const headers[] = {"X-Mine: 1\r\nX-Other: 2", NULL};
  const struct {
    const char *method, *path, *type;
    const char *const *headers;
  } rows[] = {
    {"GET", "/ HTTP/1.1\r\nX-Other: 2", 0, 0},
    {"GET", "elsewhere", 0, 0},
    {"GET", "@elsewhere/", 0, 0},
    {"GET /other", "/", 0, 0},
    {"GET\n", "/", 0, 0},
    {"", "/", 0, 0},
    {"GET", "", 0, 0},
    {"GET", "/a#b", 0, 0},
    {"GET", "/\303\244", 0, 0},
    {"GET", "/a b", 0, 0},
    {"POST", "/", "text/plain\nX-Other: 2", 0},
    {"GET", "/", 0, headers},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    RESULT result = {0};
    struct http_call call = call_of(&result, rows[i].path);
    call.method = rows[i].method;
    call.body_type = rows[i].type;
    call.headers = rows[i].headers;
    send_call(fixture, &result, &call);
    await_outcome(fixture, &result, HTTP_NOT_SENT);
    assert_false(peer_has_caller(&fixture->peer));
  }
}

static void proxies_of_the_environment_are_not_asked(void **state)
{
  static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    setenv(names[i], "http://127.0.0.1:1", 1);
  close(warm_up(*state));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unsetenv(names[i]);
}

/* What is answered. */

/* Answers a GET with `text`, which is the whole answer even if the connection stays. */
static void answer_get(struct fixture *fixture, struct result *result, const char *text)
{
  send_get(fixture, result);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, text);
  await_done(fixture, result);
}

static void every_way_to_frame_an_answer_is_understood(void **state)
{
  static const struct {
    const char *answer;
    int status;
    const char *body;
  } rows[] = {
    {OK_2, 200, "ok"},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 404, "none"},
    {"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-After: 1\r\n\r\n", 500,
     "abcde"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_2, 200, "ok"},
    {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    RESULT result = {0};
    answer_get(*state, &result, rows[i].answer);
    assert_answered(*state, &result, rows[i].status, rows[i].body);
  }
}

static void an_answer_may_end_with_the_connection(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  send_get(fixture, &result);
  int fd = accept_any(fixture);
  peer_write(fd, "HTTP/1.0 200 OK\r\n\r\nall");
  close(fd);
  assert_answered(fixture, &result, 200, "all");
}

static void the_answer_to_head_has_no_body(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = call_of(&result, "/");
  call.method = "HEAD";
  send_call(fixture, &result, &call);
  CLEANUP_BUFFER struct buffer request = {0};
  CLEANUP_FD int fd = accept_request(fixture, &request);
  assert_ptr_equal(strstr(request.data, "HEAD / HTTP/1.1\r\n"), request.data);
  peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  assert_answered(fixture, &result, 200, "");
}

static void an_answer_that_comes_before_the_body_was_sent_counts(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  CLEANUP_BLOB struct blob *body = blob_create(NULL, 8 * 1024 * 1024);
  struct http_call call = call_of(&result, "/");
  call.method = "POST";
  call.body = body;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_write(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch");
  assert_answered(fixture, &result, 413, "much");
}

static void retry_after_is_told_within_reason(void **state)
{
  static const struct {
    const char *header;
    unsigned seconds_min, seconds_max;
  } rows[] = {
    {"", 0, 0},
    {"Retry-After: 7\r\n", 7, 7},
    {"Retry-After: 0\r\n", 0, 0},
    {"Retry-After: -5\r\n", 0, 0},
    {"Retry-After: soon\r\n", 0, 0},
    {"Retry-After: 99999999999999999999\r\n", 0, 24 * 3600},
    {"Retry-After: 4294967297\r\n", 24 * 3600, 24 * 3600},
    {"Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n", 24 * 3600, 24 * 3600},
    {"Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    RESULT result = {0};
    char answer[256];
    snprintf(answer, sizeof answer, "HTTP/1.1 429 Slow\r\n%sContent-Length: 0\r\n\r\n", rows[i].header);
    answer_get(*state, &result, answer);
    assert_answered(*state, &result, 429, "");
    assert_in_range(result.retry_after_s, rows[i].seconds_min, rows[i].seconds_max);
  }
}

static void a_stream_is_handed_on_as_it_comes(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = stream_of(&result, "/events");
  call.answer_bytes_max = 1; /* is about what is kept */
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, "HTTP/1.1 207 Streaming\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  PEER_WAIT_FOR(&fixture->loop, result.body.size == 3);
  assert_int_equal(result.status_in_data, 207);
  peer_write(fd, "4\r\n");
  peer_write(fd, "two,");
  PEER_WAIT_FOR(&fixture->loop, result.body.size == 7);
  assert_int_equal(result.done_count, 0);
  peer_write(fd, "\r\n0\r\n\r\n");
  assert_answered(fixture, &result, 207, "onetwo,"); /* taken by `data`, and not again by `done` */
}

/* Connections. */

static void a_connection_is_kept_for_the_next_call(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FD int fd = warm_up(fixture);
  for (int i = 0; i < 3; i++) {
    RESULT result = {0};
    send_post(fixture, &result);
    read_any(fixture, fd);
    peer_write(fd, OK_2);
    assert_answered(fixture, &result, 200, "ok");
  }
  assert_false(peer_has_caller(&fixture->peer));
}

static void a_kept_connection_that_was_closed_is_not_used(void **state)
{
  struct fixture *fixture = *state;
  close(warm_up(fixture));
  RESULT result = {0};
  send_post(fixture, &result);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, OK_2);
  assert_answered(fixture, &result, 200, "ok");
}

/* Which descriptors are open that a program would inherit. */
static unsigned count_inheritable(void)
{
  unsigned count = 0;
  for (int fd = 0; fd < 1000; fd++) {
    int flags = fcntl(fd, F_GETFD);
    count += flags >= 0 && !(flags & FD_CLOEXEC);
  }
  return count;
}

static void a_connection_is_not_inherited_by_programs(void **state)
{
  unsigned before = count_inheritable();
  CLEANUP_FD int fd = warm_up(*state);
  assert_int_equal(count_inheritable(), before);
}

static void a_client_at_rest_wakes_nobody(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FD int fd = warm_up(fixture);
  PEER_WAIT_FOR(&fixture->loop, !uv_loop_alive(&fixture->loop));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    OVER(start_unix, a_get_is_sent_with_its_path_as_it_is),
    OVER(start_tcp, a_get_is_sent_with_its_path_as_it_is),
    OVER(start_unix, a_body_is_sent_with_its_type_and_size),
    OVER(start_unix, a_post_without_a_body_says_so),
    OVER(start_unix, other_methods_are_sent_as_they_are_named),
    OVER(start_unix, a_large_body_is_sent_whole_and_without_asking_first),
    OVER(start_tcp, a_large_body_is_sent_whole_and_without_asking_first),
    OVER(start_unix, a_call_and_all_in_it_are_copied),
    OVER(start_unix, what_would_break_out_of_the_request_is_not_sent),
    OVER(start_tcp, proxies_of_the_environment_are_not_asked),
    OVER(start_unix, every_way_to_frame_an_answer_is_understood),
    OVER(start_tcp, every_way_to_frame_an_answer_is_understood),
    OVER(start_unix, an_answer_may_end_with_the_connection),
    OVER(start_unix, the_answer_to_head_has_no_body),
    OVER(start_unix, an_answer_that_comes_before_the_body_was_sent_counts),
    OVER(start_tcp, an_answer_that_comes_before_the_body_was_sent_counts),
    OVER(start_unix, retry_after_is_told_within_reason),
    OVER(start_unix, a_stream_is_handed_on_as_it_comes),
    OVER(start_unix, a_connection_is_kept_for_the_next_call),
    OVER(start_tcp, a_connection_is_kept_for_the_next_call),
    OVER(start_unix, a_kept_connection_that_was_closed_is_not_used),
    OVER(start_tcp, a_kept_connection_that_was_closed_is_not_used),
    OVER(start_unix, a_connection_is_not_inherited_by_programs),
    OVER(start_tcp, a_connection_is_not_inherited_by_programs),
    OVER(start_unix, a_client_at_rest_wakes_nobody),
    OVER(start_tcp, a_client_at_rest_wakes_nobody),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("http/client", tests, 0, 0);
}
