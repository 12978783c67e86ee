#include "crucible_fixture.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void adjust(struct api_config *config)
{
  static const char *const patterns[] = {"python:*", NULL};
  static const struct backend_offer backends[] = {
    {.name = "native"}, {.name = "docker", .takes_images = true, .image = "python:3", .images = patterns}, {0}};
  config->backends = backends;
  config->crucible = true;
#define X(field, name, standard, least, most) config->limits_max.field = (most);
  LIMITS(X)
#undef X
}

int crucible_set_up(void **state)
{
  return fixture_set_up_with(state, adjust);
}

struct http_request *crucible_post(struct fixture *fixture, const char *path, const char *body)
{
  struct http_request *request = fake_request("POST", path);
  fake_request_header(request, "Content-Type", "application/json");
  if (body)
    fake_request_body(request, body);
  fixture_handle(fixture, request);
  return request;
}

struct evaluation *crucible_accept(struct fixture *fixture, const char *id)
{
  struct evaluation *evaluation = TAKE_PTR(fixture->executor.submitted);
  assert_non_null(evaluation);
  snprintf(evaluation->id, sizeof evaluation->id, "%s", id);
  evaluation->sequence = 1;
  evaluation->attempt = 1;
  evaluation->state = STATE_QUEUED;
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  fake_open(&fixture->executor, evaluation);
  api_accepted(fixture->api, evaluation, fixture->executor.token, STORE_DONE, NULL);
  return evaluation;
}

void crucible_refuse(struct fixture *fixture, enum store_result result, const char *standing_id)
{
  evaluation_destroy(TAKE_PTR(fixture->executor.submitted));
  api_accepted(fixture->api, NULL, fixture->executor.token, result, standing_id);
}

void crucible_finish(struct fixture *fixture, struct evaluation *evaluation, enum verdict_kind verdict)
{
  evaluation->state = STATE_FINISHED;
  evaluation->entered_at[STATE_FINISHED].ms = 3000;
  evaluation->verdict.kind = verdict;
  evaluation->verdict.exit_code = verdict == VERDICT_COMPLETED ? 0 : -1;
  evaluation->outputs = outputs_create();
  api_changed(fixture->api, evaluation);
}

void expect_answer(struct http_request *request, int status, const char *body)
{
  CLEANUP_FREE char *line = xasprintf("%s\n", body);
  assert_int_equal(request->answers, 1);
  assert_string_equal(request->answer.data, line);
  assert_int_equal(request->status, status);
  assert_string_equal(request->content_type, "application/json");
  fake_request_destroy(request);
}

void expect_member(struct http_request *request, int status, const char *text)
{
  assert_int_equal(request->answers, 1);
  if (!fake_answer_contains(request, text))
    assert_string_equal(request->answer.data, text);
  assert_int_equal(request->status, status);
  fake_request_destroy(request);
}

json_t *take_json(struct http_request *request, int status)
{
  assert_int_equal(request->answers, 1);
  assert_int_equal(request->status, status);
  json_t *json = json_loadb(request->answer.data, request->answer.size, JSON_ALLOW_NUL, NULL);
  assert_non_null(json);
  fake_request_destroy(request);
  return json;
}

static void fill(struct stream_output *stream, const char *text)
{
  stream->bytes = stream->head_bytes = strlen(text);
  stream->data = *text ? blob_create(text, strlen(text)) : NULL;
}

struct evaluation *with_output(struct evaluation *evaluation, const char *out, const char *err)
{
  fill(&evaluation->outputs->stream[STREAM_STDOUT], out);
  fill(&evaluation->outputs->stream[STREAM_STDERR], err);
  return evaluation;
}
