#include "fixture.h"

#include "base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An id that tells its sequence. */
static const char *id_of(unsigned sequence)
{
  static char ids[10][ID_SIZE];
  snprintf(ids[sequence % 10], ID_SIZE, "20261122_195800_%08x", sequence);
  return ids[sequence % 10];
}

static struct evaluation *stored(unsigned sequence, enum state state)
{
  return fake_evaluation(id_of(sequence), sequence, state);
}

static struct evaluation *stored_1(void)
{
  return stored(1, STATE_FINISHED);
}

static struct evaluation *stored_2_open(void)
{
  return stored(2, STATE_QUEUED); /* so the store shows what is open */
}

static struct evaluation *stored_2_finished(void)
{
  return stored(2, STATE_FINISHED);
}

static struct evaluation *stored_3(void)
{
  return stored(3, STATE_FINISHED);
}

/* The store holds 3, 2, 1. Of these 2 is open and running, and 4, which the store does not tell of, is queued. */
static void prepare(struct fixture *fixture)
{
  fixture->store.make[0] = stored_3;
  fixture->store.make[1] = stored_2_open;
  fixture->store.make[2] = stored_1;
  fixture->store.count = 3;
  fake_open(&fixture->executor, fake_evaluation(id_of(2), 2, STATE_RUNNING));
  fake_open(&fixture->executor, fake_evaluation(id_of(4), 4, STATE_QUEUED));
}

/* "4:queued 3:completed …>cursor" */
static char *summary_of(struct http_request *request)
{
  CLEANUP_BUFFER struct buffer text = {0};
  assert_int_equal(request->status, 200);
  json_t *root = json_loadb(request->answer.data, request->answer.size, 0, NULL);
  assert_non_null(root);
  size_t index;
  const json_t *item;
  json_array_foreach (json_object_get(root, "evaluations"), index, item) {
    buffer_printf(&text, "%s%s:%s", index ? " " : "", json_string_value(json_object_get(item, "id")) + 23,
                  json_string_value(json_object_get(item, "status")));
  }
  const char *cursor = json_string_value(json_object_get(root, "next_cursor"));
  buffer_printf(&text, ">%s", cursor ? cursor : "");
  json_decref(root);
  fake_request_destroy(request);
  return buffer_take(&text, NULL);
}

static void assert_listed(struct fixture *fixture, const char *target, const char *expected)
{
  CLEANUP_FREE char *summary = summary_of(fixture_ask(fixture, "GET", target));
  assert_string_equal(summary, expected);
}

static void open_and_finished_are_one_list_newest_first(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  assert_listed(fixture, "/v1/evaluations", "4:queued 3:completed 2:running 1:completed>");
}

static void a_page_that_is_full_has_a_cursor(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  assert_listed(fixture, "/v1/evaluations?limit=3", "4:queued 3:completed 2:running>a2");
  assert_int_equal(fixture->store.last_filter.limit, 3);
  assert_listed(fixture, "/v1/evaluations?limit=4", "4:queued 3:completed 2:running 1:completed>");
  fixture->store.more = true;
  assert_listed(fixture, "/v1/evaluations?limit=4", "4:queued 3:completed 2:running 1:completed>a1");
}

static void a_cursor_goes_on_behind_the_page(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fixture->store.make[0] = stored_1;
  fixture->store.count = 1;
  assert_listed(fixture, "/v1/evaluations?cursor=a3", "2:running 1:completed>");
  assert_int_equal(fixture->store.last_filter.before_sequence, 3);
}

static void open_states_are_asked_of_the_executor_alone(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations?status=running");
  assert_int_equal(fixture->store.call_count, 0);
  CLEANUP_FREE char *summary = summary_of(request);
  assert_string_equal(summary, "2:running>");
}

static void verdicts_are_asked_of_the_store(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fixture->store.make[1] = stored_1;
  fixture->store.count = 2;
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations?status=completed&label=run:42");
  assert_string_equal(fixture->store.last_filter.status, "completed");
  assert_string_equal(fixture->store.last_filter.label_key, "run");
  assert_string_equal(fixture->store.last_filter.label_value, "42");
  fake_store_dispatch(&fixture->store);
  CLEANUP_FREE char *summary = summary_of(request);
  assert_string_equal(summary, "3:completed 1:completed>");
}

static void labels_filter_what_is_open_too(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fixture->store.count = 0;
  struct evaluation *labelled = executor_find(&fixture->executor, id_of(2));
  free(labelled->labels);
  labelled->labels = xstrdup("{\"run\":\"42\",\"other\":\"x\"}");
  assert_listed(fixture, "/v1/evaluations?label=run:42", "2:running>");
  assert_listed(fixture, "/v1/evaluations?label=run=42", "2:running>");
  assert_listed(fixture, "/v1/evaluations?label=run:43", ">");
  assert_listed(fixture, "/v1/evaluations?status=running&label=other:x", "2:running>");
}

/* The store read its row while it was open; by the time that it tells, the verdict is there. A state never goes back.
 */
static void what_ended_meanwhile_is_read_again(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations");
  struct fake_store_call call = fixture->store.calls[0];
  fixture->store.call_count = 0;
  struct evaluation **rows = xcalloc(1, sizeof *rows);
  rows[0] = stored_2_open();
  fake_forget(&fixture->executor, id_of(2));
  call.list_done(call.context, rows, 1, false, NULL);
  assert_int_equal(request->answers, 0);
  fixture->store.make[1] = stored_2_finished;
  fake_store_dispatch(&fixture->store);
  CLEANUP_FREE char *summary = summary_of(request);
  assert_string_equal(summary, "4:queued 2:completed>");
}

static void what_was_deleted_meanwhile_is_left_out(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fake_forget(&fixture->executor, id_of(2));
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations");
  struct fake_store_call call = fixture->store.calls[0];
  fixture->store.call_count = 0;
  struct evaluation **rows = xcalloc(2, sizeof *rows);
  rows[0] = stored_2_open();
  rows[1] = stored_1();
  call.list_done(call.context, rows, 2, false, NULL);
  fixture->store.count = 0;
  fake_store_dispatch(&fixture->store);
  CLEANUP_FREE char *summary = summary_of(request);
  assert_string_equal(summary, "4:queued 1:completed>");
}

static void what_is_not_durable_is_not_listed(void **state)
{
  struct fixture *fixture = *state;
  fake_open(&fixture->executor, fake_evaluation(id_of(9), 0, STATE_ACCEPTING));
  assert_listed(fixture, "/v1/evaluations", ">");
}

static void a_store_that_fails_is_no_empty_list(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fixture->store.fails = true;
  struct http_request *request = fixture_ask(fixture, "GET", "/v1/evaluations");
  assert_int_equal(request->status, 500);
  fake_request_destroy(request);
}

static void a_wrong_filter_is_a_400(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = fixture_send(fixture, "GET", "/v1/evaluations?limit=many");
  assert_int_equal(request->status, 400);
  fake_request_destroy(request);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    fixture_test(open_and_finished_are_one_list_newest_first),
    fixture_test(a_page_that_is_full_has_a_cursor),
    fixture_test(a_cursor_goes_on_behind_the_page),
    fixture_test(open_states_are_asked_of_the_executor_alone),
    fixture_test(verdicts_are_asked_of_the_store),
    fixture_test(labels_filter_what_is_open_too),
    fixture_test(what_ended_meanwhile_is_read_again),
    fixture_test(what_was_deleted_meanwhile_is_left_out),
    fixture_test(what_is_not_durable_is_not_listed),
    fixture_test(a_store_that_fails_is_no_empty_list),
    fixture_test(a_wrong_filter_is_a_400),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
