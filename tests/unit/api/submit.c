#include "fixture.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BODY "{\"command\":[\"true\"],\"labels\":{\"run\":\"42\"}}"

static struct http_request *submit(struct fixture *fixture, const char *target)
{
  struct http_request *request = fake_request("POST", target);
  fake_request_header(request, "Content-Type", "application/json");
  fake_request_body(request, BODY);
  fixture_handle(fixture, request);
  return request;
}

/* What the executor does once the store has answered: the submitted one becomes an open one. */
static struct evaluation *take_up(struct fixture *fixture)
{
  struct executor *executor = &fixture->executor;
  struct evaluation *evaluation = TAKE_PTR(executor->submitted);
  assert_non_null(evaluation);
  strcpy(evaluation->id, ID_OPEN);
  evaluation->sequence = 1;
  evaluation->state = STATE_QUEUED;
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  fake_open(executor, evaluation);
  api_accepted(fixture->api, evaluation, executor->token, STORE_DONE, NULL);
  return evaluation;
}

static void refuse(struct fixture *fixture, enum store_result result, const char *standing_id)
{
  evaluation_destroy(TAKE_PTR(fixture->executor.submitted));
  api_accepted(fixture->api, executor_find(&fixture->executor, standing_id ? standing_id : ""), fixture->executor.token,
               result, standing_id);
}

static void finish(struct fixture *fixture, struct evaluation *evaluation)
{
  evaluation->state = STATE_FINISHED;
  evaluation->entered_at[STATE_FINISHED].ms = 2000;
  evaluation->verdict.kind = VERDICT_COMPLETED;
  evaluation->verdict.exit_code = 0;
  if (!evaluation->outputs)
    evaluation->outputs = outputs_create();
  api_changed(fixture->api, evaluation);
}

static struct evaluation *in_the_store(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  evaluation->outputs->stream[STREAM_STDOUT].data = blob_create("stored", 6);
  evaluation->outputs->stream[STREAM_STDOUT].bytes = evaluation->outputs->stream[STREAM_STDOUT].head_bytes = 6;
  return evaluation;
}

static void it_is_answered_when_it_is_durable_and_not_before(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations");
  assert_int_equal(request->answers, 0);
  assert_int_equal(request->body.size, 0); /* it is not kept while the client waits */
  take_up(fixture);
  assert_int_equal(request->status, 202);
  assert_string_equal(fake_answer_field(request, "Location"), "/v1/evaluations/" ID_OPEN);
  assert_true(fake_answer_contains(request, "\"status\":\"queued\""));
  assert_true(fake_answer_contains(request, "\"labels\":{\"run\":\"42\"}"));
  assert_null(fake_answer_field(request, "Idempotency-Replayed"));
  fake_request_destroy(request);
}

static void who_waits_is_answered_with_the_verdict(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations?wait=60");
  struct evaluation *evaluation = take_up(fixture);
  assert_int_equal(request->answers, 0);
  evaluation->state = STATE_RUNNING;
  api_changed(fixture->api, evaluation);
  assert_int_equal(request->answers, 0);
  finish(fixture, evaluation);
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "\"status\":\"completed\""));
  assert_string_equal(fake_answer_field(request, "Location"), "/v1/evaluations/" ID_OPEN);
  fake_request_destroy(request);
}

static void a_wait_that_runs_out_ends_with_the_state_as_it_is(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations?wait=1");
  take_up(fixture)->state = STATE_RUNNING;
  fixture_run_ms(fixture, 1500);
  assert_int_equal(request->status, 202);
  assert_true(fake_answer_contains(request, "\"status\":\"running\""));
  fake_request_destroy(request);
}

static void a_preference_to_wait_is_heard(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fake_request("POST", "/v1/evaluations");
  fake_request_header(request, "Prefer", "wait=60");
  fake_request_body(request, BODY);
  fixture_handle(fixture, request);
  finish(fixture, take_up(fixture));
  assert_int_equal(request->status, 200);
  fake_request_destroy(request);
}

static void what_another_verdict_beat_is_read_from_the_store(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[0] = in_the_store;
  fixture->store.count = 1;
  struct http_request *request = submit(fixture, "/v1/evaluations?wait=60");
  struct evaluation *evaluation = take_up(fixture);
  strcpy(evaluation->id, ID_OPEN);
  evaluation->state = STATE_FINISHED;
  evaluation->verdict.kind = VERDICT_NONE; /* the core's sign for that */
  api_changed(fixture->api, evaluation);
  assert_int_equal(request->answers, 0);
  assert_string_equal(fixture->store.calls[0].id, ID_OPEN);
  strcpy(fixture->store.calls[0].id, ID_FINISHED);
  fake_store_dispatch(&fixture->store);
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "stored"));
  fake_request_destroy(request);
}

static void an_output_in_a_file_is_read_from_where_the_store_put_it(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations?wait=60");
  struct evaluation *evaluation = take_up(fixture);
  evaluation->outputs = outputs_create();
  evaluation->outputs->stream[STREAM_STDERR].path = xstrdup("/moved/away");
  evaluation->outputs->stream[STREAM_STDERR].bytes = 300000;
  finish(fixture, evaluation);
  assert_int_equal(request->answers, 0);
  assert_int_equal(fixture->store.call_count, 1);
  fake_store_dispatch(&fixture->store);
  assert_int_equal(request->status, 404); /* this store has nothing at all */
  fake_request_destroy(request);
}

static void the_same_key_and_body_is_the_same_evaluation(void **state)
{
  struct fixture *fixture = *state;
  fake_open(&fixture->executor, fake_evaluation(ID_OPEN, 1, STATE_RUNNING));
  struct http_request *request = fake_request("POST", "/v1/evaluations");
  fake_request_header(request, "Idempotency-Key", "k1");
  fake_request_body(request, BODY);
  fixture_handle(fixture, request);
  assert_string_equal(fixture->executor.submitted->idempotency_key, "k1");
  assert_true(fixture->executor.submitted->body_digest == digest_bytes(BODY, strlen(BODY)));
  refuse(fixture, STORE_STANDS, ID_OPEN);
  assert_int_equal(request->status, 202);
  assert_string_equal(fake_answer_field(request, "Location"), "/v1/evaluations/" ID_OPEN);
  assert_string_equal(fake_answer_field(request, "Idempotency-Replayed"), "true");
  assert_true(fake_answer_contains(request, "\"status\":\"running\""));
  fake_request_destroy(request);
}

static void the_same_key_of_a_finished_one_is_its_verdict(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[0] = in_the_store;
  fixture->store.count = 1;
  struct http_request *request = submit(fixture, "/v1/evaluations");
  refuse(fixture, STORE_STANDS, ID_FINISHED);
  fake_store_dispatch(&fixture->store);
  assert_int_equal(request->status, 200);
  assert_string_equal(fake_answer_field(request, "Location"), "/v1/evaluations/" ID_FINISHED);
  assert_string_equal(fake_answer_field(request, "Idempotency-Replayed"), "true");
  fake_request_destroy(request);
}

static void the_same_key_with_another_body_is_a_conflict(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations");
  refuse(fixture, STORE_CONFLICT, NULL);
  assert_int_equal(request->status, 409);
  fake_request_destroy(request);
}

static void without_a_key_there_is_none(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations");
  assert_null(fixture->executor.submitted->idempotency_key);
  take_up(fixture);
  fake_request_destroy(request);
}

static void what_could_not_be_stored_was_not_accepted(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations");
  refuse(fixture, STORE_FAILED, NULL);
  assert_int_equal(request->status, 503);
  assert_string_equal(fake_answer_field(request, "Retry-After"), "1");
  fake_request_destroy(request);
}

static void a_full_queue_says_when_to_come_back(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.refuses = true;
  fixture->executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .code = EAGAIN, .message = "the queue is full"};
  struct http_request *request = submit(fixture, "/v1/evaluations");
  assert_int_equal(request->status, 429);
  assert_string_equal(fake_answer_field(request, "Retry-After"), "1");
  assert_true(fake_answer_contains(request, "the queue is full"));
  fake_request_destroy(request);
  request = submit(fixture, "/v1/evaluations"); /* the executor says, and a later time than before */
  assert_string_equal(fake_answer_field(request, "Retry-After"), "2");
  fake_request_destroy(request);
}

static void who_is_not_ready_says_why(void **state)
{
  struct fixture *fixture = *state;
  fixture->not_ready = "the disk is nearly full";
  fixture->not_ready_kind = ERROR_NO_SPACE;
  struct http_request *request = submit(fixture, "/v1/evaluations");
  assert_int_equal(request->status, 507);
  assert_true(fake_answer_contains(request, "the disk is nearly full"));
  fake_request_destroy(request);
}

static void all_faults_are_in_the_problem(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fake_request("POST", "/v1/evaluations");
  fake_request_body(request, "{\"command\":[\"x\"],\"priority\":1000,\"network\":\"all\"}");
  fixture_handle(fixture, request);
  assert_int_equal(request->status, 400);
  assert_string_equal(request->content_type, "application/problem+json");
  assert_true(fake_answer_contains(
    request,
    "{\"type\":\"about:blank\",\"title\":\"invalid request\",\"status\":400,\"detail\":\"2 faults; the first is "
    "$.network: must be one of: none\",\"errors\":[{\"path\":\"$.network\",\"message\":\"must be one of: "
    "none\"},{\"path\":\"$.priority\",\"message\":\"must be between -100 and 100\"}]}\n"));
  fake_request_destroy(request);
}

struct refused {
  const char *target, *name, *value;
  int status;
};

static void a_wrong_request_is_refused_before_its_body_is_read(void **state)
{
  struct fixture *fixture = *state;
  static const struct refused cases[] = {
    {"/v1/evaluations", "Content-Type", "text/plain", 415},
    {"/v1/evaluations", "Content-Type", "application/jsonx", 415},
    {"/v1/evaluations", "Content-Type", "", 415},
    {"/v1/evaluations", "Idempotency-Key", "a b", 400},
    {"/v1/evaluations?wait=forever", "X", "", 400},
    {"/v1/evaluations?encoding=hex", "X", "", 400},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_request *request = fake_request("POST", cases[i].target);
    fake_request_header(request, cases[i].name, cases[i].value);
    fake_request_body(request, BODY);
    fixture_handle(fixture, request);
    assert_int_equal(request->status, cases[i].status);
    fake_request_destroy(request);
  }
}

static void json_with_parameters_and_nothing_at_all_are_json(void **state)
{
  struct fixture *fixture = *state;
  static const char *const types[] = {"application/json; charset=utf-8", "Application/JSON", NULL};
  for (int i = 0; i < 3; i++) {
    struct http_request *request = fake_request("POST", "/v1/evaluations");
    if (types[i])
      fake_request_header(request, "Content-Type", types[i]);
    fake_request_body(request, BODY);
    fixture_handle(fixture, request);
    take_up(fixture);
    assert_int_equal(request->status, 202);
    fake_forget(&fixture->executor, ID_OPEN);
    fake_request_destroy(request);
  }
}

static void who_waits_when_it_stops_is_told_so(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = submit(fixture, "/v1/evaluations?wait=60");
  take_up(fixture);
  api_stop(fixture->api);
  assert_int_equal(request->status, 503);
  assert_true(fake_answer_contains(request, ID_OPEN));
  fake_request_destroy(request);
  request = submit(fixture, "/v1/evaluations");
  assert_int_equal(request->status, 503);
  fake_request_destroy(request);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(it_is_answered_when_it_is_durable_and_not_before),
    fixture_test(who_waits_is_answered_with_the_verdict),
    fixture_test(a_wait_that_runs_out_ends_with_the_state_as_it_is),
    fixture_test(a_preference_to_wait_is_heard),
    fixture_test(what_another_verdict_beat_is_read_from_the_store),
    fixture_test(an_output_in_a_file_is_read_from_where_the_store_put_it),
    fixture_test(the_same_key_and_body_is_the_same_evaluation),
    fixture_test(the_same_key_of_a_finished_one_is_its_verdict),
    fixture_test(the_same_key_with_another_body_is_a_conflict),
    fixture_test(without_a_key_there_is_none),
    fixture_test(what_could_not_be_stored_was_not_accepted),
    fixture_test(a_full_queue_says_when_to_come_back),
    fixture_test(who_is_not_ready_says_why),
    fixture_test(all_faults_are_in_the_problem),
    fixture_test(a_wrong_request_is_refused_before_its_body_is_read),
    fixture_test(json_with_parameters_and_nothing_at_all_are_json),
    fixture_test(who_waits_when_it_stops_is_told_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
