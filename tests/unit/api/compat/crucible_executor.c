#include "crucible_fixture.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the executor's client takes for the id, and what it really is. */
#define ID_CLIENT "20250101_000000_0123abcd"
#define BODY "{\"eval_id\":\"" ID_CLIENT "\",\"code\":\"print(1)\",\"timeout\":5}"

static struct http_request *execute(struct fixture *fixture, const char *body)
{
  struct http_request *request = crucible_post(fixture, "/execute", body);
  fake_store_dispatch(&fixture->store); /* it is asked whether the id is another's */
  return request;
}

static char *host_name(void)
{
  char name[65] = "";
  gethostname(name, sizeof name - 1);
  return xstrdup(name);
}

static void expect_execution(struct http_request *request, const char *format)
{
  CLEANUP_FREE char *host = host_name();
  CLEANUP_BUFFER struct buffer expected = {0};
  const char *mark = strstr(format, "HOST");
  buffer_append(&expected, format, (size_t)(mark - format));
  buffer_puts(&expected, host);
  buffer_puts(&expected, mark + 4);
  expect_answer(request, 200, expected.data);
}

static struct evaluation *marked(const char *id, uint64_t sequence, enum state state)
{
  struct evaluation *evaluation = fake_evaluation(id, sequence, state);
  evaluation->attempt = 1;
  evaluation->limits = limits_default();
  evaluation->idempotency_key = xstrdup("crucible " ID_CLIENT);
  free(evaluation->labels);
  evaluation->labels = xstrdup("{\"crucible.eval_id\":\"" ID_CLIENT "\"}");
  return evaluation;
}

static struct evaluation *stored_marked(void)
{
  struct evaluation *evaluation = with_output(marked(ID_FINISHED, 2, STATE_FINISHED), "1\n", "oh\n");
  evaluation->verdict = (struct verdict){.kind = VERDICT_FAILED, .exit_code = 3, .reason = "exited with code 3"};
  return evaluation;
}

/* Somebody's of /v1, who gave the same label. */
static struct evaluation *stored_impostor(void)
{
  struct evaluation *evaluation = with_output(marked("20261122_195800_00000099", 9, STATE_FINISHED), "lies", "");
  free(TAKE_PTR(evaluation->idempotency_key));
  return evaluation;
}

static void hold(struct fixture *fixture, struct evaluation *(*first)(void), struct evaluation *(*second)(void))
{
  fixture->store.make[0] = first;
  fixture->store.make[1] = second;
  fixture->store.count = second ? 2 : 1;
}

static void an_execution_is_a_submission_under_the_clients_id(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = execute(fixture, BODY);
  const struct evaluation *evaluation = fixture->executor.submitted;
  assert_non_null(evaluation);
  assert_string_equal(evaluation->idempotency_key, "crucible " ID_CLIENT);
  assert_true(evaluation->body_digest == (digest_bytes("print(1)", 8) ^ 5));
  assert_int_equal(evaluation->limits.wall_time_ms, 5000);
  json_t *labels = json_loads(evaluation->labels, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(labels, "crucible.eval_id")), ID_CLIENT);
  json_decref(labels);
  crucible_accept(fixture, ID_OPEN);
  expect_execution(request, "{\"eval_id\":\"" ID_CLIENT "\",\"status\":\"running\",\"output\":\"\",\"error\":\"\","
                            "\"exit_code\":-1,\"executor_id\":\"HOST\",\"container_id\":\"assay-" ID_OPEN "-1\"}");
}

static void asked_once_more_it_is_not_run_once_more(void **state)
{
  struct fixture *fixture = *state;
  fake_open(&fixture->executor, marked(ID_OPEN, 1, STATE_STARTING));
  struct http_request *request = execute(fixture, BODY);
  crucible_refuse(fixture, STORE_STANDS, ID_OPEN);
  expect_execution(request, "{\"eval_id\":\"" ID_CLIENT "\",\"status\":\"running\",\"output\":\"\",\"error\":\"\","
                            "\"exit_code\":-1,\"executor_id\":\"HOST\",\"container_id\":\"assay-" ID_OPEN "-1\"}");
  fake_forget(&fixture->executor, ID_OPEN);
  hold(fixture, stored_marked, NULL);
  request = execute(fixture, BODY);
  crucible_refuse(fixture, STORE_STANDS, ID_FINISHED);
  fake_store_dispatch(&fixture->store);
  expect_execution(request, "{\"eval_id\":\"" ID_CLIENT "\",\"status\":\"failed\",\"output\":\"1\\noh\\n\","
                            "\"error\":\"exited with code 3\\n\\noh\\n\",\"exit_code\":3,\"executor_id\":\"HOST\","
                            "\"container_id\":\"assay-" ID_FINISHED "-1\"}");
}

static void an_id_is_one_evaluations(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = execute(fixture, BODY);
  crucible_refuse(fixture, STORE_CONFLICT, NULL);
  expect_execution(request,
                   "{\"eval_id\":\"" ID_CLIENT "\",\"status\":\"failed\",\"output\":\"\",\"error\":\"this eval_id "
                   "was used for another program\",\"exit_code\":-1,\"executor_id\":\"HOST\",\"container_id\":null}");
  static const char *const others[] = {ID_OPEN, ID_FINISHED};
  fake_open(&fixture->executor, fake_evaluation(ID_OPEN, 1, STATE_RUNNING));
  hold(fixture, stored_marked, NULL);
  for (int i = 0; i < 2; i++) {
    CLEANUP_FREE char *body = xasprintf("{\"eval_id\":\"%s\",\"code\":\"1\"}", others[i]);
    request = execute(fixture, body);
    assert_null(fixture->executor.submitted);
    expect_member(request, 200,
                  "\"status\":\"failed\",\"output\":\"\",\"error\":\"this eval_id is another evaluation's\"");
  }
}

static void what_is_wrong_with_it_is_said(void **state)
{
  struct fixture *fixture = *state;
  expect_answer(
    execute(fixture, "{\"eval_id\":\"job-1\",\"timeout\":1000}"), 422,
    "{\"detail\":[{\"type\":\"string_pattern_mismatch\",\"loc\":[\"body\",\"eval_id\"],\"msg\":\"String should "
    "match pattern '^\\\\d{8}_\\\\d{6}_[a-f0-9]{8}$'\"},{\"type\":\"missing\",\"loc\":[\"body\",\"code\"],"
    "\"msg\":\"Field required\"},{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"timeout\"],\"msg\":\"Input "
    "should be less than or equal to 300\"}]}");
  expect_answer(execute(fixture, "{\"code\":\"1\"}"), 422,
                "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"eval_id\"],\"msg\":\"Field required\"}]}");
}

static void full_and_not_ready_and_not_stored_are_503(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = execute(fixture, BODY);
  crucible_refuse(fixture, STORE_FAILED, NULL);
  expect_answer(request, 503, "{\"detail\":\"the submission could not be stored, and was not accepted\"}");
  fixture->executor.refuses = true;
  fixture->executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .message = "the queue is full"};
  expect_answer(execute(fixture, BODY), 503, "{\"detail\":\"the queue is full\"}");
  fixture->store.fails = true;
  expect_answer(execute(fixture, BODY), 500, "{\"detail\":\"the disk is on fire\"}");
  fixture->not_ready = "the disk is nearly full";
  expect_answer(execute(fixture, BODY), 503, "{\"detail\":\"the disk is nearly full\"}");
}

static void logs_are_found_by_the_clients_id(void **state)
{
  struct fixture *fixture = *state;
  fake_open(&fixture->executor, marked(ID_OPEN, 1, STATE_QUEUED));
  expect_answer(fixture_ask(fixture, "GET", "/logs/" ID_CLIENT), 200,
                "{\"eval_id\":\"" ID_CLIENT
                "\",\"output\":\"\",\"error\":\"\",\"is_running\":true,\"exit_code\":null}");
  fake_forget(&fixture->executor, ID_OPEN);
  hold(fixture, stored_impostor, stored_marked);
  expect_answer(fixture_ask(fixture, "GET", "/logs/" ID_CLIENT), 200,
                "{\"eval_id\":\"" ID_CLIENT "\",\"output\":\"1\\noh\\n\",\"error\":\"exited with code 3\\n\\noh\\n\","
                "\"is_running\":false,\"exit_code\":3}");
  assert_non_null(fixture->store.last_filter.label_key);
}

static void the_platform_knows_it_by_the_same_id(void **state)
{
  struct fixture *fixture = *state;
  hold(fixture, stored_impostor, stored_marked);
  struct http_request *request = fixture_ask(fixture, "GET", "/api/eval/" ID_CLIENT);
  assert_true(fake_answer_contains(request, "{\"eval_id\":\"" ID_CLIENT "\""));
  expect_member(request, 200, "\"assay_id\":\"" ID_FINISHED "\"");
  request = fixture_ask(fixture, "GET", "/api/evaluations");
  expect_member(request, 200, "{\"eval_id\":\"" ID_CLIENT "\"");
}

static void an_impostor_alone_is_nobody(void **state)
{
  struct fixture *fixture = *state;
  hold(fixture, stored_impostor, NULL);
  expect_answer(fixture_ask(fixture, "GET", "/api/eval/" ID_CLIENT), 404, "{\"detail\":\"Evaluation not found\"}");
}

static void what_is_not_there_is_told_as_ever(void **state)
{
  struct fixture *fixture = *state;
  static const char *const ids[] = {ID_UNKNOWN, "job-1"};
  for (int i = 0; i < 2; i++) {
    CLEANUP_FREE char *logs = xasprintf("/logs/%s", ids[i]), *kill = xasprintf("/kill/%s", ids[i]);
    CLEANUP_FREE char *no_logs = xasprintf("{\"eval_id\":\"%s\",\"output\":\"\",\"error\":\"Container not found\","
                                           "\"is_running\":false,\"exit_code\":null}",
                                           ids[i]);
    CLEANUP_FREE char *no_kill =
      xasprintf("{\"eval_id\":\"%s\",\"success\":false,\"message\":\"Container not found\"}", ids[i]);
    expect_answer(fixture_ask(fixture, "GET", logs), 200, no_logs);
    expect_answer(fixture_ask(fixture, "POST", kill), 200, no_kill);
  }
}

static void a_kill_says_whether_it_killed(void **state)
{
  struct fixture *fixture = *state;
  static const enum verdict_kind verdicts[] = {VERDICT_CANCELLED, VERDICT_COMPLETED};
  static const char *const answers[] = {
    "{\"eval_id\":\"" ID_CLIENT "\",\"success\":true,\"message\":\"Container killed successfully\"}",
    "{\"eval_id\":\"" ID_CLIENT "\",\"success\":false,\"message\":\"Container not found\"}",
  };
  for (int i = 0; i < 2; i++) {
    fake_open(&fixture->executor, marked(ID_OPEN, 1, i ? STATE_RUNNING : STATE_QUEUED));
    struct http_request *request = fixture_ask(fixture, "POST", "/kill/" ID_CLIENT);
    assert_int_equal(request->answers, 0);
    assert_int_equal(fixture->executor.cancels, i + 1);
    crucible_finish(fixture, fixture->executor.open[0], verdicts[i]);
    expect_answer(request, 200, answers[i]);
    fake_forget(&fixture->executor, ID_OPEN);
  }
}

#define EXECUTION(id, container, status)                                                                               \
  "{\"eval_id\":\"" id "\",\"container_id\":\"assay-" container "-1\",\"status\":\"" status                            \
  "\",\"created\":\"1970-01-01T00:00:01.000Z\""

static void what_runs_is_what_is_not_finished(void **state)
{
  struct fixture *fixture = *state;
  fake_open(&fixture->executor, marked(ID_OPEN, 1, STATE_RUNNING));
  struct evaluation *other = fake_evaluation("20261122_195800_00000005", 5, STATE_QUEUED);
  other->attempt = 1;
  other->limits.wall_time_ms = 7000;
  fake_open(&fixture->executor, other);
  fake_open(&fixture->executor, fake_evaluation("20261122_195800_00000006", 6, STATE_ACCEPTING));
#define OPEN_ONES                                                                                                      \
  "\"running_executions\":[" EXECUTION(ID_CLIENT, ID_OPEN, "running") ",\"timeout\":\"30\"}," EXECUTION(               \
    "20261122_195800_00000005", "20261122_195800_00000005", "created") ",\"timeout\":\"7\"}]"
  expect_answer(fixture_ask(fixture, "GET", "/running"), 200, "{" OPEN_ONES ",\"count\":2}");

  hold(fixture, stored_marked, NULL);
  expect_execution(
    fixture_ask(fixture, "GET", "/status"),
    "{\"executor_id\":\"HOST\",\"status\":\"healthy\",\"error\":null," OPEN_ONES
    ",\"running_count\":2,\"recent_executions\":[" EXECUTION(
      "20261122_195800_00000005", "20261122_195800_00000005",
      "created") "}," EXECUTION(ID_CLIENT, ID_FINISHED, "exited") "}," EXECUTION(ID_CLIENT, ID_OPEN, "running") "}]}");
  fixture->store.fails = true;
  expect_member(fixture_ask(fixture, "GET", "/status"), 200, "\"status\":\"error\",\"error\":\"the disk is on fire\"");
}

static void its_capacity_is_the_slots_that_nobody_waits_for(void **state)
{
  struct fixture *fixture = *state; /* two slots, one of them busy */
  expect_execution(
    fixture_ask(fixture, "GET", "/capacity"),
    "{\"executor_id\":\"HOST\",\"can_accept\":true,\"running\":1,\"max_concurrent\":2,\"available_slots\":1}");
  fixture->not_ready = "the disk is nearly full";
  expect_member(fixture_ask(fixture, "GET", "/capacity"), 200, "\"can_accept\":false");
  fixture->not_ready = NULL;
  fake_open(&fixture->executor, fake_evaluation(ID_OPEN, 1, STATE_QUEUED));
  expect_member(fixture_ask(fixture, "GET", "/capacity"), 200,
                "\"can_accept\":false,\"running\":1,\"max_concurrent\":2,\"available_slots\":0");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    crucible_test(an_execution_is_a_submission_under_the_clients_id),
    crucible_test(asked_once_more_it_is_not_run_once_more),
    crucible_test(an_id_is_one_evaluations),
    crucible_test(what_is_wrong_with_it_is_said),
    crucible_test(full_and_not_ready_and_not_stored_are_503),
    crucible_test(logs_are_found_by_the_clients_id),
    crucible_test(the_platform_knows_it_by_the_same_id),
    crucible_test(an_impostor_alone_is_nobody),
    crucible_test(what_is_not_there_is_told_as_ever),
    crucible_test(a_kill_says_whether_it_killed),
    crucible_test(what_runs_is_what_is_not_finished),
    crucible_test(its_capacity_is_the_slots_that_nobody_waits_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
