/* A batch on its way in: each line is taken once, and only where there is room; the answer comes when all is durable. */

#include "../fixture.h"

#include "api/batches/batches.h"
#include "base/memory.h"
#include "wire/record.h"

#include <stdlib.h>
#include <string.h>

#define BATCH "20261122_195800_0000ba7c"
#define LINE "{\"command\":[\"true\"]}"
#define OTHER_LINE "{\"command\":[\"false\"]}"

static struct store_batch new_batch(void)
{
  return (struct store_batch){.id = BATCH};
}

/* What the store was asked is answered, and who was told gets on. */
static void turn(struct fixture *fixture)
{
  fake_store_dispatch(&fixture->store);
  fixture_run_ms(fixture, 5);
}

/* So much of the body is there; the store has not been asked yet. */
static struct http_request *ask(struct fixture *fixture, const char *body, bool whole)
{
  struct http_request *request = fake_request("POST", "/v1/batches");
  fake_request_header(request, "Content-Type", "application/jsonl");
  fake_request_header(request, "Idempotency-Key", "nightly");
  fake_request_body(request, body);
  request->body_goes_on = !whole;
  fixture->executor.takes_at_once = FAKE_EVALUATIONS_MAX;
  fixture_handle(fixture, request);
  return request;
}

/* The same, and the store has the batch. */
static struct http_request *begin(struct fixture *fixture, const struct store_batch *batch, const char *body,
                                  bool whole)
{
  fixture->store.batch = batch;
  struct http_request *request = ask(fixture, body, whole);
  turn(fixture);
  return request;
}

static size_t submitted(const struct fixture *fixture)
{
  return fixture->executor.earlier_count + (fixture->executor.submitted != NULL);
}

/* The store's answer to one line, the last that was submitted. */
static void answer_last(struct fixture *fixture, enum store_result result, const char *standing_id)
{
  struct executor *executor = &fixture->executor;
  struct evaluation *evaluation = TAKE_PTR(executor->submitted);
  assert_non_null(evaluation);
  void *token = executor->token;
  if (executor->earlier_count) {
    executor->submitted = executor->earlier[--executor->earlier_count].evaluation;
    executor->token = executor->earlier[executor->earlier_count].token;
  }
  api_accepted(fixture->api, result == STORE_DONE ? evaluation : NULL, token, result, standing_id);
  evaluation_destroy(evaluation);
}

static void accept_all(struct fixture *fixture)
{
  while (submitted(fixture))
    answer_last(fixture, STORE_DONE, NULL);
}

/* Everything is asked and answered; then the answer is there. */
static void finish(struct fixture *fixture)
{
  fixture_run_ms(fixture, 5);
  turn(fixture);
  turn(fixture);
}

static void each_line_is_submitted_as_the_batchs(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *request = begin(fixture, &batch, LINE "\n\n" OTHER_LINE "\n", true);
  assert_int_equal(submitted(fixture), 2);
  const struct evaluation *first = fixture->executor.earlier[0].evaluation, *second = fixture->executor.submitted;
  assert_string_equal(first->batch, BATCH);
  assert_int_equal(first->batch_line, 1);
  assert_int_equal(first->body_digest, digest_bytes(LINE, strlen(LINE)));
  assert_int_equal(second->batch_line, 3); /* blank lines have numbers too */
  assert_int_equal(request->answers, 0);   /* not before all of it is durable */
  accept_all(fixture);
  finish(fixture);
  assert_int_equal(request->status, 202);
  assert_true(fake_answer_contains(request, BATCH));
  fake_request_destroy(request);
}

static void a_line_that_is_wrong_is_refused_and_the_others_are_not(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *request = begin(fixture, &batch, "{\"command\":1}\n" LINE "\nno JSON\n", true);
  assert_int_equal(submitted(fixture), 1);
  assert_int_equal(fixture->executor.submitted->batch_line, 2);
  assert_int_equal(fixture->store.call_count, 2); /* that two were refused is stored */
  accept_all(fixture);
  finish(fixture);
  assert_int_equal(request->status, 202);
  fake_request_destroy(request);
}

static void half_a_line_waits_for_the_rest(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *request = begin(fixture, &batch, LINE "\n{\"comm", false);
  assert_int_equal(submitted(fixture), 1);
  fake_request_arrives(request, "and\":[\"false\"]}", false);
  assert_int_equal(submitted(fixture), 1);
  fake_request_arrives(request, "", true); /* the last line needs no end */
  assert_int_equal(submitted(fixture), 2);
  accept_all(fixture);
  finish(fixture);
  assert_int_equal(request->status, 202);
  fake_request_destroy(request);
}

static void where_there_is_no_room_it_waits(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  fixture->executor.refuses = true;
  fixture->executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .message = "the queue is full"};
  struct http_request *request = begin(fixture, &batch, LINE "\n" LINE "\n", true);
  assert_int_equal(submitted(fixture), 0);
  assert_int_equal(request->answers, 0);
  fixture->executor.refuses = false;
  struct evaluation *other = fake_evaluation(ID_OPEN, 1, STATE_RUNNING); /* somebody leaves the queue */
  api_changed(fixture->api, other);
  evaluation_destroy(other);
  fixture_run_ms(fixture, 5);
  assert_int_equal(submitted(fixture), 2);
  accept_all(fixture);
  finish(fixture);
  assert_int_equal(request->status, 202);
  fake_request_destroy(request);
}

static void what_was_accepted_before_is_passed_over(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = new_batch();
  batch.received = 2;
  const struct store_line known[] = {{.line = 1, .body_digest = digest_bytes(LINE, strlen(LINE))}};
  fixture->store.lines = known;
  fixture->store.line_count = 1;
  struct http_request *request = begin(fixture, &batch, LINE "\n" OTHER_LINE "\n" LINE "\n", true);
  turn(fixture); /* the page of known lines */
  assert_int_equal(submitted(fixture), 2);
  assert_int_equal(fixture->executor.earlier[0].evaluation->batch_line, 2); /* refused then, and may be right now */
  answer_last(fixture, STORE_STANDS, ID_FINISHED);                          /* another upload was faster */
  accept_all(fixture);
  finish(fixture);
  assert_int_equal(request->status, 202);
  fake_request_destroy(request);
}

static void another_body_under_the_same_key_is_a_conflict(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = new_batch();
  batch.received = 1;
  const struct store_line known[] = {{.line = 1, .body_digest = 7}};
  fixture->store.lines = known;
  fixture->store.line_count = 1;
  struct http_request *request = begin(fixture, &batch, LINE "\n", true);
  turn(fixture);
  assert_int_equal(request->status, 409);
  assert_true(fake_answer_contains(request, "line 1 is not the one that was accepted"));
  fake_request_destroy(request);
}

static void a_conflict_in_the_store_ends_it_once(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *request = begin(fixture, &batch, LINE "\n" LINE "\n", true);
  answer_last(fixture, STORE_CONFLICT, NULL); /* without an id that stands: cancelled */
  assert_int_equal(request->status, 409);
  assert_true(fake_answer_contains(request, "was cancelled"));
  accept_all(fixture); /* what is with the store is answered to nobody */
  fake_request_destroy(request);
}

static void a_batch_that_was_cancelled_takes_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = new_batch();
  batch.cancelled_at.ms = 1;
  struct http_request *request = begin(fixture, &batch, LINE "\n", true);
  assert_int_equal(request->status, 409);
  assert_int_equal(submitted(fixture), 0);
  fake_request_destroy(request);
}

static void a_second_upload_takes_over(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *first = begin(fixture, &batch, LINE "\n", false);
  struct http_request *second = begin(fixture, &batch, "", false);
  assert_int_equal(first->status, 409);
  assert_true(fake_answer_contains(first, "taken over"));
  assert_int_equal(batches_count(NULL).uploads, 0);
  accept_all(fixture);
  fake_request_leave(second);
  fake_request_destroy(first);
  fake_request_destroy(second);
}

static void a_client_that_leaves_keeps_what_was_accepted(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *request = begin(fixture, &batch, LINE "\n" LINE "\n", false);
  fake_request_leave(request);
  accept_all(fixture);
  fake_request_destroy(request);
}

static void a_client_that_leaves_before_the_store_has_answered_leaves_nothing_behind(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  fixture->store.batch = &batch;
  struct http_request *request = ask(fixture, LINE "\n", true);
  fake_request_leave(request);
  turn(fixture);
  assert_int_equal(submitted(fixture), 0);
  fake_request_destroy(request);
}

static void a_store_that_fails_ends_it_and_says_so(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = new_batch();
  fixture->store.fails = true;
  struct http_request *request = begin(fixture, &batch, LINE "\n", true); /* when it is opened */
  assert_int_equal(request->status, 503);
  fake_request_destroy(request);
  fixture->store.fails = false;
  request = begin(fixture, &batch, LINE "\n", true); /* for a line */
  answer_last(fixture, STORE_FAILED, NULL);
  assert_int_equal(request->status, 503);
  fake_request_destroy(request);
  batch.received = 1;
  request = begin(fixture, &batch, LINE "\n", true); /* as it is read */
  fixture->store.fails = true;
  turn(fixture);
  assert_int_equal(request->status, 503);
  fake_request_destroy(request);
}

static void a_daemon_that_is_not_ready_takes_none(void **state)
{
  struct fixture *fixture = *state;
  fixture->not_ready = "the disk is full";
  fixture->not_ready_kind = ERROR_NO_SPACE;
  struct http_request *request = ask(fixture, LINE "\n", true);
  assert_int_equal(request->status, 507);
  fake_request_destroy(request);
}

static void a_daemon_that_stops_answers_whoever_is_sending(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  struct http_request *request = begin(fixture, &batch, LINE "\n", false);
  api_stop(fixture->api);
  assert_int_equal(request->status, 503);
  accept_all(fixture);
  fake_request_destroy(request);
}

static void other_types_and_no_key_are_refused(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fake_request("POST", "/v1/batches");
  fake_request_header(request, "Content-Type", "application/json");
  fixture_handle(fixture, request);
  assert_int_equal(request->status, 415);
  fake_request_destroy(request);
  request = fake_request("POST", "/v1/batches");
  fake_request_header(request, "Content-Type", "application/x-ndjson; charset=utf-8");
  fake_request_header(request, "Idempotency-Key", "");
  fixture_handle(fixture, request);
  assert_int_equal(request->status, 400);
  fake_request_destroy(request);
}

static void batches_that_are_open_are_counted_once(void **state)
{
  struct fixture *fixture = *state;
  const struct store_batch batch = new_batch();
  static const char *const batches[] = {"20261122_195800_0000000a", BATCH, "20261122_195800_0000000a", NULL};
  static const char *const ids[] = {"20261122_195800_00000001", "20261122_195800_00000002", "20261122_195800_00000003",
                                    "20261122_195800_00000004"};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    struct evaluation *evaluation = fake_evaluation(ids[i], 1 + i, STATE_RUNNING);
    evaluation->batch = batches[i] ? xstrdup(batches[i]) : NULL;
    fake_open(&fixture->executor, evaluation);
  }
  struct http_request *upload = begin(fixture, &batch, "", false), *metrics = fixture_ask(fixture, "GET", "/metrics");
  assert_true(fake_answer_contains(metrics, "\nassay_batches_open 2\n"));
  assert_true(fake_answer_contains(metrics, "\nassay_batch_uploads 1\n"));
  fake_request_leave(upload);
  fake_request_destroy(upload);
  fake_request_destroy(metrics);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(each_line_is_submitted_as_the_batchs),
    fixture_test(a_line_that_is_wrong_is_refused_and_the_others_are_not),
    fixture_test(half_a_line_waits_for_the_rest),
    fixture_test(where_there_is_no_room_it_waits),
    fixture_test(what_was_accepted_before_is_passed_over),
    fixture_test(another_body_under_the_same_key_is_a_conflict),
    fixture_test(a_conflict_in_the_store_ends_it_once),
    fixture_test(a_batch_that_was_cancelled_takes_nothing),
    fixture_test(a_second_upload_takes_over),
    fixture_test(a_client_that_leaves_keeps_what_was_accepted),
    fixture_test(a_client_that_leaves_before_the_store_has_answered_leaves_nothing_behind),
    fixture_test(a_store_that_fails_ends_it_and_says_so),
    fixture_test(a_daemon_that_is_not_ready_takes_none),
    fixture_test(a_daemon_that_stops_answers_whoever_is_sending),
    fixture_test(other_types_and_no_key_are_refused),
    fixture_test(batches_that_are_open_are_counted_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
