/* Following, between a fake server above and a fake executor and store below. */

#include "../fixture.h"

#include "api/events/event_id.h"
#include "base/fd.h"
#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS(id) "/v1/evaluations/" id "/events"

/* The keeper's directory. */

static char evidence_path[] = "/tmp/assay-test-events-XXXXXX";
static int evidence_fd = -1;

static int evidence(void *context, const char *backend, struct name name)
{
  (void)context;
  (void)name;
  assert_string_equal(backend, "native");
  return evidence_fd < 0 ? -1 : fcntl(evidence_fd, F_DUPFD_CLOEXEC, 3);
}

static void with_evidence(struct api_config *config)
{
  config->evidence = evidence;
}

static void keep(const char *file, const void *bytes, size_t size)
{
  CLEANUP_FD int fd = openat(evidence_fd, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, bytes, size));
}

static void keep_text(const char *file, const char *text)
{
  keep(file, text, strlen(text));
}

static void keep_run(enum stream stream, unsigned char length)
{
  const unsigned char run[] = {(unsigned char)stream, length, 0, 0, 0};
  keep("order", run, sizeof run);
}

static int set_up(void **state)
{
  memcpy(strrchr(evidence_path, '-') + 1, "XXXXXX", 6);
  assert_non_null(mkdtemp(evidence_path));
  evidence_fd = open(evidence_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fixture_set_up_with(state, with_evidence);
}

static int tear_down(void **state)
{
  static const char *const files[] = {"stdout", "stderr", "order"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    unlinkat(evidence_fd, files[i], 0);
  close(evidence_fd);
  rmdir(evidence_path);
  return fixture_tear_down(state);
}
#define events_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* What is open, and how it ends. */

static struct evaluation *open_one(struct fixture *fixture, enum state state)
{
  struct evaluation *evaluation = fake_evaluation(ID_OPEN, 1, state);
  snprintf(evaluation->backend, sizeof evaluation->backend, "native");
  memset(evaluation->entered_at, 0, sizeof evaluation->entered_at);
  for (enum state entered = STATE_QUEUED; entered <= state; entered++)
    if (entered != STATE_PREPARING)
      evaluation->entered_at[entered].ms = 1000 + (int64_t)entered;
  fake_open(&fixture->executor, evaluation);
  return evaluation;
}

static void enter(struct fixture *fixture, struct evaluation *evaluation, enum state state)
{
  evaluation->state = state;
  if (!evaluation->entered_at[state].ms)
    evaluation->entered_at[state].ms = 1000 + (int64_t)state;
  api_changed(fixture->api, evaluation);
}

static void put(struct evaluation *evaluation, enum stream stream, const char *text)
{
  struct stream_output *output = &evaluation->outputs->stream[stream];
  output->data = blob_create(text, strlen(text));
  output->bytes = output->head_bytes = strlen(text);
}

static struct evaluation *ended(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_OPEN, 1, STATE_FINISHED);
  memset(evaluation->entered_at, 0, sizeof evaluation->entered_at);
  for (enum state entered = STATE_QUEUED; entered <= STATE_FINISHED; entered++)
    if (entered != STATE_PREPARING)
      evaluation->entered_at[entered].ms = 1000 + (int64_t)entered;
  put(evaluation, STREAM_STDOUT, "outlast");
  put(evaluation, STREAM_STDERR, "err");
  static const unsigned char order[] = {0, 3, 0, 0, 0, 1, 3, 0, 0, 0, 0, 4, 0, 0, 0};
  blob_unref(evaluation->outputs->order);
  evaluation->outputs->order = blob_create(order, sizeof order);
  return evaluation;
}

static struct evaluation *ended_with_a_gap(void)
{
  struct evaluation *evaluation = ended();
  evaluation->outputs->stream[STREAM_STDOUT].bytes += 100;
  evaluation->outputs->stream[STREAM_STDOUT].head_bytes = 3;
  evaluation->outputs->stream[STREAM_STDOUT].omitted_bytes = 100;
  blob_unref(TAKE_PTR(evaluation->outputs->order));
  return evaluation;
}

static void end(struct fixture *fixture, struct evaluation *evaluation, struct evaluation *(*as)(void))
{
  fixture->store.make[fixture->store.count++] = as;
  enter(fixture, evaluation, STATE_FINISHED);
  fake_forget(&fixture->executor, ID_OPEN);
  fake_store_dispatch(&fixture->store);
}

/* What was told, in short: "+running out(3) end", and the ids in between where asked for. */
static char *told(const struct http_request *request, bool ids)
{
  struct buffer ret = {0};
  buffer_append(&ret, "", 0);
  CLEANUP_FREE char *text = xstrdup(request->answer.data ? request->answer.data : "");
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n"));) {
    char value[256];
    if (sscanf(line, "data: {\"status\":\"%250[a-z]", value) == 1)
      buffer_printf(&ret, "+%s ", value);
    else if (strstr(line, "\"encoding\":\"") && sscanf(strstr(line, "\"text\":\""), "\"text\":\"%250[^\"]", value) == 1)
      buffer_printf(&ret, "%s ", value);
    else if (strstr(line, "\"omitted_bytes\"") && !strstr(line, "\"verdict\""))
      buffer_printf(&ret, "gap ");
    else if (!strcmp(line, "event: attempt") || !strcmp(line, "event: end") || !strcmp(line, "event: reset"))
      buffer_printf(&ret, "%s ", line + strlen("event: "));
    else if (ids && sscanf(line, "id: %250s", value) == 1)
      buffer_printf(&ret, "[%s] ", value);
  }
  return buffer_take(&ret, 0);
}

static void assert_told(const struct http_request *request, const char *expected)
{
  CLEANUP_FREE char *text = told(request, false);
  assert_string_equal(text, expected);
}

static struct http_request *follow_from(struct fixture *fixture, const char *target, const char *last_id)
{
  struct http_request *request = fake_request("GET", target);
  if (last_id)
    fake_request_header(request, "Last-Event-ID", last_id);
  fixture_handle(fixture, request);
  fake_store_dispatch(&fixture->store);
  return request;
}

/* The rules. */

static void states_and_output_are_told_as_they_come(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_STARTING);
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), NULL);
  assert_int_equal(request->status, 200);
  assert_string_equal(request->content_type, "text/event-stream");
  assert_told(request, "+queued +starting ");
  enter(fixture, evaluation, STATE_RUNNING);
  assert_told(request, "+queued +starting +running ");
  keep_text("stdout", "out");
  fixture_run_ms(fixture, 60);
  assert_told(request, "+queued +starting +running out ");
  keep_run(STREAM_STDOUT, 3);
  keep_text("stderr", "err");
  fixture_run_ms(fixture, 60);
  assert_told(request, "+queued +starting +running out err ");
  enter(fixture, evaluation, STATE_SEALING);
  end(fixture, evaluation, ended);
  assert_told(request, "+queued +starting +running out err +sealing last end ");
  assert_false(request->stream.is_open);
  fake_request_destroy(request);
}

static void who_comes_late_is_told_the_same(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[fixture->store.count++] = ended;
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), NULL);
  assert_told(request, "+queued +starting +running out err last +sealing end ");
  assert_false(request->stream.is_open);
  fake_request_destroy(request);
}

/* Of a run that was followed, its ids; each is gone on from. */
static void who_resumes_at_any_event_is_told_what_is_left(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[fixture->store.count++] = ended;
  struct http_request *whole = follow_from(fixture, EVENTS(ID_OPEN), NULL);
  CLEANUP_FREE char *all = told(whole, true);
  unsigned resumed = 0;
  for (char *id = strchr(all, '['); strchr(id + 1, '['); id = strchr(id + 1, '[')) {
    char last_id[EVENT_ID_SIZE];
    assert_int_equal(sscanf(id, "[%47[^]]", last_id), 1);
    struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), last_id);
    CLEANUP_FREE char *rest = told(request, true);
    assert_string_equal(rest, strchr(id, ' ') + 1);
    fake_request_destroy(request);
    resumed++;
  }
  assert_int_equal(resumed, 7);
  fake_request_destroy(whole);
}

static void what_a_crash_forgot_is_not_told_again(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_QUEUED); /* recovered, and not looked at yet */
  keep_text("stdout", "outlast");
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), "1.running.3");
  assert_told(request, "");
  enter(fixture, evaluation, STATE_RUNNING);
  assert_told(request, "last ");
  fake_request_leave(request);
  fake_request_destroy(request);
}

static void another_attempt_is_told_and_begins_anew(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_RUNNING);
  keep_text("stdout", "out");
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), NULL);
  assert_told(request, "+queued +starting +running out ");
  evaluation->attempt = 2;
  for (enum state entered = STATE_PREPARING; entered < STATE_COUNT; entered++)
    evaluation->entered_at[entered].ms = 0;
  unlinkat(evidence_fd, "stdout", 0);
  enter(fixture, evaluation, STATE_QUEUED);
  enter(fixture, evaluation, STATE_RUNNING);
  keep_text("stdout", "again");
  fixture_run_ms(fixture, 60);
  assert_told(request, "+queued +starting +running out attempt +queued +running again ");
  fake_request_leave(request);
  fake_request_destroy(request);
}

static void what_may_be_left_out_is_not_told_before_the_end(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_RUNNING);
  evaluation->limits.output_bytes = 6;
  keep_text("stdout", "outlas");
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), NULL);
  assert_told(request, "+queued +starting +running out ");
  end(fixture, evaluation, ended_with_a_gap);
  assert_told(request, "+queued +starting +running out gap last err +sealing end ");
  fake_request_destroy(request);
}

static void bytes_that_are_no_text_are_base64_and_characters_are_not_cut(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  keep_text("stdout", "a\xe2\x82");
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), "1.running.0");
  assert_told(request, "a 4oI= ");
  keep_text("stdout", "\xac");
  fixture_run_ms(fixture, 60);
  assert_told(request, "a 4oI= rA== ");
  fake_request_leave(request);
  fake_request_destroy(request);
}

static void who_takes_nothing_is_sent_nothing_more_and_misses_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_RUNNING);
  struct http_request *quick = follow_from(fixture, EVENTS(ID_OPEN), "1.running.0");
  struct http_request *slow = fake_request("GET", EVENTS(ID_OPEN));
  fake_request_header(slow, "Last-Event-ID", "1.running.0");
  slow->stream.pieces_left = 1;
  keep_text("stdout", "out");
  fixture_handle(fixture, slow);
  fixture_run_ms(fixture, 60);
  keep_run(STREAM_STDOUT, 3);
  keep_text("stderr", "err");
  fixture_run_ms(fixture, 60);
  assert_told(quick, "out err ");
  assert_told(slow, "out ");
  end(fixture, evaluation, ended);
  assert_told(quick, "out err last +sealing end ");
  assert_told(slow, "out ");
  fake_stream_take(slow, 0);
  assert_told(slow, "out err last +sealing end ");
  assert_false(slow->stream.is_open);
  fake_request_destroy(quick);
  fake_request_destroy(slow);
}

static void who_wants_no_output_is_told_none(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[fixture->store.count++] = ended;
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN) "?output=none", NULL);
  assert_told(request, "+queued +starting +running +sealing end ");
  fake_request_destroy(request);
  request = follow_from(fixture, EVENTS(ID_OPEN) "?output=none", "1.running.18446744073709551615");
  assert_told(request, "+sealing end ");
  fake_request_destroy(request);
}

static void who_was_told_the_end_is_told_not_to_come_again(void **state)
{
  struct fixture *fixture = *state;
  fixture->store.make[fixture->store.count++] = ended;
  struct http_request *request = follow_from(fixture, EVENTS(ID_OPEN), "1.finished.10");
  assert_int_equal(request->status, 204);
  fake_request_destroy(request);
}

static void what_is_not_right_is_refused(void **state)
{
  struct fixture *fixture = *state;
  static const struct {
    const char *target, *last_id;
    int status;
  } cases[] = {
    {EVENTS(ID_UNKNOWN), NULL, 404},
    {EVENTS(ID_UNKNOWN), "nonsense", 400},
    {EVENTS(ID_UNKNOWN) "?output=some", NULL, 400},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_request *request = follow_from(fixture, cases[i].target, cases[i].last_id);
    assert_int_equal(request->status, cases[i].status);
    fake_request_destroy(request);
  }
}

static void stopping_ends_the_streams(void **state)
{
  struct fixture *fixture = *state;
  open_one(fixture, STATE_RUNNING);
  struct http_request *one = follow_from(fixture, EVENTS(ID_OPEN), NULL);
  struct http_request *all = follow_from(fixture, "/v1/events", NULL);
  api_stop(fixture->api);
  assert_false(one->stream.is_open);
  assert_false(all->stream.is_open);
  struct http_request *late = follow_from(fixture, "/v1/events", NULL);
  assert_int_equal(late->status, 503);
  fake_request_destroy(one);
  fake_request_destroy(all);
  fake_request_destroy(late);
}

/* All evaluations. */

static void last_id_of(const struct http_request *request, char ret[static EVENT_ID_SIZE])
{
  const char *last = NULL;
  for (const char *at = request->answer.data; (at = strstr(at, "\nid: ")); at++)
    last = at;
  assert_non_null(last);
  assert_int_equal(sscanf(last, "\nid: %47s", ret), 1);
}

static void changes_are_told_from_where_one_was(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_QUEUED);
  struct http_request *request = follow_from(fixture, "/v1/events", NULL);
  assert_told(request, "reset ");
  char last_id[EVENT_ID_SIZE];
  last_id_of(request, last_id);
  enter(fixture, evaluation, STATE_STARTING);
  enter(fixture, evaluation, STATE_RUNNING);
  fixture_run_ms(fixture, 60);
  assert_true(fake_answer_contains(request, "\"id\":\"" ID_OPEN "\",\"status\":\"starting\""));
  assert_true(fake_answer_contains(request, "\"id\":\"" ID_OPEN "\",\"status\":\"running\""));
  struct http_request *again = follow_from(fixture, "/v1/events", last_id);
  assert_false(fake_answer_contains(again, "reset"));
  assert_true(fake_answer_contains(again, "\"status\":\"starting\""));
  assert_true(fake_answer_contains(again, "\"status\":\"running\""));
  fake_request_leave(request);
  fake_request_leave(again);
  fake_request_destroy(request);
  fake_request_destroy(again);
}

enum { MORE_THAN_KEPT = 20000 };

static void changes_that_are_not_kept_any_more_are_a_reset(void **state)
{
  struct fixture *fixture = *state;
  struct evaluation *evaluation = open_one(fixture, STATE_QUEUED);
  struct http_request *request = follow_from(fixture, "/v1/events", NULL);
  char last_id[EVENT_ID_SIZE];
  last_id_of(request, last_id);
  fake_request_leave(request);
  fake_request_destroy(request);
  for (unsigned i = 0; i < MORE_THAN_KEPT; i++)
    api_changed(fixture->api, evaluation);
  static const char *const foreign[] = {"00000000.1", "x", ".", "1.running.1"};
  for (size_t i = 0; i <= sizeof foreign / sizeof *foreign; i++) {
    request = follow_from(fixture, "/v1/events", i ? foreign[i - 1] : last_id);
    assert_told(request, "reset ");
    fake_request_leave(request);
    fake_request_destroy(request);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    events_test(states_and_output_are_told_as_they_come),
    events_test(who_comes_late_is_told_the_same),
    events_test(who_resumes_at_any_event_is_told_what_is_left),
    events_test(what_a_crash_forgot_is_not_told_again),
    events_test(another_attempt_is_told_and_begins_anew),
    events_test(what_may_be_left_out_is_not_told_before_the_end),
    events_test(bytes_that_are_no_text_are_base64_and_characters_are_not_cut),
    events_test(who_takes_nothing_is_sent_nothing_more_and_misses_nothing),
    events_test(who_wants_no_output_is_told_none),
    events_test(who_was_told_the_end_is_told_not_to_come_again),
    events_test(what_is_not_right_is_refused),
    events_test(stopping_ends_the_streams),
    events_test(changes_are_told_from_where_one_was),
    events_test(changes_that_are_not_kept_any_more_are_a_reset),
  };
  return cmocka_run_group_tests_name("api/events/streams", tests, NULL, NULL);
}
