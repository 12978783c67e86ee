/* Answers that are given piece by piece, as a client meets them over a real socket. */

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

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define SEND_BYTES (256 * 1024)

struct fixture {
  struct served served;
  struct http_stream *stream; /* the last one that was begun; NULL: nobody is there */
  unsigned ready, gone, streams;
};

static void on_ready(void *context)
{
  ((struct fixture *)context)->ready++;
}

static void on_gone(void *context)
{
  struct fixture *fixture = context;
  fixture->gone++;
  fixture->stream = NULL;
}

static void handle(void *context, struct http_request *request)
{
  struct fixture *fixture = context;
  const struct http_response response = {.status = 200, .content_type = "text/plain"};
  if (strcmp(http_path(request), "/stream") != 0) {
    CLEANUP_BUFFER struct buffer body = {0};
    buffer_puts(&body, "short");
    http_respond(request, &response, &body);
    return;
  }
  fixture->streams++;
  fixture->stream = http_respond_stream(
    request, &response, &(struct http_stream_events){.ready = on_ready, .gone = on_gone, .context = fixture});
}

static struct fixture *start(const struct http_limits *limits)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  served_begin(&fixture->served, limits, handle, fixture);
  return fixture;
}

static void stop(struct fixture *fixture)
{
  served_end(&fixture->served);
  assert_null(fixture->stream);
  free(fixture);
}

static bool has(int fd, struct buffer *got, const char *text)
{
  client_receive(fd, got, SIZE_MAX);
  return got->data && memmem(got->data, got->size, text, strlen(text));
}

static bool send_text(struct fixture *fixture, const char *text)
{
  CLEANUP_BLOB struct blob *piece = blob_create(text, strlen(text));
  return http_stream_send(fixture->stream, piece);
}

static void end(struct fixture *fixture)
{
  http_stream_end(TAKE_PTR(fixture->stream));
}

/* Until the connection's buffers are full. */
static void fill(struct fixture *fixture)
{
  CLEANUP_BLOB struct blob *piece = blob_create(NULL, SEND_BYTES);
  while (http_stream_send(fixture->stream, piece))
    ;
}

static void pieces_are_chunks_and_the_connection_is_kept(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int client = served_say(&fixture->served, GET("/stream") GET("/short"));
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->stream);
  WAIT_FOR(fixture, has(client, &got, "\r\nTransfer-Encoding: chunked\r\n"));
  assert_null(strstr(got.data, "Content-Length"));
  assert_true(send_text(fixture, "one"));
  WAIT_FOR(fixture, has(client, &got, "\r\n\r\n3\r\none\r\n"));
  assert_true(send_text(fixture, "and twenty more bytes"));
  WAIT_FOR(fixture, has(client, &got, "\r\n15\r\nand twenty more bytes\r\n"));
  assert_null(strstr(got.data, "short"));
  end(fixture);
  WAIT_FOR(fixture, has(client, &got, "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
  WAIT_FOR(fixture, has(client, &got, "\r\n\r\nshort"));
  assert_int_equal(fixture->ready, 0); /* each was with the kernel at once, and said so */
  stop(fixture);
}

static void a_stream_that_is_cut_has_no_last_chunk(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int client = served_say(&fixture->served, GET("/stream") GET("/short"));
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->stream);
  send_text(fixture, "one");
  http_stream_cut(TAKE_PTR(fixture->stream));
  WAIT_FOR(fixture, !client_receive(client, &got, SIZE_MAX));
  assert_non_null(strstr(got.data, "\r\n\r\n3\r\none\r\n"));
  assert_null(strstr(got.data, "\r\n0\r\n"));
  assert_null(strstr(got.data, "short")); /* nobody could tell where it begins */
  stop(fixture);
}

static void a_stream_that_is_cut_first_sends_what_is_under_way(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int client = served_say(&fixture->served, GET("/stream"));
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->stream);
  fill(fixture);
  http_stream_cut(TAKE_PTR(fixture->stream));
  WAIT_FOR(fixture, !client_receive(client, &got, SIZE_MAX));
  assert_true(got.size > SEND_BYTES);
  assert_memory_equal(got.data + got.size - 2, "\r\n", 2); /* the chunk is whole, and no other follows */
  assert_memory_not_equal(got.data + got.size - 5, "0\r\n\r\n", 5);
  stop(fixture);
}

static void a_client_of_http_1_0_is_closed_at_the_end(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int client = served_say(&fixture->served, "GET /stream HTTP/1.0\r\nHost: h\r\n\r\n");
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->stream);
  send_text(fixture, "one");
  send_text(fixture, "two");
  end(fixture);
  WAIT_FOR(fixture, !client_receive(client, &got, SIZE_MAX));
  assert_null(strstr(got.data, "chunked"));
  assert_non_null(strstr(got.data, "\r\n\r\nonetwo"));
  stop(fixture);
}

static void head_is_not_streamed_to(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int client = served_say(&fixture->served, "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, has(client, &got, "\r\n\r\n"));
  assert_int_equal(fixture->streams, 1);
  assert_null(fixture->stream);
  stop(fixture);
}

static void a_piece_that_is_not_taken_at_once_is_told_of_when_it_is(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int client = served_say(&fixture->served, GET("/stream"));
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->stream);
  fill(fixture);
  assert_false(http_stream_is_ready(fixture->stream));
  assert_int_equal(fixture->ready, 0);
  WAIT_FOR(fixture, (client_receive(client, &got, SIZE_MAX), fixture->ready == 1));
  assert_true(http_stream_is_ready(fixture->stream));
  fill(fixture);
  end(fixture); /* while a piece is under way */
  WAIT_FOR(fixture, has(client, &got, "\r\n0\r\n\r\n"));
  assert_int_equal(fixture->ready, 1);
  assert_int_equal(fixture->gone, 0);
  stop(fixture);
}

static void a_client_that_takes_nothing_is_dropped(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.write_ms_max = 50});
  CLEANUP_FD int client = served_say(&fixture->served, GET("/stream"));
  WAIT_FOR(fixture, fixture->stream);
  fill(fixture);
  WAIT_FOR(fixture, fixture->gone == 1);
  assert_int_equal(http_server_count(fixture->served.server).open, 0);
  stop(fixture);
}

static void a_stream_may_be_silent_for_long(void **state)
{
  (void)state;
  struct fixture *fixture = start(&(struct http_limits){.write_ms_max = 20, .idle_ms_max = 20});
  CLEANUP_FD int client = served_say(&fixture->served, GET("/stream"));
  CLEANUP_BUFFER struct buffer got = {0};
  WAIT_FOR(fixture, fixture->stream);
  for (struct mono until = mono_add_ms(mono_now(), 100); mono_now().us < until.us; poll(0, 0, 1))
    served_turn(&fixture->served);
  assert_int_equal(fixture->gone, 0);
  send_text(fixture, "still there");
  WAIT_FOR(fixture, has(client, &got, "still there"));
  stop(fixture);
}

static void a_client_that_leaves_is_noticed_in_silence_and_under_way(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  int client = served_say(&fixture->served, GET("/stream"));
  WAIT_FOR(fixture, fixture->stream);
  close(client);
  WAIT_FOR(fixture, fixture->gone == 1);
  client = served_say(&fixture->served, GET("/stream"));
  WAIT_FOR(fixture, fixture->stream);
  fill(fixture);
  close(client);
  WAIT_FOR(fixture, fixture->gone == 2);
  client = served_say(&fixture->served, GET("/stream"));
  WAIT_FOR(fixture, fixture->stream);
  shutdown(client, SHUT_WR); /* cannot be told from one that is gone */
  WAIT_FOR(fixture, fixture->gone == 3);
  close(client);
  stop(fixture);
}

static void destroying_the_server_tells_who_streams(void **state)
{
  (void)state;
  struct fixture *fixture = start(NULL);
  CLEANUP_FD int silent = served_say(&fixture->served, GET("/stream"));
  WAIT_FOR(fixture, fixture->streams == 1);
  CLEANUP_FD int busy = served_say(&fixture->served, GET("/stream"));
  WAIT_FOR(fixture, fixture->streams == 2);
  fill(fixture);
  stop(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(pieces_are_chunks_and_the_connection_is_kept),
    cmocka_unit_test(a_stream_that_is_cut_has_no_last_chunk),
    cmocka_unit_test(a_stream_that_is_cut_first_sends_what_is_under_way),
    cmocka_unit_test(a_client_of_http_1_0_is_closed_at_the_end),
    cmocka_unit_test(head_is_not_streamed_to),
    cmocka_unit_test(a_piece_that_is_not_taken_at_once_is_told_of_when_it_is),
    cmocka_unit_test(a_client_that_takes_nothing_is_dropped),
    cmocka_unit_test(a_stream_may_be_silent_for_long),
    cmocka_unit_test(a_client_that_leaves_is_noticed_in_silence_and_under_way),
    cmocka_unit_test(destroying_the_server_tells_who_streams),
  };
  return cmocka_run_group_tests_name("http/stream", tests, 0, 0);
}
