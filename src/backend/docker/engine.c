#include "backend/docker/engine_impl.h"

#include "backend/backoff.h"
#include "backend/foreign.h"
#include "base/printable.h"
#include "loop/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  API_MINOR_MAX = 44, /* the newest that this code was read against; older and newer engines speak it */
  MEETING_MS_MAX = 5000,
  DELAY_MS_FIRST = 100, /* between two tries to meet it */
  DELAY_MS_MAX = 5000,
  CONNECT_MS_MAX = 2000,
};
#define MEETING_BYTES_MAX MIB(1)
/* Of the body of an answer that tells of an error. */
#define REFUSAL_BYTES_MAX KIB(16)

struct engine {
  struct http_client *client;
  struct engine_events events;
  struct engine_facts facts;
  bool here;
  char prefix[16]; /* "/v1.41" */
  char trouble[REASON_SIZE];
  struct timer *meeting; /* when to try next */
  unsigned delay_ms;
  struct http_exchange *introduction; /* one of the two questions of a meeting is under way */
  struct blob *version;               /* the answer to the first */
  struct engine_call *calls;          /* all that are under way */
  uv_loop_t *loop;
};

struct engine_call {
  struct engine *engine;
  struct http_exchange *exchange; /* NULL: it was not sent, and the timer says so */
  struct timer *unsent;
  bool json;
  engine_data *data;
  engine_done *done;
  void *context;
  struct buffer refusal; /* of a stream that turned out to be an error's text */
  struct engine_call *next, *previous;
};

/* Meeting it. */

static void ask_version(struct engine *engine);

static void on_meeting(void *context)
{
  ask_version(context);
}

static void meet_later(struct engine *engine)
{
  timer_set(engine->meeting, engine->delay_ms);
  engine->delay_ms = backoff_longer(engine->delay_ms, DELAY_MS_MAX);
}

/* It was here, and is not. */
static void lose(struct engine *engine, const char *why)
{
  if (!engine->here)
    return;
  engine->here = false;
  printable_copy(engine->trouble, REASON_SIZE, why);
  engine->events.away(engine->events.context, engine->trouble);
}

static void meeting_failed(struct engine *engine, const char *why)
{
  lose(engine, why);
  printable_copy(engine->trouble, REASON_SIZE, why);
  meet_later(engine);
}

static void introduce(struct engine *engine, const char *path,
                      void (*done)(void *context, const struct http_answer *answer))
{
  engine->introduction = http_client_send(engine->client, &(struct http_call){
                                                            .method = "GET",
                                                            .path = path,
                                                            .connect_ms = CONNECT_MS_MAX,
                                                            .total_ms = MEETING_MS_MAX,
                                                            .answer_bytes_max = MEETING_BYTES_MAX,
                                                            .done = done,
                                                            .context = engine,
                                                          });
}

/* False where it is not an answer that says 200. */
static bool introduction_answered(struct engine *engine, const struct http_answer *answer)
{
  engine->introduction = 0;
  if (answer->outcome != HTTP_ANSWERED) {
    meeting_failed(engine, answer->message);
    return false;
  }
  if (answer->status == 200)
    return true;
  char why[REASON_SIZE];
  snprintf(why, sizeof why, "it answers with status %d when asked what it is", answer->status);
  meeting_failed(engine, why);
  return false;
}

static void on_info(void *context, const struct http_answer *answer)
{
  struct engine *engine = context;
  CLEANUP_BLOB struct blob *version = TAKE_PTR(engine->version);
  if (!introduction_answered(engine, answer))
    return;
  struct error error;
  if (!engine_facts_decode(version->data, version->size, answer->body, answer->body_size, &engine->facts, &error)) {
    meeting_failed(engine, error.message);
    return;
  }
  bool was_here = engine->here;
  engine->here = true;
  engine->trouble[0] = 0;
  engine->delay_ms = DELAY_MS_FIRST;
  if (!was_here)
    engine->events.here(engine->events.context);
}

/* The version that both speak. 0: there is none, and `why` says so. */
static unsigned choose_api_minor(const struct engine_facts *facts, char why[static REASON_SIZE])
{
  unsigned minor = facts->api_minor < API_MINOR_MAX ? facts->api_minor : API_MINOR_MAX;
  if (facts->api_major != API_MAJOR || minor < API_MINOR_MIN) {
    snprintf(why, REASON_SIZE, "version %s is too old: its API is %u.%u, and Assay needs %d.%d (Docker 20.10)",
             facts->version, facts->api_major, facts->api_minor, API_MAJOR, API_MINOR_MIN);
    return 0;
  }
  if (minor < facts->api_minor_min) {
    snprintf(why, REASON_SIZE, "version %s is too new: it speaks no API before %d.%u, and Assay's is %d.%d",
             facts->version, API_MAJOR, facts->api_minor_min, API_MAJOR, API_MINOR_MAX);
    return 0;
  }
  return minor;
}

static void on_version(void *context, const struct http_answer *answer)
{
  struct engine *engine = context;
  if (!introduction_answered(engine, answer))
    return;
  struct engine_facts facts;
  struct error error;
  char why[REASON_SIZE];
  if (!engine_facts_decode(answer->body, answer->body_size, 0, 0, &facts, &error)) {
    meeting_failed(engine, error.message);
    return;
  }
  unsigned minor = choose_api_minor(&facts, why);
  if (!minor) {
    meeting_failed(engine, why);
    return;
  }
  snprintf(engine->prefix, sizeof engine->prefix, "/v%d.%u", API_MAJOR, minor);
  engine->version = blob_create(answer->body, answer->body_size);
  char path[32];
  snprintf(path, sizeof path, "%s/info", engine->prefix);
  introduce(engine, path, on_info);
}

static void ask_version(struct engine *engine)
{
  introduce(engine, "/version", on_version);
}

/* A call was not answered, or could not be sent at all. */
static void doubt(struct engine *engine, bool sent, const char *why)
{
  if (!sent)
    lose(engine, why);
  if (!engine->introduction && !timer_pending(engine->meeting))
    timer_set(engine->meeting, sent ? 0 : DELAY_MS_FIRST);
}

/* Calls. */

static void link_call(struct engine_call *call)
{
  struct engine *engine = call->engine;
  call->next = engine->calls;
  if (engine->calls)
    engine->calls->previous = call;
  engine->calls = call;
}

static void unlink_call(struct engine_call *call)
{
  *(call->previous ? &call->previous->next : &call->engine->calls) = call->next;
  if (call->next)
    call->next->previous = call->previous;
}

static void free_call(struct engine_call *call)
{
  timer_destroy(call->unsent);
  buffer_release(&call->refusal);
  free(call);
}

void engine_call_cancel(struct engine_call *call)
{
  if (!call)
    return;
  if (call->exchange)
    http_exchange_cancel(call->exchange);
  unlink_call(call);
  free_call(call);
}

/* The call is over before its owner hears of it, so that he may do as he likes, even destroy the engine. */
static void end_call(struct engine_call *call, const struct engine_answer *answer)
{
  engine_done *done = call->done;
  void *context = call->context;
  unlink_call(call);
  free_call(call);
  done(context, answer);
}

static enum engine_outcome outcome_of(int status)
{
  if ((status >= 200 && status < 300) || status == 304) /* 304: it was started, or stopped, before */
    return ENGINE_DONE;
  if (status == 404)
    return ENGINE_ABSENT;
  if (status == 409)
    return ENGINE_CONFLICT;
  if (status >= 400 && status < 500)
    return ENGINE_REFUSED;
  return status >= 500 ? ENGINE_FAILED : ENGINE_UNKNOWN;
}

static void on_answered(struct engine_call *call, const struct http_answer *answer)
{
  char message[REASON_SIZE] = "";
  struct engine_answer told = {.outcome = outcome_of(answer->status), .message = message};
  json_t *body = 0;
  if (told.outcome != ENGINE_DONE) {
    bool kept = answer->body_size > 0;
    foreign_refusal(kept ? answer->body : call->refusal.data, kept ? answer->body_size : call->refusal.size,
                    REFUSAL_BYTES_MAX, answer->status, message);
  } else if (call->json) {
    body = foreign_json(answer->body, answer->body_size, message);
    told.body = body;
    if (!body)
      told.outcome = ENGINE_UNKNOWN;
  }
  end_call(call, &told);
  json_decref(body);
}

static void on_done(void *context, const struct http_answer *answer)
{
  struct engine_call *call = context;
  struct engine *engine = call->engine;
  call->exchange = 0;
  if (answer->outcome == HTTP_ANSWERED) {
    on_answered(call, answer);
    return;
  }
  char message[REASON_SIZE];
  printable_copy(message, REASON_SIZE, answer->message);
  bool sent = answer->outcome != HTTP_NOT_SENT;
  doubt(engine, sent, message);
  end_call(call, &(struct engine_answer){.outcome = sent ? ENGINE_UNKNOWN : ENGINE_NOT_SENT, .message = message});
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct engine_call *call = context;
  if (http_exchange_status(call->exchange) == 200)
    return call->data(call->context, bytes, size);
  if (call->refusal.size + size <= REFUSAL_BYTES_MAX)
    buffer_append(&call->refusal, bytes, size);
  return true;
}

static void on_unsent(void *context)
{
  struct engine_call *call = context;
  char message[REASON_SIZE];
  printable_copy(message, REASON_SIZE, call->engine->trouble);
  end_call(call, &(struct engine_answer){.outcome = ENGINE_NOT_SENT, .message = message});
}

struct engine_call *engine_send(struct engine *engine, const struct engine_request *request)
{
  struct engine_call *call = xcalloc(1, sizeof *call);
  *call = (struct engine_call){
    .engine = engine, .json = request->json, .data = request->data, .done = request->done, .context = request->context};
  link_call(call);
  if (!engine->here) {
    call->unsent = timer_make(engine->loop, on_unsent, call);
    timer_set(call->unsent, 0);
    return call;
  }
  CLEANUP_FREE char *path = xasprintf("%s%s", engine->prefix, request->path);
  call->exchange = http_client_send(engine->client, &(struct http_call){
                                                      .method = request->method,
                                                      .path = path,
                                                      .body = request->body,
                                                      .body_type = request->body_type,
                                                      .connect_ms = CONNECT_MS_MAX,
                                                      .total_ms = request->total_ms,
                                                      .idle_ms = request->idle_ms,
                                                      .answer_bytes_max = request->answer_bytes_max,
                                                      .data = request->data ? on_data : 0,
                                                      .done = on_done,
                                                      .context = call,
                                                    });
  return call;
}

/* Making and ending it. */

struct engine *engine_create(uv_loop_t *loop, const struct http_endpoint *endpoint, const struct engine_events *events,
                             struct error *error)
{
  struct http_client *client = http_client_create(loop, endpoint, error);
  if (!client)
    return 0;
  struct engine *engine = xcalloc(1, sizeof *engine);
  engine->client = client;
  engine->events = *events;
  engine->loop = loop;
  engine->delay_ms = DELAY_MS_FIRST;
  engine->meeting = timer_make(loop, on_meeting, engine);
  snprintf(engine->trouble, sizeof engine->trouble, "it has not answered yet");
  timer_set(engine->meeting, 0);
  return engine;
}

void engine_destroy(struct engine *engine)
{
  if (!engine)
    return;
  http_client_destroy(engine->client);
  for (struct engine_call *call = engine->calls, *next; call; call = next) {
    next = call->next;
    free_call(call);
  }
  timer_destroy(engine->meeting);
  blob_unref(engine->version);
  free(engine);
}

bool engine_here(const struct engine *engine)
{
  return engine->here;
}

const struct engine_facts *engine_facts(const struct engine *engine)
{
  return &engine->facts;
}

const char *engine_trouble(const struct engine *engine)
{
  return engine->trouble;
}
