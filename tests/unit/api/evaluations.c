#include "fixture.h"

#include "base/memory.h"

#include <string.h>

static struct evaluation *in_the_store(void)
{
  return fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
}

static struct evaluation *open_one(struct fixture *fixture, enum state state)
{
  struct evaluation *evaluation = fake_evaluation(ID_OPEN, 1, state);
  fake_open(&fixture->executor, evaluation);
  fixture->store.make[0] = in_the_store;
  fixture->store.count = 1;
  return evaluation;
}

static void finish(struct fixture *fixture, struct evaluation *evaluation)
{
  evaluation->state = STATE_FINISHED;
  evaluation->verdict.kind = VERDICT_TIMED_OUT;
  evaluation->outputs = outputs_create();
  api_changed(fixture->api, evaluation);
}

static void an_open_one_is_told_from_memory(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN);
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "\"status\":\"running\""));
  assert_null(fake_answer_field(request, "Location"));
  fake_request_destroy(request);
}

static void one_that_waits_is_told_its_place(void **state)
{
  struct fixture *fixture = *state;
  const struct queue_place known = {.position = 7, .has_estimate = true, .starts_in_ms = 1000},
                           unknown = {.position = 7};
  open_one(fixture, STATE_QUEUED);
  fixture->executor.place = &known;
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN);
  assert_true(fake_answer_contains(request, "\"queue_position\":7,\"estimated_start_at\":\"20"));
  fake_request_destroy(request);
  fixture->executor.place = &unknown;
  request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN);
  assert_true(fake_answer_contains(request, "\"queue_position\":7,\"estimated_start_at\":null"));
  fake_request_destroy(request);
  fixture->executor.place = NULL;
  request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN);
  assert_false(fake_answer_contains(request, "queue_position"));
  fake_request_destroy(request);
}

static void a_finished_one_is_told_from_the_store(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_ask(fixture, "GET", "/v1/evaluations/" ID_FINISHED "?wait=60");
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "\"status\":\"completed\""));
  fake_request_destroy(request);
}

/* Law 1: it might not be there after a crash. */
static void what_is_not_durable_is_not_there(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_ACCEPTING);
  struct http_request *request = fixture_ask(fixture, "GET", "/v1/evaluations/" ID_OPEN);
  assert_int_equal(request->status, 404);
  fake_request_destroy(request);
}

static void a_store_that_fails_is_no_404(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.fails = true;
  struct http_request *request = fixture_ask(fixture, "GET", "/v1/evaluations/" ID_FINISHED);
  assert_int_equal(request->status, 500);
  assert_true(fake_answer_contains(request, "the disk is on fire"));
  fake_request_destroy(request);
}

static void who_waits_is_answered_at_the_end(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_RUNNING);
  struct http_request *text = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN "?wait=60");
  struct http_request *bytes = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN "?wait=60&encoding=base64");
  assert_int_equal(text->answers + bytes->answers, 0);
  finish(fixture, evaluation);
  assert_int_equal(text->status, 200);
  assert_true(fake_answer_contains(text, "\"status\":\"timed_out\""));
  assert_true(fake_answer_contains(text, "\"encoding\":\"utf8\""));
  assert_true(fake_answer_contains(bytes, "\"encoding\":\"base64\""));
  fake_request_destroy(text);
  fake_request_destroy(bytes);
}

static void who_waits_too_long_is_told_how_it_is(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN "?wait=1");
  fixture_run_ms(fixture, 1500);
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "\"status\":\"running\""));
  fake_request_destroy(request);
}

/* An answer can let the next request of the same connection in before the executor has let go of the evaluation. */
static void who_asks_in_the_moment_of_the_end_is_not_kept_waiting(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_FINISHED)->verdict.kind = VERDICT_NONE;
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations/" ID_OPEN "?wait=60");
  assert_int_equal(fixture->store.call_count, 1);
  fake_store_dispatch(&fixture->store);
  assert_int_equal(request->answers, 1);
  fake_request_destroy(request);
}

static void cancelling_an_open_one_is_accepted(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_send(fixture, "POST", "/v1/evaluations/" ID_OPEN "/cancel");
  assert_int_equal(fixture->executor.cancels, 1);
  assert_int_equal(request->status, 202);
  assert_true(fake_answer_contains(request, ID_OPEN));
  fake_request_destroy(request);
}

static void a_cancellation_is_durable_before_it_is_answered(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.holds_cancels = true;
  open_one(fixture, STATE_RUNNING);
  struct http_request *first = fixture_send(fixture, "POST", "/v1/evaluations/" ID_OPEN "/cancel");
  struct http_request *second = fixture_send(fixture, "POST", "/v1/evaluations/" ID_OPEN "/cancel");
  assert_int_equal(first->answers + second->answers, 0);
  fixture_cancelled(fixture, STORE_DONE);
  assert_int_equal(first->status, 202);
  assert_int_equal(second->status, 202);
  fake_request_destroy(first);
  fake_request_destroy(second);
}

static void a_cancellation_that_cannot_be_stored_is_not_acknowledged(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.holds_cancels = true;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_send(fixture, "POST", "/v1/evaluations/" ID_OPEN "/cancel?wait=60");
  fixture_cancelled(fixture, STORE_FAILED);
  assert_int_equal(request->status, 503);
  fake_request_destroy(request);
}

static void one_that_ends_before_its_cancellation_is_durable_is_told_from_the_store(void **state)
{
  struct fixture *fixture = *state;
  fixture->executor.holds_cancels = true;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_send(fixture, "POST", "/v1/evaluations/" ID_OPEN "/cancel?wait=60");
  fake_forget(&fixture->executor, ID_OPEN);
  fixture_cancelled(fixture, STORE_STANDS);
  assert_int_equal(fixture->store.call_count, 1);
  fake_store_dispatch(&fixture->store);
  assert_int_equal(request->answers, 1);
  fake_request_destroy(request);
}

static void who_cancels_may_wait_for_the_end(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_send(fixture, "POST", "/v1/evaluations/" ID_OPEN "/cancel?wait=60");
  assert_int_equal(request->answers, 0);
  finish(fixture, evaluation); /* it ended on its own first: the truth is told */
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "\"status\":\"timed_out\""));
  fake_request_destroy(request);
}

static void cancelling_a_finished_one_tells_what_stands(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  struct http_request *request = fixture_ask(fixture, "POST", "/v1/evaluations/" ID_FINISHED "/cancel");
  assert_int_equal(fixture->executor.cancels, 0);
  assert_int_equal(request->status, 200);
  assert_true(fake_answer_contains(request, "\"status\":\"completed\""));
  fake_request_destroy(request);
}

static void cancelling_what_is_not_there_is_a_404(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_ask(fixture, "POST", "/v1/evaluations/" ID_UNKNOWN "/cancel");
  assert_int_equal(request->status, 404);
  fake_request_destroy(request);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(an_open_one_is_told_from_memory),
    fixture_test(one_that_waits_is_told_its_place),
    fixture_test(a_finished_one_is_told_from_the_store),
    fixture_test(what_is_not_durable_is_not_there),
    fixture_test(a_store_that_fails_is_no_404),
    fixture_test(who_waits_is_answered_at_the_end),
    fixture_test(who_waits_too_long_is_told_how_it_is),
    fixture_test(who_asks_in_the_moment_of_the_end_is_not_kept_waiting),
    fixture_test(cancelling_an_open_one_is_accepted),
    fixture_test(a_cancellation_is_durable_before_it_is_answered),
    fixture_test(a_cancellation_that_cannot_be_stored_is_not_acknowledged),
    fixture_test(one_that_ends_before_its_cancellation_is_durable_is_told_from_the_store),
    fixture_test(who_cancels_may_wait_for_the_end),
    fixture_test(cancelling_a_finished_one_tells_what_stands),
    fixture_test(cancelling_what_is_not_there_is_a_404),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
