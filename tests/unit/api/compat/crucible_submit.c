#include "crucible_fixture.h"

#include "base/memory.h"
#include "wire/plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct http_request *submit(struct fixture *fixture, const char *body)
{
  return crucible_post(fixture, "/api/eval", body);
}

static const char *label_of(json_t *labels, const char *key)
{
  return json_string_value(json_object_get(labels, key));
}

static void every_field_means_something_in_a_submission(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(
    fixture, "{\"code\":\"print(1)\",\"language\":\"PYTHON\",\"engine\":\"docker\",\"timeout\":7,\"priority\":50,"
             "\"memory_limit\":\"64Mi\",\"cpu_limit\":\"500m\",\"executor_image\":\"python:3.11\",\"debug\":true,"
             "\"expect_failure\":true,\"of_another_version\":[1]}");
  const struct evaluation *evaluation = fixture->executor.submitted;
  assert_non_null(evaluation);
  assert_string_equal(evaluation->runtime, "python");
  assert_string_equal(evaluation->backend, "docker");
  assert_string_equal(evaluation->image, "python:3.11");
  assert_int_equal(evaluation->priority, 50);
  assert_int_equal(evaluation->limits.wall_time_ms, 7000);
  assert_int_equal(evaluation->limits.cpu_time_ms, 7000 * sysconf(_SC_NPROCESSORS_ONLN));
  assert_int_equal(evaluation->limits.memory_bytes, MIB(64));
  assert_null(evaluation->idempotency_key);

  CLEANUP_PLAN struct plan plan = {0};
  struct error error;
  assert_true(plan_decode(evaluation->plan->data, evaluation->plan->size, &plan, &error));
  assert_int_equal(plan.file_count, 1);
  assert_string_equal(plan.files[0].path, "main.py");
  assert_int_equal(plan.files[0].size, strlen("print(1)"));
  assert_memory_equal(plan.files[0].data, "print(1)", plan.files[0].size);
  assert_string_equal(plan.environment[0], "PYTHONUNBUFFERED=1");
  assert_string_equal(plan.image, "python:3.11");

  json_t *labels = json_loads(evaluation->labels, 0, NULL);
  assert_string_equal(label_of(labels, "crucible.preview"), "print(1)");
  assert_string_equal(label_of(labels, "crucible.cpu_limit"), "500m");
  assert_string_equal(label_of(labels, "assay/keep"), "program");
  assert_null(label_of(labels, "crucible.image"));
  json_decref(labels);
  crucible_accept(fixture, ID_OPEN);
  fake_request_destroy(request);
}

static void what_is_left_out_is_as_the_original_has_it(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request =
    submit(fixture, "{\"code\":\"1\",\"memory_limit\":null,\"cpu_limit\":null,\"executor_image\":null}");
  const struct evaluation *evaluation = fixture->executor.submitted;
  assert_int_equal(evaluation->limits.wall_time_ms, 30000);
  assert_int_equal(evaluation->limits.memory_bytes, MIB(512));
  assert_int_equal(evaluation->priority, 0);
  assert_string_equal(evaluation->backend, "docker"); /* which is what all its engines were */
  assert_string_equal(evaluation->image, "python:3");
  crucible_accept(fixture, ID_OPEN);
  fake_request_destroy(request);
}

static void it_is_answered_when_it_is_durable_and_not_before(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "{\"code\":\"1\"}");
  assert_int_equal(request->answers, 0);
  crucible_accept(fixture, ID_OPEN);
  expect_answer(request, 200,
                "{\"eval_id\":\"" ID_OPEN "\",\"status\":\"queued\",\"message\":\"Evaluation queued successfully\","
                "\"queue_position\":1}");
}

static void who_stands_before_it_in_the_queue_is_counted(void **state)
{
  struct fixture *fixture = *state;
  static const struct {
    const char *id;
    uint64_t sequence;
    int priority;
    enum state state;
  } others[] = {
    {"20261122_195800_00000010", 0, 0, STATE_QUEUED},   /* earlier: before it */
    {"20261122_195800_00000011", 9, 1, STATE_QUEUED},   /* later, but more urgent: before it */
    {"20261122_195800_00000012", 9, 0, STATE_QUEUED},   /* later */
    {"20261122_195800_00000013", 0, -1, STATE_QUEUED},  /* less urgent */
    {"20261122_195800_00000014", 0, 0, STATE_STARTING}, /* no longer waiting */
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    struct evaluation *other = fake_evaluation(others[i].id, others[i].sequence, others[i].state);
    other->priority = others[i].priority;
    fake_open(&fixture->executor, other);
  }
  struct http_request *request = submit(fixture, "{\"code\":\"1\",\"engine\":\"native\"}");
  crucible_accept(fixture, ID_OPEN);
  expect_member(request, 200, "\"queue_position\":3}");
}

struct number {
  const char *body;
  unsigned wall_time_ms;
  int priority;
};

static void numbers_are_taken_as_leniently_as_the_original_takes_them(void **state)
{
  struct fixture *fixture = *state;
  static const struct number cases[] = {
    {"{\"code\":\"1\",\"timeout\":\"45\",\"priority\":false}", 45000, 0},
    {"{\"code\":\"1\",\"timeout\":2.0,\"priority\":true}", 2000, 1},
    {"{\"code\":\"1\",\"timeout\":true,\"priority\":\"-7\"}", 1000, -7},
    {"{\"code\":\"1\",\"timeout\":300,\"priority\":2000}", 300000, 100},
    {"{\"code\":\"1\",\"timeout\":1,\"priority\":-9000000000000000000}", 1000, -100},
    {"{\"code\":\"1\",\"timeout\":30,\"timeout\":5}", 5000, 0},
    {"{\"code\":\"1\",\"debug\":0,\"expect_failure\":1}", 30000, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_request *request = submit(fixture, cases[i].body);
    assert_non_null(fixture->executor.submitted);
    assert_int_equal(fixture->executor.submitted->limits.wall_time_ms, cases[i].wall_time_ms);
    assert_int_equal(fixture->executor.submitted->priority, cases[i].priority);
    crucible_accept(fixture, ID_OPEN);
    fake_forget(&fixture->executor, ID_OPEN);
    fake_request_destroy(request);
  }
}

struct wrong {
  const char *body, *detail;
};

#define CODE_FAULT(type, message) "[{\"type\":\"" type "\",\"loc\":[\"body\",\"code\"],\"msg\":\"" message "\"}]"
#define FAULT(field, type, message) "[{\"type\":\"" type "\",\"loc\":[\"body\",\"" field "\"],\"msg\":\"" message "\"}]"

static void what_is_wrong_is_said_as_fastapi_says_it(void **state)
{
  struct fixture *fixture = *state;
  static const struct wrong cases[] = {
    {"{}", CODE_FAULT("missing", "Field required")},
    {"{\"code\":null}", CODE_FAULT("string_type", "Input should be a valid string")},
    {"{\"code\":5}", CODE_FAULT("string_type", "Input should be a valid string")},
    {"{\"code\":\"\"}", CODE_FAULT("value_error", "Value error, Code cannot be empty")},
    {"{\"code\":\" \\n\\t\"}", CODE_FAULT("value_error", "Value error, Code cannot be empty")},
    {"{\"code\":\"1\",\"language\":\"go\"}",
     FAULT("language", "value_error", "Value error, Language 'go' is not supported. Supported languages: python")},
    {"{\"code\":\"1\",\"language\":\"python\\u0000\"}",
     FAULT("language", "value_error", "Value error, must not contain NUL")},
    {"{\"code\":\"1\",\"language\":7}", FAULT("language", "string_type", "Input should be a valid string")},
    {"{\"code\":\"1\",\"engine\":7}", FAULT("engine", "string_type", "Input should be a valid string")},
    {"{\"code\":\"1\",\"timeout\":0}",
     FAULT("timeout", "greater_than_equal", "Input should be greater than or equal to 1")},
    {"{\"code\":\"1\",\"timeout\":-1}",
     FAULT("timeout", "greater_than_equal", "Input should be greater than or equal to 1")},
    {"{\"code\":\"1\",\"timeout\":301}",
     FAULT("timeout", "less_than_equal", "Input should be less than or equal to 300")},
    {"{\"code\":\"1\",\"timeout\":null}", FAULT("timeout", "int_type", "Input should be a valid integer")},
    {"{\"code\":\"1\",\"timeout\":[]}", FAULT("timeout", "int_type", "Input should be a valid integer")},
    {"{\"code\":\"1\",\"timeout\":1.5}",
     FAULT("timeout", "int_from_float", "Input should be a valid integer, got a number with a fractional part")},
    {"{\"code\":\"1\",\"timeout\":1e300}",
     FAULT("timeout", "int_from_float", "Input should be a valid integer, got a number with a fractional part")},
    {"{\"code\":\"1\",\"timeout\":\"ten\"}",
     FAULT("timeout", "int_parsing", "Input should be a valid integer, unable to parse string as an integer")},
    {"{\"code\":\"1\",\"timeout\":\"\"}",
     FAULT("timeout", "int_parsing", "Input should be a valid integer, unable to parse string as an integer")},
    {"{\"code\":\"1\",\"priority\":{}}", FAULT("priority", "int_type", "Input should be a valid integer")},
    {"{\"code\":\"1\",\"memory_limit\":512}", FAULT("memory_limit", "string_type", "Input should be a valid string")},
    {"{\"code\":\"1\",\"memory_limit\":\"lots\"}",
     FAULT("memory_limit", "value_error", "Value error, 'lots' is not a quantity such as 512Mi")},
    {"{\"code\":\"1\",\"memory_limit\":\"1Ki\"}",
     FAULT("memory_limit", "value_error", "Value error, 1Ki is less than the least, 4Mi")},
    {"{\"code\":\"1\",\"cpu_limit\":\"half\"}",
     FAULT("cpu_limit", "value_error", "Value error, 'half' is not a quantity such as 500m")},
    {"{\"code\":\"1\",\"cpu_limit\":\"0\"}",
     FAULT("cpu_limit", "value_error", "Value error, '0' is not a quantity such as 500m")},
    {"{\"code\":\"1\",\"executor_image\":[]}",
     FAULT("executor_image", "string_type", "Input should be a valid string")},
    {"{\"code\":\"1\",\"debug\":\"maybe\"}", FAULT("debug", "bool_type", "Input should be a valid boolean")},
    {"{\"code\":\"1\",\"expect_failure\":2}", FAULT("expect_failure", "bool_type", "Input should be a valid boolean")},
    {"{\"code\":\"1\",\"timeout\":0,\"debug\":7}",
     "[{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"timeout\"],\"msg\":\"Input should be greater than or equal "
     "to 1\"},{\"type\":\"bool_type\",\"loc\":[\"body\",\"debug\"],\"msg\":\"Input should be a valid boolean\"}]"},
    {"[]", "[{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a valid dictionary or "
           "object to "
           "extract fields from\"}]"},
    {"{\"code\":", "[{\"type\":\"json_invalid\",\"loc\":[\"body\"],\"msg\":\"JSON decode error\"}]"},
    {NULL, "[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\"}]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CLEANUP_FREE char *expected = xasprintf("{\"detail\":%s}", cases[i].detail);
    expect_answer(submit(fixture, cases[i].body), 422, expected);
    assert_null(fixture->executor.submitted);
  }
}

/* In the words of /v1, which knows what images there are. */
static void an_image_that_is_not_allowed_is_a_fault_of_its_field(void **state)
{
  struct fixture *fixture = *state;
  static const char *const bodies[] = {
    "{\"code\":\"1\",\"executor_image\":\"not a name\"}",
    "{\"code\":\"1\",\"executor_image\":\"debian:12\"}",
  };
  for (int i = 0; i < 2; i++)
    expect_member(submit(fixture, bodies[i]), 422,
                  "[{\"type\":\"value_error\",\"loc\":[\"body\",\"executor_image\"],\"msg\":\"Value error, ");
  assert_null(fixture->executor.submitted);
}

static void a_body_that_is_not_said_to_be_json_is_not(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fake_request("POST", "/api/eval");
  fake_request_header(request, "Content-Type", "text/plain");
  fake_request_body(request, "{\"code\":\"1\"}");
  fixture_handle(fixture, request);
  expect_member(request, 422, "\"type\":\"model_attributes_type\"");
}

/* {"code":"xxx…"} with so many x */
static char *long_body(size_t code_bytes)
{
  struct buffer body = {0};
  buffer_puts(&body, "{\"code\":\"");
  for (size_t i = 0; i < code_bytes; i++)
    buffer_append(&body, "x", 1);
  buffer_puts(&body, "\"}");
  return buffer_take(&body, NULL);
}

static void a_mebibyte_of_program_is_taken_and_no_more(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FREE char *most = long_body(MIB(1)), *more = long_body(MIB(1) + 1), *much = long_body(MIB(2));
  struct http_request *request = submit(fixture, most);
  json_t *labels = json_loads(fixture->executor.submitted->labels, 0, NULL);
  assert_int_equal(strlen(label_of(labels, "crucible.preview")), 103);
  assert_string_equal(label_of(labels, "crucible.preview") + 100, "...");
  json_decref(labels);
  crucible_accept(fixture, ID_OPEN);
  fake_request_destroy(request);
  expect_answer(submit(fixture, more), 422,
                "{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"code\"],\"msg\":\"Value error, Code size "
                "exceeds maximum allowed size of 1048576 bytes\"}]}");
  expect_answer(submit(fixture, much), 413, "{\"detail\":\"Request entity too large\"}");
}

static void a_preview_ends_with_a_whole_character_and_before_a_nul(void **state)
{
  struct fixture *fixture = *state;
  static const char *const bodies[][2] = {
    {"{\"code\":\"a\\u0000b\"}", "a..."},
    {"{\"code\":\"\xc3\xa4\"}", "\xc3\xa4"},
  };
  for (int i = 0; i < 2; i++) {
    struct http_request *request = submit(fixture, bodies[i][0]);
    json_t *labels = json_loads(fixture->executor.submitted->labels, 0, NULL);
    assert_string_equal(label_of(labels, "crucible.preview"), bodies[i][1]);
    json_decref(labels);
    crucible_accept(fixture, ID_OPEN);
    fake_forget(&fixture->executor, ID_OPEN);
    fake_request_destroy(request);
  }
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, "{\"code\":\"");
  for (int i = 0; i < 90; i++)
    buffer_puts(&body, "\xf0\x9f\x98\x88");
  buffer_puts(&body, "\"}");
  struct http_request *request = submit(fixture, body.data);
  json_t *labels = json_loads(fixture->executor.submitted->labels, 0, NULL);
  assert_int_equal(strlen(label_of(labels, "crucible.preview")), 63 * 4 + 3); /* 255 bytes are what a label holds */
  json_decref(labels);
  crucible_accept(fixture, ID_OPEN);
  fake_request_destroy(request);
}

static void what_this_host_can_never_give_is_refused(void **state)
{
  struct fixture *fixture = *state;
  unsigned long long host_mb =
    (unsigned long long)sysconf(_SC_PHYS_PAGES) * (unsigned long long)sysconf(_SC_PAGESIZE) >> 20;
  CLEANUP_FREE char *memory =
    xasprintf("{\"detail\":\"Requested memory (500Ti) exceeds total cluster limit (%lluMB)\"}", host_mb);
  CLEANUP_FREE char *processors = xasprintf("{\"detail\":\"Requested CPU (5000) exceeds total cluster limit (%ldm)\"}",
                                            1000 * sysconf(_SC_NPROCESSORS_ONLN));
  expect_answer(submit(fixture, "{\"code\":\"1\",\"memory_limit\":\"500Ti\"}"), 400, memory);
  expect_answer(submit(fixture, "{\"code\":\"1\",\"cpu_limit\":\"5000\"}"), 400, processors);
}

struct engine {
  const char *engine, *backend, *image_label;
};

static void an_engine_is_a_backend_of_its_name_or_docker(void **state)
{
  struct fixture *fixture = *state;
  static const struct engine cases[] = {{"docker", "docker", NULL},
                                        {"native", "native", "python:3.12"},
                                        {"gvisor", "docker", NULL},
                                        {"kubernetes", "docker", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CLEANUP_FREE char *body =
      xasprintf("{\"code\":\"1\",\"engine\":\"%s\",\"executor_image\":\"python:3.12\"}", cases[i].engine);
    struct http_request *request = submit(fixture, body);
    assert_string_equal(fixture->executor.submitted->backend, cases[i].backend);
    json_t *labels = json_loads(fixture->executor.submitted->labels, 0, NULL);
    const char *image = label_of(labels, "crucible.image");
    assert_true(!image == !cases[i].image_label && (!image || !strcmp(image, cases[i].image_label)));
    json_decref(labels);
    crucible_accept(fixture, ID_OPEN);
    fake_forget(&fixture->executor, ID_OPEN);
    fake_request_destroy(request);
  }
}

static void full_and_not_ready_and_not_stored_are_503(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "{\"code\":\"1\"}");
  crucible_refuse(fixture, STORE_FAILED, NULL);
  assert_string_equal(fake_answer_field(request, "Retry-After"), "1");
  expect_answer(request, 503, "{\"detail\":\"the submission could not be stored, and was not accepted\"}");

  fixture->executor.refuses = true;
  fixture->executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .message = "the queue is full"};
  request = submit(fixture, "{\"code\":\"1\"}");
  assert_string_equal(fake_answer_field(request, "Retry-After"), "1");
  expect_answer(request, 503, "{\"detail\":\"the queue is full\"}");

  fixture->not_ready = "the disk is nearly full";
  fixture->not_ready_kind = ERROR_NO_SPACE;
  expect_answer(submit(fixture, "{\"code\":\"1\"}"), 503, "{\"detail\":\"the disk is nearly full\"}");
  expect_answer(crucible_post(fixture, "/api/eval-batch", "{\"evaluations\":[]}"), 503,
                "{\"detail\":\"the disk is nearly full\"}");
}

/* Batches */

static struct http_request *submit_batch(struct fixture *fixture, const char *body)
{
  return crucible_post(fixture, "/api/eval-batch", body);
}

/* The store has the one that was handed in as number `which`. */
static void accept_number(struct fixture *fixture, size_t which, const char *id, enum store_result result)
{
  struct executor *executor = &fixture->executor;
  bool last = which == executor->earlier_count;
  struct evaluation **place = last ? &executor->submitted : &executor->earlier[which].evaluation;
  struct evaluation *evaluation = TAKE_PTR(*place);
  void *token = last ? executor->token : executor->earlier[which].token;
  strcpy(evaluation->id, id);
  evaluation->state = STATE_QUEUED;
  api_accepted(fixture->api, result == STORE_DONE ? evaluation : NULL, token, result, NULL);
  evaluation_destroy(evaluation);
}

#define ITEM(id)                                                                                                       \
  "{\"eval_id\":\"" id                                                                                                 \
  "\",\"status\":\"submitted\",\"message\":\"Evaluation accepted for processing\",\"queue_position\":null}"

static void a_batch_is_answered_when_all_of_it_is_durable(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.takes_at_once = 10;
  struct http_request *request =
    submit_batch(fixture, "{\"evaluations\":[{\"code\":\"1\",\"priority\":false},{\"code\":\"2\",\"timeout\":9}]}");
  assert_int_equal(fixture->executor.earlier_count, 1);
  assert_int_equal(fixture->executor.submitted->limits.wall_time_ms, 9000);
  accept_number(fixture, 1, "20261122_195800_00000022", STORE_DONE); /* in whatever order the store has them */
  assert_int_equal(request->answers, 0);
  accept_number(fixture, 0, "20261122_195800_00000011", STORE_DONE);
  expect_answer(request, 202,
                "{\"evaluations\":[" ITEM("20261122_195800_00000011") "," ITEM(
                  "20261122_195800_00000022") "],\"total\":2,"
                                              "\"queued\":2,\"failed\":0}");
}

static void what_of_a_batch_was_not_accepted_is_said(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.takes_at_once = 2;
  fixture->executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .message = "the queue is full"};
  struct http_request *request =
    submit_batch(fixture, "{\"evaluations\":[{\"code\":\"1\"},{\"code\":\"2\"},{\"code\":\"3\"}]}");
  accept_number(fixture, 0, "20261122_195800_00000011", STORE_DONE);
  accept_number(fixture, 1, "20261122_195800_00000022", STORE_FAILED);
  expect_answer(
    request, 202,
    "{\"evaluations\":[" ITEM(
      "20261122_195800_00000011") ",{\"eval_id\":null,\"status\":\"failed\",\"message\":\"the submission could not be "
                                  "stored, and was not "
                                  "accepted\",\"queue_position\":null},{\"eval_id\":null,\"status\":\"failed\","
                                  "\"message\":\"the queue is "
                                  "full\",\"queue_position\":null}],\"total\":3,\"queued\":1,\"failed\":2}");
}

static void a_batch_of_which_nothing_is_accepted_is_503(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.refuses = true;
  fixture->executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .message = "the queue is full"};
  struct http_request *request = submit_batch(fixture, "{\"evaluations\":[{\"code\":\"1\"},{\"code\":\"2\"}]}");
  assert_string_equal(fake_answer_field(request, "Retry-After"), "1");
  expect_answer(request, 503, "{\"detail\":\"the queue is full\"}");
}

static void an_empty_batch_is_one(void **state)
{
  expect_answer(submit_batch(*state, "{\"evaluations\":[]}"), 202,
                "{\"evaluations\":[],\"total\":0,\"queued\":0,\"failed\":0}");
}

static void nothing_of_a_batch_is_run_when_one_is_wrong(void **state)
{
  struct fixture *fixture = *state;
  expect_answer(
    submit_batch(fixture, "{\"evaluations\":[{\"code\":\"1\"},{\"code\":\"1\",\"timeout\":0},7]}"), 422,
    "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"evaluations\",1,\"timeout\"],\"msg\":"
    "\"Input should be greater than or equal to 1\"},{\"type\":\"model_attributes_type\",\"loc\":[\"body\","
    "\"evaluations\",2],\"msg\":\"Input should be a valid dictionary or object to extract fields from\"}]}");
  expect_member(
    submit_batch(fixture, "{\"evaluations\":[{\"code\":\"1\"},{\"code\":\"1\",\"executor_image\":\"x:y:z\"}]}"), 422,
    "\"loc\":[\"body\",\"evaluations\",1,\"executor_image\"]");
  expect_member(submit_batch(fixture, "{\"evaluations\":[{\"code\":\"1\"},{\"code\":\"1\",\"cpu_limit\":\"5000\"}]}"),
                400, "exceeds total cluster limit");
  assert_null(fixture->executor.submitted);
}

static void a_batch_has_at_most_a_hundred(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, "{\"evaluations\":[{\"code\":\"1\"}");
  for (int i = 0; i < 100; i++)
    buffer_puts(&body, ",{\"code\":\"1\"}");
  buffer_puts(&body, "]}");
  expect_answer(submit_batch(fixture, body.data), 400, "{\"detail\":\"Batch size 101 exceeds maximum of 100\"}");
  expect_answer(submit_batch(fixture, "{}"), 422, "{\"detail\":" FAULT("evaluations", "missing", "Field required") "}");
  expect_answer(submit_batch(fixture, "{\"evaluations\":{}}"), 422,
                "{\"detail\":" FAULT("evaluations", "list_type", "Input should be a valid list") "}");
}

static int turned_off(void **state)
{
  return fixture_set_up(state);
}

static void it_can_be_turned_off(void **state)
{
  struct fixture *fixture = *state;
  expect_member(submit(fixture, "{\"code\":\"1\"}"), 404, "there is nothing here");
  expect_member(fixture_ask(fixture, "GET", "/health"), 404, "there is nothing here");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    crucible_test(every_field_means_something_in_a_submission),
    crucible_test(what_is_left_out_is_as_the_original_has_it),
    crucible_test(it_is_answered_when_it_is_durable_and_not_before),
    crucible_test(who_stands_before_it_in_the_queue_is_counted),
    crucible_test(numbers_are_taken_as_leniently_as_the_original_takes_them),
    crucible_test(what_is_wrong_is_said_as_fastapi_says_it),
    crucible_test(an_image_that_is_not_allowed_is_a_fault_of_its_field),
    crucible_test(a_body_that_is_not_said_to_be_json_is_not),
    crucible_test(a_mebibyte_of_program_is_taken_and_no_more),
    crucible_test(a_preview_ends_with_a_whole_character_and_before_a_nul),
    crucible_test(what_this_host_can_never_give_is_refused),
    crucible_test(an_engine_is_a_backend_of_its_name_or_docker),
    crucible_test(full_and_not_ready_and_not_stored_are_503),
    crucible_test(a_batch_is_answered_when_all_of_it_is_durable),
    crucible_test(what_of_a_batch_was_not_accepted_is_said),
    crucible_test(a_batch_of_which_nothing_is_accepted_is_503),
    crucible_test(an_empty_batch_is_one),
    crucible_test(nothing_of_a_batch_is_run_when_one_is_wrong),
    crucible_test(a_batch_has_at_most_a_hundred),
    cmocka_unit_test_setup_teardown(it_can_be_turned_off, turned_off, fixture_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
