#include "crucible_fixture.h"

#include "base/memory.h"
#include "wire/plan.h"

#include <stdio.h>
#include <string.h>

/* Reading one evaluation */

static struct blob *plan_of(const char *code, size_t size)
{
  char *command[] = {(char *)"python3", (char *)"main.py", NULL}, *nothing[] = {NULL};
  struct plan_file files[] = {{.path = "other.py", .data = "no", .size = 2},
                              {.path = "main.py", .data = code, .size = size}};
  struct plan plan = {
    .command = command, .environment = nothing, .files = files, .file_count = 2, .limits = limits_default()};
  return plan_encode(&plan);
}

static struct evaluation *stored_failed(void)
{
  struct evaluation *evaluation =
    with_output(fake_evaluation(ID_FINISHED, 2, STATE_FINISHED), "before\n", "Traceback\n");
  strcpy(evaluation->runtime, "python");
  evaluation->limits = limits_default();
  evaluation->started_at.ms = 2000;
  evaluation->plan = plan_of("print(1)", 8);
  evaluation->labels =
    (free(evaluation->labels), xstrdup("{\"crucible.cpu_limit\":\"500m\",\"crucible.image\":\"ml:1\"}"));
  evaluation->verdict = (struct verdict){.kind = VERDICT_FAILED, .exit_code = 1, .reason = "exited with code 1"};
  evaluation->usage = (struct usage){.wall_time_us = 12345, .memory_peak_bytes = MIB(9) + 1};
  return evaluation;
}

static void a_failed_one_shows_everything(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[0] = stored_failed;
  fixture->store.count = 1;
  expect_answer(
    fixture_ask(fixture, "GET", "/api/eval/" ID_FINISHED), 200,
    "{\"eval_id\":\"" ID_FINISHED "\",\"code\":\"print(1)\",\"language\":\"python\",\"status\":\"failed\","
    "\"created_at\":\"1970-01-01T00:00:01.000Z\",\"started_at\":\"1970-01-01T00:00:02.000Z\","
    "\"completed_at\":\"1970-01-01T00:00:03.000Z\",\"output\":\"before\\nTraceback\\n\","
    "\"error\":\"exited with code 1\\n\\nTraceback\\n\",\"exit_code\":1,\"runtime_ms\":12,\"memory_used_mb\":10,"
    "\"output_truncated\":false,\"error_truncated\":false,\"metadata\":{\"submitted_at\":\"1970-01-01T00:00:01.000Z\","
    "\"assay_id\":\"" ID_FINISHED "\",\"timeout\":30,\"priority\":0,\"memory_limit_bytes\":536870912,"
    "\"engine\":\"native\",\"image\":null,\"verdict\":\"failed\",\"reason\":\"exited with code "
    "1\",\"fault\":\"program\","
    "\"retryable\":false,\"signal\":null,\"limit\":null,\"not_enforced\":[{\"field\":\"cpu_limit\",\"value\":\"500m\","
    "\"why\":\"a request cannot limit the processors of one evaluation\"},{\"field\":\"executor_image\","
    "\"value\":\"ml:1\",\"why\":\"the backend runs no images: it ran with what is installed on the host\"}]}}");
}

static void its_logs_are_the_same_without_the_program(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[0] = stored_failed;
  fixture->store.count = 1;
  static const char *const paths[] = {"/api/eval/" ID_FINISHED "/logs", "/api/eval/" ID_FINISHED "/status"};
  for (int i = 0; i < 2; i++)
    expect_answer(
      fixture_ask(fixture, "GET", paths[i]), 200,
      "{\"eval_id\":\"" ID_FINISHED "\",\"output\":\"before\\nTraceback\\n\",\"error\":\"exited with code "
      "1\\n\\nTraceback\\n\",\"is_running\":false,\"exit_code\":1,\"source\":\"database\","
      "\"last_update\":\"1970-01-01T00:00:03.000Z\",\"created_at\":\"1970-01-01T00:00:01.000Z\","
      "\"started_at\":\"1970-01-01T00:00:02.000Z\",\"completed_at\":\"1970-01-01T00:00:03.000Z\",\"status\":\"failed\","
      "\"success\":false,\"runtime_ms\":12}");
}

static void an_open_one_has_its_program_and_no_output_yet(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = fake_evaluation(ID_OPEN, 1, STATE_RUNNING);
  strcpy(evaluation->runtime, "python");
  evaluation->limits = limits_default();
  evaluation->started_at.ms = 2000;
  evaluation->entered_at[STATE_RUNNING].ms = 2001;
  evaluation->plan = plan_of("a\0\xff", 3);
  fake_open(&fixture->executor, evaluation);
  expect_answer(
    fixture_ask(fixture, "GET", "/api/eval/" ID_OPEN), 200,
    "{\"eval_id\":\"" ID_OPEN "\",\"code\":\"a\\u0000\xef\xbf\xbd\",\"language\":\"python\","
    "\"status\":\"running\",\"created_at\":\"1970-01-01T00:00:01.000Z\","
    "\"started_at\":\"1970-01-01T00:00:02.000Z\",\"completed_at\":null,\"output\":\"\",\"error\":\"\","
    "\"exit_code\":null,\"runtime_ms\":null,\"memory_used_mb\":null,\"output_truncated\":false,"
    "\"error_truncated\":false,\"metadata\":{\"submitted_at\":\"1970-01-01T00:00:01.000Z\",\"assay_id\":\"" ID_OPEN
    "\",\"timeout\":30,\"priority\":0,\"memory_limit_bytes\":536870912,\"engine\":\"native\",\"image\":null,"
    "\"not_enforced\":[]}}");
  expect_answer(fixture_ask(fixture, "GET", "/api/eval/" ID_OPEN "/logs"), 200,
                "{\"eval_id\":\"" ID_OPEN "\",\"output\":\"\",\"error\":\"\",\"is_running\":true,\"exit_code\":null,"
                "\"source\":\"executor\",\"last_update\":\"1970-01-01T00:00:02.001Z\","
                "\"created_at\":\"1970-01-01T00:00:01.000Z\",\"started_at\":\"1970-01-01T00:00:02.000Z\","
                "\"completed_at\":null,\"status\":\"running\",\"success\":false,\"runtime_ms\":null}");
}

static void every_state_has_a_word(void **state)
{
  struct fixture *fixture = *state;
  static const struct {
    enum state state;
    const char *status, *running;
  } cases[] = {
    {STATE_QUEUED, "\"status\":\"queued\"", "\"is_running\":false"},
    {STATE_PREPARING, "\"status\":\"provisioning\"", "\"is_running\":false"},
    {STATE_STARTING, "\"status\":\"provisioning\"", "\"is_running\":false"},
    {STATE_RUNNING, "\"status\":\"running\"", "\"is_running\":true"},
    {STATE_SEALING, "\"status\":\"running\"", "\"is_running\":true"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fake_open(&fixture->executor, fake_evaluation(ID_OPEN, 1, cases[i].state));
    expect_member(fixture_ask(fixture, "GET", "/api/eval/" ID_OPEN), 200, cases[i].status);
    struct http_request *request = fixture_ask(fixture, "GET", "/api/eval/" ID_OPEN "/status");
    assert_true(fake_answer_contains(request, cases[i].status));
    expect_member(request, 200, cases[i].running);
    fake_forget(&fixture->executor, ID_OPEN);
  }
}

static struct verdict the_verdict;
static struct evaluation *stored_as_it_says(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  evaluation->verdict = the_verdict;
  return evaluation;
}

static void every_verdict_has_a_word_and_every_failure_an_error(void **state)
{
  struct fixture *fixture = *state;
  static const struct {
    struct verdict verdict;
    const char *status, *error, *exit_code;
  } cases[] = {
    {{.kind = VERDICT_COMPLETED, .reason = "exited with code 0"}, "completed", "", "0"},
    {{.kind = VERDICT_FAILED, .exit_code = 3, .reason = "exited with code 3"}, "failed", "exited with code 3", "3"},
    {{.kind = VERDICT_FAILED, .exit_code = -1, .signal = 11, .reason = "died by SIGSEGV"},
     "failed",
     "died by SIGSEGV",
     "139"},
    {{.kind = VERDICT_FAILED, .exit_code = -1}, "failed", "failed", "null"},
    {{.kind = VERDICT_TIMED_OUT, .exit_code = -1, .signal = 9, .reason = "over 30000 ms"},
     "failed",
     "over 30000 ms",
     "137"},
    {{.kind = VERDICT_OUT_OF_MEMORY, .exit_code = -1, .signal = 9, .reason = "over 512 MiB"},
     "failed",
     "over 512 MiB",
     "137"},
    {{.kind = VERDICT_OUTPUT_EXCEEDED, .exit_code = -1, .reason = "too much"}, "failed", "too much", "null"},
    {{.kind = VERDICT_NOT_STARTED, .exit_code = -1, .reason = "no such image"}, "failed", "no such image", "null"},
    {{.kind = VERDICT_LOST, .exit_code = -1, .reason = "the keeper died", .retryable = true},
     "failed",
     "the platform failed, not the program: the keeper died",
     "null"},
    {{.kind = VERDICT_CANCELLED, .exit_code = -1, .reason = "cancelled by a client"},
     "cancelled",
     "cancelled by a client",
     "null"},
  };
  fixture->store.make[0] = stored_as_it_says;
  fixture->store.count = 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    the_verdict = cases[i].verdict;
    CLEANUP_FREE char *status = xasprintf("\"status\":\"%s\"", cases[i].status);
    CLEANUP_FREE char *rest =
      xasprintf("\"output\":\"\",\"error\":\"%s\",\"exit_code\":%s", cases[i].error, cases[i].exit_code);
    struct http_request *request = fixture_ask(fixture, "GET", "/api/eval/" ID_FINISHED);
    assert_true(fake_answer_contains(request, status));
    expect_member(request, 200, rest);
  }
}

static struct evaluation *stored_cut(void)
{
  struct evaluation *evaluation = with_output(fake_evaluation(ID_FINISHED, 2, STATE_FINISHED),
                                              "\xff"
                                              "out",
                                              "err");
  evaluation->outputs->stream[STREAM_STDERR].omitted_bytes = 5;
  evaluation->outputs->stream[STREAM_STDERR].bytes += 5;
  return evaluation;
}

static struct evaluation *stored_elsewhere(void)
{
  struct evaluation *evaluation = with_output(fake_evaluation(ID_FINISHED, 2, STATE_FINISHED), "", "");
  evaluation->verdict = (struct verdict){.kind = VERDICT_FAILED, .exit_code = 1, .reason = "exited with code 1"};
  evaluation->outputs->stream[STREAM_STDERR].bytes = evaluation->outputs->stream[STREAM_STDERR].head_bytes = MIB(2);
  evaluation->outputs->stream[STREAM_STDERR].path = xstrdup("/nowhere");
  return evaluation;
}

static void what_is_not_all_of_the_output_says_so(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.count = 1;
  fixture->store.make[0] = stored_cut;
  struct http_request *request = fixture_ask(fixture, "GET", "/api/eval/" ID_FINISHED);
  assert_true(fake_answer_contains(request, "\"output\":\"\xef\xbf\xbdouterr\""));
  expect_member(request, 200, "\"output_truncated\":true,\"error_truncated\":true");
  fixture->store.make[0] = stored_elsewhere;
  request = fixture_ask(fixture, "GET", "/api/eval/" ID_FINISHED);
  assert_true(fake_answer_contains(
    request,
    "\"output\":\"[too long to be shown here; all of it is at /v1/evaluations/" ID_FINISHED "/output]\\n\",\"error\":"
    "\"exited with code 1\\n\\n[too long to be shown here; all of it is at /v1/evaluations/" ID_FINISHED
    "/stderr]\\n\""));
  expect_member(request, 200, "\"output_truncated\":true,\"error_truncated\":true");
}

static struct evaluation *stored_command(void)
{
  return fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
}

static void one_of_another_client_has_no_language_and_no_program(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[0] = stored_command;
  fixture->store.count = 1;
  expect_member(fixture_ask(fixture, "GET", "/api/eval/" ID_FINISHED), 200, "\"code\":null,\"language\":null");
}

static void what_is_not_there_is_not_found(void **state)
{
  struct fixture *fixture = *state;
  static const char *const ids[] = {ID_UNKNOWN, "nonsense", "20261122_195800_00000001x", "1/0"};
  static const char *const not_found = "{\"detail\":\"Evaluation not found\"}";
  static const char *const both = "{\"error\":\"Evaluation not found\",\"detail\":\"Evaluation not found\"}";
  for (int i = 0; i < 3; i++) {
    char path[80];
    snprintf(path, sizeof path, "/api/eval/%s", ids[i]);
    expect_answer(fixture_ask(fixture, "GET", path), 404, not_found);
    snprintf(path, sizeof path, "/api/eval/%s/logs", ids[i]);
    expect_answer(fixture_ask(fixture, "GET", path), 404, both);
    snprintf(path, sizeof path, "/api/eval/%s/kill", ids[i]);
    expect_answer(fixture_ask(fixture, "POST", path), 404, "{\"error\":\"Evaluation not running\"}");
    snprintf(path, sizeof path, "/api/eval/%s/cancel", ids[i]);
    expect_answer(fixture_ask(fixture, "POST", path), 404, "{\"error\":\"Evaluation not found\"}");
  }
  expect_member(fixture_ask(fixture, "GET", "/api/eval/1/0"), 404, "there is nothing here");
  expect_member(fixture_ask(fixture, "GET", "/api/eval/"), 404, "there is nothing here");
  struct http_request *request = fixture_ask(fixture, "DELETE", "/api/eval/" ID_UNKNOWN);
  assert_string_equal(fake_answer_field(request, "Allow"), "GET, HEAD");
  expect_member(request, 405, "\"detail\":\"allowed here: GET, HEAD\"");
}

static void a_store_that_fails_is_not_an_evaluation_that_is_absent(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.fails = true;
  expect_answer(fixture_ask(fixture, "GET", "/api/eval/" ID_UNKNOWN), 500, "{\"detail\":\"the disk is on fire\"}");
  expect_answer(fixture_ask(fixture, "POST", "/api/eval/" ID_UNKNOWN "/kill"), 500,
                "{\"detail\":\"the disk is on fire\"}");
}

/* Ending one */

#define MESSAGE(status, message) "{\"eval_id\":\"" ID_OPEN "\",\"status\":\"" status "\",\"message\":\"" message "\"}"

static struct http_request *begin_to_end(struct fixture *fixture, enum state state, const char *path)
{
  fake_open(&fixture->executor, fake_evaluation(ID_OPEN, 1, state));
  struct http_request *request = fixture_ask(fixture, "POST", path);
  return request;
}

static void a_kill_is_answered_when_it_is_dead(void **state)
{
  struct fixture *fixture = *state;
  static const enum state states[] = {STATE_PREPARING, STATE_STARTING, STATE_RUNNING};
  for (int i = 0; i < 3; i++) {
    struct http_request *request = begin_to_end(fixture, states[i], "/api/eval/" ID_OPEN "/kill");
    assert_int_equal(fixture->executor.cancels, i + 1);
    assert_int_equal(request->answers, 0);
    crucible_finish(fixture, fixture->executor.open[0], VERDICT_CANCELLED);
    expect_answer(request, 200, MESSAGE("killed", "Evaluation killed successfully"));
    fake_forget(&fixture->executor, ID_OPEN);
  }
}

static void what_ended_on_its_own_was_not_killed(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = begin_to_end(fixture, STATE_RUNNING, "/api/eval/" ID_OPEN "/kill");
  crucible_finish(fixture, fixture->executor.open[0], VERDICT_COMPLETED);
  expect_answer(request, 404, "{\"error\":\"Evaluation not running\"}");
}

static void what_does_not_run_cannot_be_killed(void **state)
{
  struct fixture *fixture = *state;
  static const enum state states[] = {STATE_QUEUED, STATE_SEALING};
  for (int i = 0; i < 2; i++) {
    expect_answer(begin_to_end(fixture, states[i], "/api/eval/" ID_OPEN "/kill"), 404,
                  "{\"error\":\"Evaluation not running\"}");
    fake_forget(&fixture->executor, ID_OPEN);
  }
  fixture->store.make[0] = stored_failed;
  fixture->store.count = 1;
  expect_answer(fixture_ask(fixture, "POST", "/api/eval/" ID_FINISHED "/kill"), 404,
                "{\"error\":\"Evaluation not running\"}");
  assert_int_equal(fixture->executor.cancels, 0);
}

static void whatever_is_open_can_be_cancelled(void **state)
{
  struct fixture *fixture = *state;
  static const enum state states[] = {STATE_QUEUED, STATE_PREPARING, STATE_STARTING, STATE_RUNNING, STATE_SEALING};
  for (int i = 0; i < 5; i++) {
    struct http_request *request = begin_to_end(fixture, states[i], "/api/eval/" ID_OPEN "/cancel");
    assert_int_equal(fixture->executor.cancels, i + 1);
    crucible_finish(fixture, fixture->executor.open[0], VERDICT_CANCELLED);
    expect_answer(request, 200, MESSAGE("cancelled", "Evaluation cancelled successfully"));
    fake_forget(&fixture->executor, ID_OPEN);
  }
}

static void who_cancels_too_late_is_told_how_it_ended(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = begin_to_end(fixture, STATE_RUNNING, "/api/eval/" ID_OPEN "/cancel");
  crucible_finish(fixture, fixture->executor.open[0], VERDICT_COMPLETED);
  expect_answer(request, 200, MESSAGE("completed", "Evaluation already in terminal state: completed"));
  fixture->store.make[0] = stored_failed;
  fixture->store.count = 1;
  expect_answer(fixture_ask(fixture, "POST", "/api/eval/" ID_FINISHED "/cancel"), 200,
                "{\"eval_id\":\"" ID_FINISHED "\",\"status\":\"failed\",\"message\":\"Evaluation already in terminal "
                "state: failed\"}");
  assert_int_equal(fixture->executor.cancels, 1);
}

/* The daemon */

static void the_queue_is_counted(void **state)
{
  struct fixture *fixture = *state;
  static const enum state states[] = {STATE_ACCEPTING, STATE_QUEUED,  STATE_PREPARING,
                                      STATE_STARTING,  STATE_RUNNING, STATE_SEALING};
  for (int i = 0; i < 6; i++) {
    char id[ID_SIZE];
    snprintf(id, sizeof id, "20261122_195800_%08x", i);
    fake_open(&fixture->executor, fake_evaluation(id, (uint64_t)i, states[i]));
  }
  static const char *const expected =
    "{\"queued\":2,\"processing\":4,\"queue_length\":2,\"total_tasks\":6,\"error\":null}";
  expect_answer(fixture_ask(fixture, "GET", "/api/queue/status"), 200, expected);
  expect_answer(fixture_ask(fixture, "GET", "/api/queue-status"), 200, expected);
}

static void check_health(struct fixture *fixture, const char *path, int status, const char *word, const char *services,
                         const char *error)
{
  json_t *health = take_json(fixture_ask(fixture, "GET", path), status);
  assert_string_equal(json_string_value(json_object_get(health, "status")), word);
  static const char *const names[] = {"gateway", "queue", "storage", "executor"};
  for (int i = 0; i < 4; i++)
    assert_string_equal(json_string_value(json_object_get(json_object_get(health, "services"), names[i])), services);
  assert_non_null(json_string_value(json_object_get(health, "timestamp")));
  assert_non_null(json_string_value(json_object_get(health, "executor_id")));
  const char *said = json_string_value(json_object_get(health, "error"));
  assert_true(!said == !error && (!said || !strcmp(said, error)));
  json_decref(health);
}

static void its_health_is_whether_it_takes_work(void **state)
{
  struct fixture *fixture = *state;
  check_health(fixture, "/health", 200, "healthy", "healthy", NULL);
  check_health(fixture, "/api/health", 200, "ok", "healthy", NULL);
  fixture->not_ready = "the disk is nearly full";
  check_health(fixture, "/health", 503, "unhealthy", "unhealthy", "the disk is nearly full");
  check_health(fixture, "/api/health", 200, "degraded", "unhealthy", "the disk is nearly full");
}

static void who_waits_when_it_stops_is_told_so(void **state)
{
  struct fixture *fixture = *state;
  struct http_request *request = begin_to_end(fixture, STATE_RUNNING, "/api/eval/" ID_OPEN "/cancel");
  api_stop(fixture->api);
  expect_member(request, 503, "the daemon is stopping");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    crucible_test(a_failed_one_shows_everything),
    crucible_test(its_logs_are_the_same_without_the_program),
    crucible_test(an_open_one_has_its_program_and_no_output_yet),
    crucible_test(every_state_has_a_word),
    crucible_test(every_verdict_has_a_word_and_every_failure_an_error),
    crucible_test(what_is_not_all_of_the_output_says_so),
    crucible_test(one_of_another_client_has_no_language_and_no_program),
    crucible_test(what_is_not_there_is_not_found),
    crucible_test(a_store_that_fails_is_not_an_evaluation_that_is_absent),
    crucible_test(a_kill_is_answered_when_it_is_dead),
    crucible_test(what_ended_on_its_own_was_not_killed),
    crucible_test(what_does_not_run_cannot_be_killed),
    crucible_test(whatever_is_open_can_be_cancelled),
    crucible_test(who_cancels_too_late_is_told_how_it_ended),
    crucible_test(the_queue_is_counted),
    crucible_test(its_health_is_whether_it_takes_work),
    crucible_test(who_waits_when_it_stops_is_told_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
