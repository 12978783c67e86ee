#include "crucible_fixture.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The store holds 6 … 1, and two of them are open by now: 5 runs, 6 waits. 7 is open and not in the store's list yet. */

static struct evaluation *stored(unsigned sequence, enum verdict_kind kind)
{
  char id[ID_SIZE];
  snprintf(id, sizeof id, "20261122_195800_%08x", sequence);
  struct evaluation *evaluation = fake_evaluation(id, sequence, kind ? STATE_FINISHED : STATE_QUEUED);
  evaluation->verdict.kind = kind;
  evaluation->usage.wall_time_us = kind ? sequence * 1000 : 0;
  strcpy(evaluation->runtime, sequence % 2 ? "python" : "");
  free(evaluation->labels);
  evaluation->labels = xasprintf("{\"crucible.preview\":\"print(%u)\"}", sequence);
  return evaluation;
}

#define STORED(X) X(6, NONE) X(5, NONE) X(4, TIMED_OUT) X(3, COMPLETED) X(2, CANCELLED) X(1, FAILED)
#define X(sequence, kind)                                                                                              \
  static struct evaluation *stored_##sequence(void)                                                                    \
  {                                                                                                                    \
    return stored(sequence, VERDICT_##kind);                                                                           \
  }
STORED(X)
#undef X

static struct evaluation *opened(unsigned sequence, enum state state)
{
  struct evaluation *evaluation = stored(sequence, VERDICT_NONE);
  evaluation->state = state;
  return evaluation;
}

static void prepare(struct fixture *fixture)
{
#define X(sequence, kind) fixture->store.make[fixture->store.count++] = stored_##sequence;
  STORED(X)
#undef X
  fake_open(&fixture->executor, opened(5, STATE_RUNNING));
  fake_open(&fixture->executor, opened(6, STATE_QUEUED));
  fake_open(&fixture->executor, opened(7, STATE_STARTING));
}

/* "7:provisioning 6:queued … count=7 limit=100 offset=0 more=0" */
static void expect_list(struct fixture *fixture, const char *target, const char *expected)
{
  CLEANUP_BUFFER struct buffer text = {0};
  json_t *list = take_json(fixture_ask(fixture, "GET", target), 200), *item;
  size_t index;
  json_array_foreach (json_object_get(list, "evaluations"), index, item) {
    buffer_printf(&text, "%lu:%s ", strtoul(json_string_value(json_object_get(item, "eval_id")) + 16, NULL, 16),
                  json_string_value(json_object_get(item, "status")));
    bool success = !strcmp(json_string_value(json_object_get(item, "status")), "completed");
    assert_int_equal(json_is_true(json_object_get(item, "success")), success);
  }
  buffer_printf(
    &text, "count=%lld limit=%lld offset=%lld more=%d", (long long)json_integer_value(json_object_get(list, "count")),
    (long long)json_integer_value(json_object_get(list, "limit")),
    (long long)json_integer_value(json_object_get(list, "offset")), json_is_true(json_object_get(list, "has_more")));
  json_decref(list);
  assert_string_equal(text.data, expected);
}

static void a_list_shows_all_newest_first(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  expect_list(fixture, "/api/evaluations",
              "7:provisioning 6:queued 5:running 4:failed 3:completed 2:cancelled 1:failed count=7 limit=100 offset=0 "
              "more=0");
}

static void an_item_has_these_members(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  expect_answer(
    fixture_ask(fixture, "GET", "/api/evaluations?limit=1&offset=4"), 200,
    "{\"evaluations\":[{\"eval_id\":\"20261122_195800_00000003\",\"status\":\"completed\","
    "\"created_at\":\"1970-01-01T00:00:01.000Z\",\"code_preview\":\"print(3)\",\"success\":true}],\"count\":7,"
    "\"limit\":1,\"offset\":4,\"has_more\":true}");
}

static void pages_are_counted_from_the_newest_on(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fixture->store.page_rows = 2; /* the store's own pages do not show */
  expect_list(fixture, "/api/evaluations?limit=3", "7:provisioning 6:queued 5:running count=7 limit=3 offset=0 more=1");
  expect_list(fixture, "/api/evaluations?limit=3&offset=3",
              "4:failed 3:completed 2:cancelled count=7 limit=3 offset=3 more=1");
  expect_list(fixture, "/api/evaluations?limit=3&offset=6", "1:failed count=7 limit=3 offset=6 more=0");
  expect_list(fixture, "/api/evaluations?limit=3&offset=7", "count=7 limit=3 offset=7 more=0");
}

static void a_status_is_one_of_this_api(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  expect_list(fixture, "/api/evaluations?status=failed", "4:failed 1:failed count=2 limit=100 offset=0 more=0");
  expect_list(fixture, "/api/evaluations?status=failed&limit=1", "4:failed count=2 limit=1 offset=0 more=1");
  assert_null(fixture->store.last_filter.status);
  expect_list(fixture, "/api/evaluations?status=completed", "3:completed count=1 limit=100 offset=0 more=0");
  assert_string_equal(fixture->store.last_filter.status, "completed");
  expect_list(fixture, "/api/evaluations?status=cancelled", "2:cancelled count=1 limit=100 offset=0 more=0");
  expect_list(fixture, "/api/evaluations?status=running", "5:running count=1 limit=100 offset=0 more=0");
  expect_list(fixture, "/api/evaluations?status=queued", "6:queued count=1 limit=100 offset=0 more=0");
  expect_list(fixture, "/api/evaluations?status=provisioning", "7:provisioning count=1 limit=100 offset=0 more=0");
  expect_list(fixture, "/api/evaluations?status=submitted", "count=0 limit=100 offset=0 more=0");
  expect_list(fixture, "/api/evaluations?status=timeout", "count=0 limit=100 offset=0 more=0");
}

static void numbers_out_of_range_are_faults_of_the_query(void **state)
{
  struct fixture *fixture = *state;
  expect_answer(fixture_ask(fixture, "GET", "/api/evaluations?limit=0&offset=-1"), 422,
                "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"limit\"],\"msg\":\"Input should be "
                "greater than or equal to 1\"},{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"offset\"],\"msg\":"
                "\"Input should be greater than or equal to 0\"}]}");
  expect_member(fixture_ask(fixture, "GET", "/api/evaluations?limit=1001"), 422, "\"type\":\"less_than_equal\"");
  expect_member(fixture_ask(fixture, "GET", "/api/evaluations?offset=100001"), 422, "\"type\":\"less_than_equal\"");
  expect_member(fixture_ask(fixture, "GET", "/api/evaluations?limit=ten"), 422, "\"type\":\"int_parsing\"");
}

static void a_walk_has_an_end(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[0] = stored_3;
  fixture->store.count = 1;
  fixture->store.more = true; /* for ever */
  expect_list(fixture, "/api/evaluations?limit=1", "3:completed count=10000 limit=1 offset=0 more=1");
  expect_list(fixture, "/api/evaluations?status=failed", "count=0 limit=100 offset=0 more=0");
  expect_member(fixture_ask(fixture, "GET", "/api/statistics"), 200, "\"total_evaluations\":10000");
}

static void statistics_count_what_there_is(void **state)
{
  struct fixture *fixture = *state;
  prepare(fixture);
  fixture->store.page_rows = 2;
  json_t *statistics = take_json(fixture_ask(fixture, "GET", "/api/statistics"), 200);
  json_t *expected = json_pack(
    "{s:i, s:{s:i, s:i, s:i, s:i, s:i, s:i}, s:{s:i, s:i}, s:f, s:f, s:i, s:n, s:{s:s, s:i, s:b}}", "total_evaluations",
    7, "by_status", "failed", 2, "completed", 1, "cancelled", 1, "running", 1, "queued", 1, "provisioning", 1,
    "by_language", "python", 4, "unknown", 3, "average_runtime_ms", 2.5, "success_rate", 0.333333, "last_24h_count", 0,
    "peak_hour", "storage_info", "primary_backend", "sqlite", "large_outputs_externalized", 0, "complete", 1);
  CLEANUP_FREE char *got = json_dumps(statistics, JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
  CLEANUP_FREE char *wanted = json_dumps(expected, JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
  assert_string_equal(got, wanted);
  json_decref(statistics);
  json_decref(expected);
}

static void of_nothing_there_is_no_average(void **state)
{
  struct http_request *request = fixture_ask(*state, "GET", "/api/statistics");
  assert_true(fake_answer_contains(request, "\"average_runtime_ms\":null"));
  expect_member(request, 200, "\"success_rate\":0.0");
}

static void a_store_that_fails_is_not_an_empty_list(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.fails = true;
  expect_answer(fixture_ask(fixture, "GET", "/api/evaluations"), 500, "{\"detail\":\"the disk is on fire\"}");
  expect_answer(fixture_ask(fixture, "GET", "/api/statistics"), 500, "{\"detail\":\"the disk is on fire\"}");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    crucible_test(a_list_shows_all_newest_first),
    crucible_test(an_item_has_these_members),
    crucible_test(pages_are_counted_from_the_newest_on),
    crucible_test(a_status_is_one_of_this_api),
    crucible_test(numbers_out_of_range_are_faults_of_the_query),
    crucible_test(a_walk_has_an_end),
    crucible_test(statistics_count_what_there_is),
    crucible_test(of_nothing_there_is_no_average),
    crucible_test(a_store_that_fails_is_not_an_empty_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
