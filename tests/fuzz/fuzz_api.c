/*
 * A whole request to the API, from its bytes to its answer, between the fakes of the unit tests: whatever it asks,
 *
 * - it is answered exactly once, with a status that means something, or waits and is let go;
 * - what says that it is JSON is JSON, and a problem has the status of its answer;
 * - a submission is acknowledged if and only if it was stored; what was refused has left nothing with the executor;
 * - a part of an output has as many bytes as its Content-Range says.
 */

#include "api/api.h"
#include "api/api_impl.h"
#include "base/fd.h"
#include "fake_world.h"
#include "http/parser.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID_OPEN "20261122_195800_00000001"
#define ID_FINISHED "20261122_195800_00000002"
#define ID_FILED "20261122_195800_00000003"

static const struct parser_limits limits = {.head_bytes_max = 4096, .body_bytes_max = 64 * 1024};
static char filed_path[] = "/tmp/assay-fuzz-api-XXXXXX";
static const char filed_bytes[] = "an output that is kept in a file of its own";

static uv_loop_t loop;
static struct executor executor;
static struct store store;
static struct api *api;
static char connection; /* only its address counts */

/* The answer, in place of the server's. */

static struct answer {
  unsigned times;
  int status;
  char type[64], range[96];
  struct buffer body;
} answer;

static void note_answer(const struct http_response *response)
{
  answer.times++;
  answer.status = response->status;
  answer.type[0] = answer.range[0] = 0;
  snprintf(answer.type, sizeof answer.type, "%s", response->content_type ? response->content_type : "");
  for (const struct http_header_field *field = response->fields; field && field->name; field++) {
    ASSERT(!field->value[strcspn(field->value, "\r\n")]);
    if (strcmp(field->name, "Content-Range") == 0)
      snprintf(answer.range, sizeof answer.range, "%s", field->value);
  }
}

void http_respond(struct http_request *request, const struct http_response *response, struct buffer *body)
{
  (void)request;
  note_answer(response);
  buffer_clear(&answer.body);
  if (body)
    buffer_append(&answer.body, body->data, body->size);
  buffer_release(body);
}

void http_respond_file(struct http_request *request, const struct http_response *response, int fd, uint64_t offset,
                       uint64_t length)
{
  (void)request;
  note_answer(response);
  ASSERT(offset + length <= sizeof filed_bytes - 1);
  buffer_clear(&answer.body);
  buffer_append(&answer.body, filed_bytes + offset, length);
  fd_close(fd);
}

/* Whoever follows takes all that he is sent, and leaves. */
struct http_stream {
  struct http_stream_events events;
  bool is_open;
};
static struct http_stream stream;

struct http_stream *http_respond_stream(struct http_request *request, const struct http_response *response,
                                        const struct http_stream_events *events)
{
  note_answer(response);
  buffer_clear(&answer.body);
  if (strcmp(http_method(request), "HEAD") == 0)
    return NULL;
  stream = (struct http_stream){*events, true};
  return &stream;
}

bool http_stream_is_ready(const struct http_stream *of)
{
  return of->is_open;
}

bool http_stream_send(struct http_stream *to, struct blob *piece)
{
  ASSERT(to->is_open && piece->size);
  buffer_append(&answer.body, piece->data, piece->size);
  return true;
}

void http_stream_end(struct http_stream *ended)
{
  ASSERT(ended->is_open);
  ended->is_open = false;
}

void http_stream_cut(struct http_stream *cut)
{
  http_stream_end(cut);
}

static void leave_stream(void)
{
  if (!stream.is_open)
    return;
  stream.is_open = false;
  stream.events.gone(stream.events.context);
}

void http_peer(const struct http_request *request, char ret[static HTTP_PEER_SIZE])
{
  (void)request;
  snprintf(ret, HTTP_PEER_SIZE, "127.0.0.1");
}

void http_body_release(struct http_request *request)
{
  buffer_release(&request->body);
}

/* A body is whole before it is handed over. */

void http_body_on_arrival(struct http_request *request, void (*arrived)(void *context), void *context)
{
  request->arrived = arrived;
  request->arrived_context = context;
}

void http_body_consume(struct http_request *request, size_t size)
{
  buffer_consume(&request->body, size);
}

void http_body_read_on(struct http_request *request)
{
  (void)request;
}

/* What there is. */

static struct evaluation *make_finished(void)
{
  static const char out[] = "head\xc3tail\x1b[31m", err[] = "\xff\n",
                    order[] = {0, 3, 0, 0, 0, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0};
  struct evaluation *evaluation = fake_evaluation(ID_FINISHED, 8, STATE_FINISHED);
  evaluation->outputs->stream[STREAM_STDOUT] = (struct stream_output){
    .bytes = 100 + sizeof out - 1, .omitted_bytes = 100, .head_bytes = 5, .data = blob_create(out, sizeof out - 1)};
  evaluation->outputs->stream[STREAM_STDERR] = (struct stream_output){
    .bytes = sizeof err - 1, .head_bytes = sizeof err - 1, .data = blob_create(err, sizeof err - 1)};
  evaluation->outputs->order = blob_create(order, sizeof order);
  return evaluation;
}

static struct evaluation *make_filed(void)
{
  struct evaluation *evaluation = fake_evaluation(ID_FILED, 7, STATE_FINISHED);
  evaluation->outputs->stream[STREAM_STDOUT] = (struct stream_output){
    .bytes = sizeof filed_bytes - 1, .head_bytes = sizeof filed_bytes - 1, .path = xstrdup(filed_path)};
  return evaluation;
}

static void doctor(void *context, struct buffer *ret)
{
  (void)context;
  buffer_puts(ret, "{\"isolation\":\"full\"}");
}

static void remove_file(void)
{
  unlink(filed_path);
}

static void open_all(void)
{
  static const char *const patterns[] = {"python:*", NULL};
  static const struct backend_offer backends[] = {
    {.name = "native"}, {.name = "docker", .takes_images = true, .image = "python:3", .images = patterns}, {0}};
  CLEANUP_FD int filed = mkstemp(filed_path);
  ASSERT(filed >= 0 && fd_write_all(filed, filed_bytes, sizeof filed_bytes - 1) && uv_loop_init(&loop) == 0);
  atexit(remove_file);
  executor.takes_at_once = FAKE_EVALUATIONS_MAX / 2;
  executor.refusal = (struct error){.kind = ERROR_OVERLOADED, .message = "the queue is full"};
  fake_open(&executor, fake_evaluation(ID_OPEN, 9, STATE_RUNNING));
  store.make[store.count++] = make_finished;
  store.make[store.count++] = make_filed;
  const struct api_config config = {
    .executor = &executor,
    .store = &store,
    .loop = &loop,
    .runtimes = runtimes_create(),
    .limits_default = limits_default(),
    .limits_max = limits_most(),
    .backends = backends,
    .version = "1.2.3",
    .crucible = true,
    .doctor = doctor,
  };
  api = api_create(&config);
}

/* What comes of a submission: it is stored and finished, or it cannot be stored. */

static unsigned accepted, refused;

static void finish(struct evaluation *evaluation)
{
  evaluation->state = STATE_FINISHED;
  evaluation->entered_at[STATE_FINISHED].ms = 3000;
  evaluation->verdict.kind = VERDICT_COMPLETED;
  evaluation->verdict.exit_code = 0;
  api_changed(api, evaluation);
  fake_forget(&executor, evaluation->id);
}

static void decide(struct evaluation *evaluation, void *token, enum store_result result)
{
  if (result != STORE_DONE) {
    refused++;
    evaluation_destroy(evaluation);
    api_accepted(api, NULL, token, result, ID_FINISHED);
    return;
  }
  snprintf(evaluation->id, sizeof evaluation->id, "20261122_195800_0000010%x", accepted++ % 16);
  evaluation->sequence = 10;
  evaluation->attempt = 1;
  evaluation->state = STATE_QUEUED;
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  fake_open(&executor, evaluation);
  api_accepted(api, evaluation, token, STORE_DONE, NULL);
  finish(evaluation);
}

static void decide_all(enum store_result result)
{
  while (executor.earlier_count) {
    const size_t last = --executor.earlier_count;
    decide(executor.earlier[last].evaluation, executor.earlier[last].token, result);
  }
  struct evaluation *evaluation = TAKE_PTR(executor.submitted);
  if (evaluation)
    decide(evaluation, executor.token, result);
}

static void cancel_all(void)
{
  while (executor.cancelled_count) {
    const size_t last = --executor.cancelled_count;
    api_cancelled(api, executor.cancelled[last].id, executor.cancelled[last].token, STORE_DONE);
  }
}

/* What must be true of an answer. */

static void check_json(void)
{
  json_t *json = json_loadb(answer.body.data, answer.body.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  ASSERT(json);
  if (strcmp(answer.type, "application/problem+json") == 0)
    ASSERT(json_integer_value(json_object_get(json, "status")) == answer.status && answer.status >= 400);
  json_decref(json);
}

static void check_range(void)
{
  unsigned long long first, last, all;
  ASSERT(sscanf(answer.range, "bytes %llu-%llu/%llu", &first, &last, &all) == 3);
  ASSERT(first <= last && last < all && answer.body.size == last - first + 1);
}

static void check_answer(const struct http_request *request)
{
  ASSERT(answer.times == 1 && answer.status >= 200 && answer.status < 600 && answer.status != 500);
  if (strstr(answer.type, "json"))
    check_json();
  if (answer.status == 206)
    check_range();
  if (strcmp(answer.type, "text/event-stream") == 0 && answer.body.size)
    ASSERT(answer.body.size >= 2 && !memcmp(answer.body.data + answer.body.size - 2, "\n\n", 2));
  if (strcmp(http_path(request), "/v1/evaluations") == 0 && strcmp(http_method(request), "POST") == 0)
    ASSERT((accepted > 0) == (answer.status == 202 || answer.status == 200) || refused || answer.status == 503);
}

static void ask(struct http_request *request, enum store_result result)
{
  request->connection = (struct connection *)(void *)&connection;
  answer.times = accepted = refused = 0;
  api_handle(api, request);
  fake_store_dispatch(&store);
  decide_all(result);
  cancel_all();
  fake_store_dispatch(&store);
  if (!answer.times && request->gone) /* it waits: its client leaves */
    request->gone(request->gone_context);
  leave_stream();
  check_answer(request);
  ASSERT(!store.call_count && !executor.submitted && !waiters_count(api->waiters));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const enum store_result results[] = {STORE_DONE, STORE_DONE, STORE_STANDS, STORE_CONFLICT, STORE_FAILED};
  if (!api)
    open_all();
  struct http_request *request = request_create();
  struct http_parser parser;
  parser_init(&parser, &limits, request);
  parser_feed(&parser, (const char *)data, size);
  if (parser.state == PARSE_COMPLETE)
    ask(request, results[size % (sizeof results / sizeof *results)]);
  parser_release(&parser);
  request_destroy(request);
  return 0;
}
