/*
 * Memory runs out at the n-th allocation that may fail, for every n, under each kind of request. It is answered once: with
 * 503, and then nothing was accepted, or without the bytes of the output; and well as soon as there is memory.
 */

#include "compat/crucible_fixture.h"

#include "../scarce_memory.h"
#include "base/fd.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define URL "/v1/evaluations/" ID_FINISHED

static char file_path[] = "/tmp/assay-test-memory-XXXXXX";

static void put(struct evaluation *evaluation, enum stream stream, const char *text)
{
  struct stream_output *output = &evaluation->outputs->stream[stream];
  output->data = blob_create(text, strlen(text));
  output->bytes = output->head_bytes = strlen(text);
}

static struct evaluation *with_both(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  put(evaluation, STREAM_STDOUT, "out");
  put(evaluation, STREAM_STDERR, "err");
  return evaluation;
}

static struct evaluation *with_a_file(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 2, STATE_FINISHED);
  put(evaluation, STREAM_STDOUT, "out");
  struct stream_output *output = &evaluation->outputs->stream[STREAM_STDERR];
  output->path = xstrdup(file_path);
  output->bytes = output->head_bytes = 10;
  return evaluation;
}

static const struct row {
  const char *name, *method, *target, *body;
  struct evaluation *(*stored)(void);
  int status;         /* with memory */
  int status_without; /* 200: the answer is there, and says where the output is */
} rows[] = {
  {"a submission", "POST", "/v1/evaluations", "{\"command\":[\"true\"]}", with_both, 202, 503},
  {"a submission of the other API", "POST", "/api/eval", "{\"code\":\"1\"}", with_both, 200, 503},
  {"a batch", "POST", "/api/eval-batch", "{\"evaluations\":[{\"code\":\"1\"}]}", with_both, 202, 503},
  {"an execution", "POST", "/execute", "{\"eval_id\":\"20261122_195800_0000000a\",\"code\":\"1\"}", with_both, 200,
   503},
  {"an evaluation", "GET", URL, NULL, with_both, 200, 200},
  {"an evaluation with a file", "GET", URL, NULL, with_a_file, 200, 200},
  {"its end", "POST", URL "/cancel", NULL, with_both, 200, 200},
  {"what the other API shows of it", "GET", "/api/eval/" ID_FINISHED, NULL, with_both, 200, 503},
  {"a stream", "GET", URL "/stdout", NULL, with_both, 200, 503},
  {"both streams", "GET", URL "/output", NULL, with_both, 200, 503},
  {"both streams, one of a file", "GET", URL "/output", NULL, with_a_file, 200, 503},
};

/* Stores what was handed in, if anything was, and answers. */
static bool accept_submitted(struct fixture *fixture)
{
  struct evaluation *evaluation = TAKE_PTR(fixture->executor.submitted);
  if (!evaluation)
    return false;
  snprintf(evaluation->id, sizeof evaluation->id, "%s", ID_OPEN);
  evaluation->state = STATE_QUEUED;
  fake_open(&fixture->executor, evaluation);
  api_accepted(fixture->api, evaluation, fixture->executor.token, STORE_DONE, NULL);
  fake_forget(&fixture->executor, ID_OPEN);
  return true;
}

static struct http_request *ask(struct fixture *fixture, const struct row *row, bool *ret_accepted)
{
  struct http_request *request = fake_request(row->method, row->target);
  if (row->body)
    fake_request_body(request, row->body);
  fixture_handle(fixture, request);
  fake_store_dispatch(&fixture->store);
  *ret_accepted = accept_submitted(fixture);
  return request;
}

/* Fails at the allocation after `before` others; false when it did not come to that. */
static bool survives(struct fixture *fixture, const struct row *row, int before)
{
  bool accepted;
  scarce_memory(before);
  struct http_request *request = ask(fixture, row, &accepted);
  const bool failed = scarce_memory_failed();
  if (request->status != (failed ? row->status_without : row->status))
    fail_msg("%s, allocation %d: %d %s", row->name, before, request->status, request->answer.data);
  assert_int_equal(accepted, row->body && !failed);
  if (request->status == 503)
    assert_true(fake_answer_contains(request, "try again"));
  fake_request_destroy(request); /* fails unless it was answered once */
  return failed;
}

static void without_memory_a_request_is_refused_whole_and_later_answered(void **state)
{
  struct fixture *fixture = *state;
  CLEANUP_FD int fd = mkstemp(file_path);
  assert_true(fd >= 0 && fd_write_all(fd, "0123456789", 10));
  fixture->store.count = 1;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int before = 0;
    fixture->store.make[0] = rows[i].stored;
    while (survives(fixture, &rows[i], before))
      before++;
    if (!before)
      fail_msg("%s takes no memory that may be missing", rows[i].name);
  }
  unlink(file_path);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(without_memory_a_request_is_refused_whole_and_later_answered, crucible_set_up,
                                    fixture_tear_down),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
