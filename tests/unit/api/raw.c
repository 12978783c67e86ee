#include "fixture.h"

#include "base/fd.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URL "/v1/evaluations/" ID_FINISHED

static char file_path[] = "/tmp/assay-test-raw-XXXXXX";

static void put(struct evaluation *evaluation, enum stream stream, const char *text)
{
  struct stream_output *output = &evaluation->outputs->stream[stream];
  output->data = blob_create(text, strlen(text));
  output->bytes = output->head_bytes = strlen(text);
}

static struct evaluation *with_both(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  put(evaluation, STREAM_STDOUT, "outlast");
  put(evaluation, STREAM_STDERR, "err");
  static const unsigned char order[] = {0, 3, 0, 0, 0, 1, 3, 0, 0, 0, 0, 4, 0, 0, 0};
  evaluation->outputs->order = blob_create(order, sizeof order);
  return evaluation;
}

static struct evaluation *with_a_gap(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  put(evaluation, STREAM_STDOUT, "headtail");
  evaluation->outputs->stream[STREAM_STDOUT].bytes = 108;
  evaluation->outputs->stream[STREAM_STDOUT].omitted_bytes = 100;
  evaluation->outputs->stream[STREAM_STDOUT].head_bytes = 4;
  evaluation->order_cut = true;
  return evaluation;
}

static struct evaluation *with_a_file(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  evaluation->outputs->stream[STREAM_STDERR].path = xstrdup(file_path);
  evaluation->outputs->stream[STREAM_STDERR].bytes = evaluation->outputs->stream[STREAM_STDERR].head_bytes = 10;
  return evaluation;
}

static struct evaluation *with_a_lost_file(void)
{
  struct evaluation *evaluation = with_a_file();
  free(evaluation->outputs->stream[STREAM_STDERR].path);
  evaluation->outputs->stream[STREAM_STDERR].path = xstrdup("/no/such/file");
  put(evaluation, STREAM_STDOUT, "x");
  return evaluation;
}

static struct evaluation *with_too_much(void)
{
  struct evaluation *evaluation = with_a_file();
  evaluation->outputs->stream[STREAM_STDERR].bytes = MIB(9);
  put(evaluation, STREAM_STDOUT, "x");
  return evaluation;
}

static struct http_request *get(struct fixture *fixture, struct evaluation *(*make)(void), const char *target,
                                const char *range, const char *if_range)
{
  fixture->store.make[0] = make;
  fixture->store.count = 1;
  struct http_request *request = fake_request("GET", target);
  if (range)
    fake_request_header(request, "Range", range);
  if (if_range)
    fake_request_header(request, "If-Range", if_range);
  fixture_handle(fixture, request);
  fake_store_dispatch(&fixture->store);
  return request;
}

static void assert_body(struct http_request *request, int status, const char *body)
{
  assert_int_equal(request->status, status);
  assert_int_equal(request->answer.size, strlen(body));
  assert_memory_equal(request->answer.data ? request->answer.data : "", body, strlen(body));
}

static void a_stream_is_its_bytes(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_both, URL "/stdout", NULL, NULL);
  assert_body(request, 200, "outlast");
  assert_string_equal(request->content_type, "application/octet-stream");
  assert_string_equal(fake_answer_field(request, "Accept-Ranges"), "bytes");
  assert_string_equal(fake_answer_field(request, "ETag"), "\"" ID_FINISHED ".stdout\"");
  assert_string_equal(fake_answer_field(request, "Assay-Bytes"), "7");
  assert_string_equal(fake_answer_field(request, "Assay-Omitted-Bytes"), "0");
  assert_null(fake_answer_field(request, "Assay-Head-Bytes"));
  fake_request_destroy(request);
}

static void a_stream_that_is_empty_is_no_error(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_both, URL "/compile", NULL, NULL);
  assert_body(request, 200, "");
  fake_request_destroy(request);
}

static void both_come_in_the_order_written(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_both, URL "/output", NULL, NULL);
  assert_body(request, 200, "outerrlast");
  assert_string_equal(fake_answer_field(request, "Assay-Bytes"), "10");
  assert_string_equal(fake_answer_field(request, "Assay-Order"), "complete");
  fake_request_destroy(request);
}

static void a_gap_is_told_in_the_head(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_a_gap, URL "/stdout", NULL, NULL);
  assert_body(request, 200, "headtail");
  assert_string_equal(fake_answer_field(request, "Assay-Bytes"), "108");
  assert_string_equal(fake_answer_field(request, "Assay-Omitted-Bytes"), "100");
  assert_string_equal(fake_answer_field(request, "Assay-Head-Bytes"), "4");
  fake_request_destroy(request);
  request = get(fixture, with_a_gap, URL "/output", NULL, NULL);
  assert_body(request, 200, "headtail");
  assert_string_equal(fake_answer_field(request, "Assay-Order"), "cut");
  fake_request_destroy(request);
}

static void a_range_is_a_part(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_both, URL "/stdout", "bytes=3-4", NULL);
  assert_body(request, 206, "la");
  assert_string_equal(fake_answer_field(request, "Content-Range"), "bytes 3-4/7");
  fake_request_destroy(request);
  request = get(fixture, with_both, URL "/output", "bytes=-5", NULL);
  assert_body(request, 206, "rlast");
  assert_string_equal(fake_answer_field(request, "Content-Range"), "bytes 5-9/10");
  fake_request_destroy(request);
}

static void a_range_behind_the_end_is_refused(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_both, URL "/stdout", "bytes=7-", NULL);
  assert_int_equal(request->status, 416);
  assert_string_equal(fake_answer_field(request, "Content-Range"), "bytes */7");
  assert_string_equal(request->content_type, "application/problem+json");
  fake_request_destroy(request);
}

static void a_range_of_something_else_is_not_meant(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_both, URL "/stdout", "bytes=3-4", "\"" ID_FINISHED ".stdout\"");
  assert_body(request, 206, "la");
  fake_request_destroy(request);
  request = get(fixture, with_both, URL "/stdout", "bytes=3-4", "\"" ID_OPEN ".stdout\"");
  assert_body(request, 200, "outlast");
  fake_request_destroy(request);
}

static void a_file_is_sent_from_where_it_is(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_a_file, URL "/stderr", NULL, NULL);
  assert_body(request, 200, "0123456789");
  fake_request_destroy(request);
  request = get(fixture, with_a_file, URL "/output", "bytes=2-3", NULL); /* stdout is empty: nothing to merge */
  assert_body(request, 206, "23");
  fake_request_destroy(request);
}

static void a_file_that_is_gone_is_not_an_empty_output(void **state)
{
  struct fixture *fixture = *state;
  static const char *const targets[] = {URL "/stderr", URL "/output"};
  for (int i = 0; i < 2; i++) {
    struct http_request *request = get(fixture, with_a_lost_file, targets[i], NULL, NULL);
    assert_int_equal(request->status, 404);
    assert_true(fake_answer_contains(request, "no longer kept"));
    fake_request_destroy(request);
  }
}

static void too_much_to_put_together_is_said(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = get(fixture, with_too_much, URL "/output", NULL, NULL);
  assert_int_equal(request->status, 413);
  fake_request_destroy(request);
}

static void an_open_one_has_no_output_yet(void **state)
{
  struct fixture *fixture = *state;
  fake_open(&fixture->executor, fake_evaluation(ID_OPEN, 1, STATE_RUNNING));
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN "/stdout");
  assert_int_equal(request->status, 409);
  assert_true(fake_answer_contains(request, "still open (running)"));
  fake_request_destroy(request);
}

static void an_unknown_one_is_a_404(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_ask(fixture, "GET", "/v1/evaluations/" ID_UNKNOWN "/output");
  assert_int_equal(request->status, 404);
  fake_request_destroy(request);
}

static int make_file(void **state)
{
  (void)state;
  CLEANUP_FD int fd = mkstemp(file_path);
  return fd >= 0 && fd_write_all(fd, "0123456789", 10) ? 0 : -1;
}

static int remove_file(void **state)
{
  (void)state;
  return unlink(file_path);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(a_stream_is_its_bytes),
    fixture_test(a_stream_that_is_empty_is_no_error),
    fixture_test(both_come_in_the_order_written),
    fixture_test(a_gap_is_told_in_the_head),
    fixture_test(a_range_is_a_part),
    fixture_test(a_range_behind_the_end_is_refused),
    fixture_test(a_range_of_something_else_is_not_meant),
    fixture_test(a_file_is_sent_from_where_it_is),
    fixture_test(a_file_that_is_gone_is_not_an_empty_output),
    fixture_test(too_much_to_put_together_is_said),
    fixture_test(an_open_one_has_no_output_yet),
    fixture_test(an_unknown_one_is_a_404),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
