/* The results of a batch as a stream: what looks whole is whole. */

#include "../fixture.h"

#include <string.h>

#define BATCH "20261122_195800_0000ba7c"

static struct evaluation *in_the_store(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  evaluation->batch_line = evaluation->batch_place = 1;
  return evaluation;
}

static struct store_batch batch_of(uint64_t accepted, uint64_t finished)
{
  return (struct store_batch){.id = BATCH,
                              .is_complete = true,
                              .lines = accepted,
                              .received = accepted,
                              .accepted = accepted,
                              .finished = finished};
}

/* Asks for the results; the head of the stream is sent, and nothing was looked for yet. */
static struct http_request *begin(struct fixture *fixture, const struct store_batch *batch, const char *query)
{
  char target[128];
  snprintf(target, sizeof target, "/v1/batches/" BATCH "/results%s", query);
  fixture->store.batch = batch;
  struct http_request *request = fixture_ask(fixture, "GET", target);
  assert_int_equal(request->status, 200);
  assert_true(request->stream.is_open);
  return request;
}

/* What has changed is looked at a moment later. */
static void look(struct fixture *fixture)
{
  while (!fixture->store.call_count)
    fixture_run_ms(fixture, 50);
  fake_store_dispatch(&fixture->store);
}

static void what_has_ended_is_sent_and_then_it_is_over(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = batch_of(1, 1);
  fixture->store.make[fixture->store.count++] = in_the_store;
  struct http_request *request = begin(fixture, &batch, "");
  look(fixture);
  assert_true(fake_answer_contains(request, ID_FINISHED));
  assert_false(request->stream.is_open);
  assert_false(request->stream.is_cut);
  fake_request_destroy(request);
}

static void what_has_not_ended_is_waited_for(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = batch_of(2, 1);
  fixture->store.make[fixture->store.count++] = in_the_store;
  struct http_request *request = begin(fixture, &batch, "");
  look(fixture);
  assert_true(request->stream.is_open);
  fake_request_leave(request);
  fake_request_destroy(request);
}

static void who_does_not_follow_is_sent_what_there_is(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = batch_of(2, 1);
  fixture->store.make[fixture->store.count++] = in_the_store;
  struct http_request *request = begin(fixture, &batch, "?follow=false");
  look(fixture);
  assert_true(fake_answer_contains(request, ID_FINISHED));
  assert_false(request->stream.is_open || request->stream.is_cut);
  fake_request_destroy(request);
}

static void results_that_cannot_be_read_are_cut_and_not_ended(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = batch_of(1, 1);
  struct http_request *request = begin(fixture, &batch, "");
  fixture->store.fails = true;
  look(fixture);
  assert_false(request->stream.is_open);
  assert_true(request->stream.is_cut);
  fake_request_destroy(request);
}

static void a_daemon_that_stops_does_not_pretend_that_it_was_all(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = batch_of(2, 1);
  struct http_request *request = begin(fixture, &batch, "");
  api_stop(fixture->api);
  assert_true(request->stream.is_cut);
  fake_request_destroy(request);
}

static void a_batch_that_is_deleted_meanwhile_is_over(void **state)
{
  struct fixture *fixture = *state;
  struct store_batch batch = batch_of(2, 1);
  struct http_request *request = begin(fixture, &batch, "");
  fixture->store.batch = NULL;
  look(fixture);
  assert_false(request->stream.is_open || request->stream.is_cut);
  fake_request_destroy(request);
}

static void of_a_batch_that_is_not_there_nothing_is_streamed(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_ask(fixture, "GET", "/v1/batches/" BATCH "/results");
  assert_int_equal(request->status, 404);
  fake_request_destroy(request);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(what_has_ended_is_sent_and_then_it_is_over),
    fixture_test(what_has_not_ended_is_waited_for),
    fixture_test(who_does_not_follow_is_sent_what_there_is),
    fixture_test(results_that_cannot_be_read_are_cut_and_not_ended),
    fixture_test(a_daemon_that_stops_does_not_pretend_that_it_was_all),
    fixture_test(a_batch_that_is_deleted_meanwhile_is_over),
    fixture_test(of_a_batch_that_is_not_there_nothing_is_streamed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
