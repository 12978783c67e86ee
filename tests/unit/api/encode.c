#include "api/encode.h"

#include "base/memory.h"
#include "testing.h"
#include "wire/isolation.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL_FEATURES = (1 << ISOLATION_FEATURE_COUNT) - 1 };

static struct evaluation *make(enum state state)
{
  struct evaluation *evaluation = evaluation_create();
  snprintf(evaluation->id, sizeof evaluation->id, "20261122_195800_0123abcd");
  snprintf(evaluation->backend, sizeof evaluation->backend, "native");
  snprintf(evaluation->runtime, sizeof evaluation->runtime, "python");
  evaluation->state = state;
  evaluation->labels = xstrdup("{\"run\":\"42\"}");
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  return evaluation;
}

static void put_stream(struct evaluation *evaluation, enum stream stream, const void *data, size_t size)
{
  if (!evaluation->outputs)
    evaluation->outputs = outputs_create();
  struct stream_output *output = &evaluation->outputs->stream[stream];
  output->data = blob_create(data, size);
  output->bytes = output->head_bytes = size;
}

static struct evaluation *make_failed(void)
{
  struct evaluation *evaluation = make(STATE_FINISHED);
  evaluation->entered_at[STATE_STARTING].ms = 1001;
  evaluation->entered_at[STATE_RUNNING].ms = 1005;
  evaluation->entered_at[STATE_SEALING].ms = 1020;
  evaluation->entered_at[STATE_FINISHED].ms = 1021;
  evaluation->started_at.ms = 1004;
  evaluation->verdict = (struct verdict){.kind = VERDICT_FAILED, .exit_code = 1, .reason = "exited with code 1"};
  evaluation->usage = (struct usage){12999, 11000, 9437184, 1};
  evaluation->isolation = ALL_FEATURES;
  put_stream(evaluation, STREAM_STDERR, "Traceback\n", 10);
  return evaluation;
}

static char *encode_with(struct evaluation *evaluation, struct encode_options options)
{
  CLEANUP_BUFFER struct buffer out = {0};
  struct json_writer json = {.out = &out};
  encode_evaluation(&json, evaluation, &options);
  evaluation_destroy(evaluation);
  return buffer_take(&out, NULL);
}

static char *encode(struct evaluation *evaluation)
{
  return encode_with(evaluation, (struct encode_options){0});
}

#define LIMITS_TEXT                                                                                                    \
  "\"limits\":{\"wall_time_ms\":30000,\"cpu_time_ms\":30000,\"memory_bytes\":536870912,\"processes\":64,"              \
  "\"output_bytes\":1048576,\"disk_bytes\":104857600,\"file_bytes\":104857600},"

static void a_finished_one_is_as_the_design_shows(void **state)
{
  (void)state;
  CLEANUP_FREE char *text = encode(make_failed());
  assert_string_equal(
    text, "{\"id\":\"20261122_195800_0123abcd\",\"status\":\"failed\",\"created_at\":\"1970-01-01T00:00:01.000Z\","
          "\"started_at\":\"1970-01-01T00:00:01.004Z\",\"finished_at\":\"1970-01-01T00:00:01.021Z\","
          "\"verdict\":{\"kind\":\"failed\",\"exit_code\":1,\"signal\":null,\"reason\":\"exited with code 1\","
          "\"fault\":\"program\",\"retryable\":false,\"limit\":null},"
          "\"stdout\":{\"text\":\"\",\"encoding\":\"utf8\",\"bytes\":0,\"omitted_bytes\":0,\"truncated\":false,"
          "\"lossy\":false},"
          "\"stderr\":{\"text\":\"Traceback\\n\",\"encoding\":\"utf8\",\"bytes\":10,\"omitted_bytes\":0,"
          "\"truncated\":false,\"lossy\":false},"
          "\"usage\":{\"wall_time_ms\":12,\"cpu_time_ms\":11,\"memory_peak_bytes\":9437184,\"processes_peak\":1},"
          "\"backend\":\"native\",\"runtime\":\"python\",\"image\":null,\"token\":null,\"isolation\":\"full\","
          "\"isolation_gaps\":[],"
          "\"attempt\":1,\"max_attempts\":1,\"priority\":0," LIMITS_TEXT "\"batch\":null,\"labels\":{\"run\":\"42\"},"
          "\"timeline\":[{\"status\":\"queued\",\"at\":\"1970-01-01T00:00:01.000Z\"},"
          "{\"status\":\"starting\",\"at\":\"1970-01-01T00:00:01.001Z\"},"
          "{\"status\":\"running\",\"at\":\"1970-01-01T00:00:01.005Z\"},"
          "{\"status\":\"sealing\",\"at\":\"1970-01-01T00:00:01.020Z\"},"
          "{\"status\":\"failed\",\"at\":\"1970-01-01T00:00:01.021Z\"}]}");
}

static void an_open_one_has_no_verdict(void **state)
{
  (void)state;
  struct evaluation *evaluation = make(STATE_QUEUED);
  evaluation->runtime[0] = 0;
  CLEANUP_FREE char *text = encode(evaluation);
  assert_string_equal(
    text, "{\"id\":\"20261122_195800_0123abcd\",\"status\":\"queued\",\"created_at\":\"1970-01-01T00:00:01.000Z\","
          "\"started_at\":null,\"finished_at\":null,\"verdict\":null,\"backend\":\"native\",\"runtime\":null,"
          "\"image\":null,\"token\":null,\"isolation\":null,\"isolation_gaps\":[],\"attempt\":1,\"max_attempts\":1,"
          "\"priority\":"
          "0," LIMITS_TEXT "\"batch\":null,\"labels\":{\"run\":\"42\"},\"timeline\":[{\"status\":\"queued\",\"at\":"
          "\"1970-01-01T00:00:01.000Z\"}]}");
}

/* Reads one value out of what was written, which so is known to be JSON. */
static json_t *parse(char *text)
{
  json_error_t error;
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (!root)
    fail_msg("%s: %s", error.text, text);
  free(text);
  return root;
}

static void a_verdict_that_is_not_durable_is_not_told(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  evaluation->state = STATE_SEALING;
  evaluation->entered_at[STATE_FINISHED].ms = 0;
  json_t *root = parse(encode(evaluation));
  assert_string_equal(json_string_value(json_object_get(root, "status")), "sealing");
  assert_true(json_is_null(json_object_get(root, "verdict")));
  assert_null(json_object_get(root, "stderr"));
  assert_null(json_object_get(root, "usage"));
  json_decref(root);
}

static void signal_and_limit_have_names(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  evaluation->verdict = (struct verdict){.kind = VERDICT_OUT_OF_MEMORY,
                                         .exit_code = -1,
                                         .signal = 9,
                                         .limit = LIMIT_MEMORY,
                                         .limit_value = 100,
                                         .limit_measured = 101};
  evaluation->usage.memory_peak_bytes = evaluation->usage.processes_peak = 0;
  json_t *root = parse(encode(evaluation));
  json_t *verdict = json_object_get(root, "verdict"), *limit = json_object_get(verdict, "limit");
  assert_string_equal(json_string_value(json_object_get(verdict, "signal")), "SIGKILL");
  assert_true(json_is_null(json_object_get(verdict, "exit_code")));
  assert_string_equal(json_string_value(json_object_get(limit, "name")), "memory_bytes");
  assert_int_equal(json_integer_value(json_object_get(limit, "value")), 100);
  assert_int_equal(json_integer_value(json_object_get(limit, "measured")), 101);
  assert_true(json_is_null(json_object_get(json_object_get(root, "usage"), "memory_peak_bytes")));
  assert_true(json_is_null(json_object_get(json_object_get(root, "usage"), "processes_peak")));
  json_decref(root);
}

static void what_could_not_be_measured_is_null(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  evaluation->verdict.limit = LIMIT_FILE;
  evaluation->verdict.limit_value = 1000;
  json_t *root = parse(encode(evaluation));
  const json_t *limit = json_object_get(json_object_get(root, "verdict"), "limit");
  assert_int_equal(json_integer_value(json_object_get(limit, "value")), 1000);
  assert_true(json_is_null(json_object_get(limit, "measured")));
  json_decref(root);
}

static void the_gaps_are_what_full_isolation_lacks(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  evaluation->isolation = ALL_FEATURES & ~(ISOLATION_MEMORY | ISOLATION_LANDLOCK);
  json_t *root = parse(encode(evaluation));
  const json_t *gaps = json_object_get(root, "isolation_gaps");
  assert_string_equal(json_string_value(json_object_get(root, "isolation")), "partial");
  assert_int_equal(json_array_size(gaps), 1);
  assert_string_equal(json_string_value(json_array_get(gaps, 0)), isolation_feature_missing(ISOLATION_INDEX_MEMORY));
  json_decref(root);
}

static void bytes_that_are_no_text_are_said_to_be_lost(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  put_stream(evaluation, STREAM_STDOUT, "a\0\xff", 3);
  json_t *root = parse(encode(evaluation));
  const json_t *output = json_object_get(root, "stdout");
  assert_int_equal(json_string_length(json_object_get(output, "text")), 5);
  assert_memory_equal(json_string_value(json_object_get(output, "text")), "a\0\xef\xbf\xbd", 5);
  assert_true(json_is_true(json_object_get(output, "lossy")));
  json_decref(root);
}

static void base64_loses_nothing(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  put_stream(evaluation, STREAM_STDOUT, "a\0\xff", 3);
  json_t *root = parse(encode_with(evaluation, (struct encode_options){.base64 = true}));
  const json_t *output = json_object_get(root, "stdout");
  assert_string_equal(json_string_value(json_object_get(output, "text")), "YQD/");
  assert_string_equal(json_string_value(json_object_get(output, "encoding")), "base64");
  assert_true(json_is_false(json_object_get(output, "lossy")));
  assert_string_equal(json_string_value(json_object_get(json_object_get(root, "stderr"), "text")), "VHJhY2ViYWNrCg==");
  json_decref(root);
}

/* What was kept is c3 | a9: read in one go it would be an é that the program never wrote. */
static void head_and_tail_are_told_apart(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  put_stream(evaluation, STREAM_STDOUT, "\xc3\xa9", 2);
  evaluation->outputs->stream[STREAM_STDOUT].bytes = 1002;
  evaluation->outputs->stream[STREAM_STDOUT].omitted_bytes = 1000;
  evaluation->outputs->stream[STREAM_STDOUT].head_bytes = 1;
  json_t *root = parse(encode(evaluation));
  const json_t *output = json_object_get(root, "stdout");
  assert_string_equal(json_string_value(json_object_get(output, "text")), "\xef\xbf\xbd\xef\xbf\xbd");
  assert_int_equal(json_integer_value(json_object_get(output, "bytes")), 1002);
  assert_int_equal(json_integer_value(json_object_get(output, "omitted_bytes")), 1000);
  assert_int_equal(json_integer_value(json_object_get(output, "head_bytes")), 1);
  assert_true(json_is_true(json_object_get(output, "truncated")));
  json_decref(root);
}

static void what_a_compiler_said_is_there_when_it_said_something(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  put_stream(evaluation, STREAM_COMPILE, "warning", 7);
  json_t *root = parse(encode(evaluation));
  assert_string_equal(json_string_value(json_object_get(json_object_get(root, "compile"), "text")), "warning");
  json_decref(root);
  root = parse(encode(make_failed()));
  assert_null(json_object_get(root, "compile"));
  json_decref(root);
}

static void assert_elsewhere(const json_t *output)
{
  assert_true(json_is_null(json_object_get(output, "text")));
  assert_true(json_is_false(json_object_get(output, "inline")));
  assert_string_equal(json_string_value(json_object_get(output, "url")),
                      "/v1/evaluations/20261122_195800_0123abcd/stdout");
}

static void a_stream_too_large_for_json_is_a_link(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  put_stream(evaluation, STREAM_STDOUT, NULL, OUTPUT_INLINE_BYTES_MAX + 1);
  json_t *root = parse(encode(evaluation));
  assert_elsewhere(json_object_get(root, "stdout"));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "stdout"), "bytes")),
                   OUTPUT_INLINE_BYTES_MAX + 1);
  json_decref(root);
}

static void a_stream_that_is_not_in_memory_is_a_link(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  evaluation->outputs->stream[STREAM_STDOUT].bytes = 5;
  json_t *root = parse(encode(evaluation));
  assert_elsewhere(json_object_get(root, "stdout"));
  json_decref(root);
}

static void a_summary_has_links_only(void **state)
{
  (void)state;
  struct evaluation *evaluation = make_failed();
  put_stream(evaluation, STREAM_STDOUT, "abc", 3);
  json_t *root = parse(encode_with(evaluation, (struct encode_options){.summary = true}));
  assert_elsewhere(json_object_get(root, "stdout"));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "stdout"), "bytes")), 3);
  json_decref(root);
}

/* Waiting for its second attempt: what it was in before is older than that, and stands before it. */
static void the_timeline_is_in_order_of_time(void **state)
{
  (void)state;
  struct evaluation *evaluation = make(STATE_STARTING);
  evaluation->attempt = 2;
  evaluation->entered_at[STATE_STARTING].ms = 5000;
  evaluation->entered_at[STATE_RUNNING].ms = 2000;
  evaluation->entered_at[STATE_SEALING].ms = 3000;
  json_t *root = parse(encode(evaluation));
  static const char *const expected[] = {"queued", "running", "sealing", "starting"};
  const json_t *timeline = json_object_get(root, "timeline");
  assert_int_equal(json_array_size(timeline), 4);
  for (size_t i = 0; i < 4; i++)
    assert_string_equal(json_string_value(json_object_get(json_array_get(timeline, i), "status")), expected[i]);
  json_decref(root);
}

static void what_is_being_fetched_stands_in_the_timeline(void **state)
{
  (void)state;
  struct evaluation *evaluation = make(STATE_PREPARING);
  evaluation->image = xstrdup("python:3.12");
  strcpy(evaluation->progress, "pulling python:3.12: 3 of 7 layers");
  evaluation->entered_at[STATE_STARTING].ms = evaluation->entered_at[STATE_PREPARING].ms =
    5000; /* within a millisecond */
  json_t *root = parse(encode(evaluation));
  const json_t *timeline = json_object_get(root, "timeline"), *last = json_array_get(timeline, 2);
  assert_string_equal(json_string_value(json_object_get(root, "status")), "preparing");
  assert_string_equal(json_string_value(json_object_get(root, "image")), "python:3.12");
  assert_int_equal(json_array_size(timeline), 3);
  assert_string_equal(json_string_value(json_object_get(last, "status")), "preparing");
  assert_string_equal(json_string_value(json_object_get(last, "detail")), "pulling python:3.12: 3 of 7 layers");
  assert_null(json_object_get(json_array_get(timeline, 0), "detail"));
  json_decref(root);

  evaluation = make(STATE_PREPARING);
  evaluation->entered_at[STATE_PREPARING].ms = 5000;
  root = parse(encode(evaluation));
  last = json_array_get(json_object_get(root, "timeline"), json_array_size(json_object_get(root, "timeline")) - 1);
  assert_true(json_is_null(json_object_get(last, "detail")));
  json_decref(root);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_finished_one_is_as_the_design_shows),
    cmocka_unit_test(an_open_one_has_no_verdict),
    cmocka_unit_test(what_is_being_fetched_stands_in_the_timeline),
    cmocka_unit_test(a_verdict_that_is_not_durable_is_not_told),
    cmocka_unit_test(signal_and_limit_have_names),
    cmocka_unit_test(what_could_not_be_measured_is_null),
    cmocka_unit_test(the_gaps_are_what_full_isolation_lacks),
    cmocka_unit_test(bytes_that_are_no_text_are_said_to_be_lost),
    cmocka_unit_test(base64_loses_nothing),
    cmocka_unit_test(head_and_tail_are_told_apart),
    cmocka_unit_test(what_a_compiler_said_is_there_when_it_said_something),
    cmocka_unit_test(a_stream_too_large_for_json_is_a_link),
    cmocka_unit_test(a_stream_that_is_not_in_memory_is_a_link),
    cmocka_unit_test(a_summary_has_links_only),
    cmocka_unit_test(the_timeline_is_in_order_of_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
