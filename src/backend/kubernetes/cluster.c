#include "backend/kubernetes/cluster.h"

#include "backend/backoff.h"
#include "backend/foreign.h"
#include "backend/kubernetes/credential.h"
#include "backend/kubernetes/pace.h"
#include "base/clock.h"
#include "base/printable.h"
#include "http/client.h"
#include "loop/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
  MEETING_MS_MAX = 10000,
  DELAY_MS_FIRST = 100, /* between two tries to meet it */
  DELAY_MS_MAX = 5000,
  CONNECT_MS_MAX = 10000, /* with TLS, on a server with much to do */
  WAIT_MS_MAX = 30000,    /* for a turn, where the server has too much to do */
  MESSAGE_SIZE = REASON_SIZE,
};
#define REFUSAL_BYTES_MAX KIB(64)

enum urgency { ORDINARY, URGENT, URGENCIES };

struct cluster_call {
  TAILQ_ENTRY(cluster_call) link;
  struct cluster *cluster;
  enum urgency urgency;
  bool waits; /* for its turn; else it is under way, or about to be answered */
  struct mono patience;
  char *method, *path, *body_type;
  struct blob *body;
  unsigned total_ms, idle_ms;
  size_t answer_bytes_max;
  enum cluster_shape shape;
  cluster_data *data;
  cluster_done *done;
  void *context;
  struct http_exchange *exchange;
  struct timer *unsent;  /* where it was not sent, and this is to be said */
  unsigned token;        /* its number, see credential.h */
  bool asked_twice;      /* with another token */
  struct buffer refusal; /* of a stream that turned out to be an error's text */
};
TAILQ_HEAD(call_list, cluster_call);

struct cluster {
  uv_loop_t *loop;
  struct http_client *client;
  struct cluster_events events;
  struct credential *credential;
  bool here;
  char version[CLUSTER_VERSION_SIZE];
  char trouble[MESSAGE_SIZE];
  struct timer *meeting;
  unsigned delay_ms;
  struct http_exchange *introduction;
  unsigned introduction_token;
  bool answered; /* another call was, since the introduction was begun */
  struct call_list waiting[URGENCIES], others;
  struct pace pace;
  struct timer *turn;
};

/* Meeting it. */

static void ask_version(void *context);

static void meet_later(struct cluster *cluster)
{
  timer_set(cluster->meeting, cluster->delay_ms);
  cluster->delay_ms = backoff_longer(cluster->delay_ms, DELAY_MS_MAX);
}

static void lose(struct cluster *cluster, const char *why)
{
  printable_copy(cluster->trouble, MESSAGE_SIZE, why);
  if (!cluster->here)
    return;
  cluster->here = false;
  cluster->events.away(cluster->events.context, cluster->trouble);
}

static bool read_version(struct cluster *cluster, const struct http_answer *answer, char why[static MESSAGE_SIZE])
{
  if (answer->outcome != HTTP_ANSWERED) {
    printable_copy(why, MESSAGE_SIZE, answer->message);
    return false;
  }
  if (answer->status != 200) {
    foreign_refusal(answer->body, answer->body_size, REFUSAL_BYTES_MAX, answer->status, why);
    return false;
  }
  json_t *json = foreign_json(answer->body, answer->body_size, why);
  const char *version = json_string_value(json_object_get(json, "gitVersion"));
  if (version) {
    char text[MESSAGE_SIZE];
    printable_copy(text, MESSAGE_SIZE, version);
    snprintf(cluster->version, sizeof cluster->version, "%.60s", text);
  } else if (json) {
    snprintf(why, MESSAGE_SIZE, "it does not say its version as Kubernetes does");
  }
  json_decref(json);
  return version != 0;
}

static void take_turns(void *context);

static void on_version(void *context, const struct http_answer *answer)
{
  struct cluster *cluster = context;
  char why[MESSAGE_SIZE] = "";
  cluster->introduction = 0;
  if (answer->outcome != HTTP_ANSWERED && cluster->here && cluster->answered)
    return; /* it is slow, and here */
  if (!read_version(cluster, answer, why)) {
    lose(cluster, why);
    if (answer->status == 401)
      credential_reject(cluster->credential, cluster->introduction_token);
    meet_later(cluster);
    return;
  }
  bool was_here = cluster->here;
  cluster->here = true;
  cluster->trouble[0] = 0;
  cluster->delay_ms = DELAY_MS_FIRST;
  if (!was_here)
    cluster->events.here(cluster->events.context);
}

static struct http_exchange *send_http(struct cluster *cluster, enum cluster_shape shape, struct http_call *call)
{
  static const char *const accept[CLUSTER_SHAPES] = {
    "Accept: application/json",
    "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
  };
  const char *const headers[] = {accept[shape], credential_header(cluster->credential), 0};
  call->headers = headers;
  call->connect_ms = CONNECT_MS_MAX;
  return http_client_send(cluster->client, call);
}

/* Without a token it is asked when there is one. */
static void ask_version(void *context)
{
  struct cluster *cluster = context;
  enum credential_state state = credential_state(cluster->credential);
  if (cluster->introduction)
    return;
  if (state != CREDENTIAL_READY) {
    if (state == CREDENTIAL_MISSING || !cluster->here)
      lose(cluster, credential_trouble(cluster->credential));
    return;
  }
  cluster->answered = false;
  cluster->introduction_token = credential_number(cluster->credential);
  cluster->introduction = send_http(cluster, CLUSTER_WHOLE,
                                    &(struct http_call){.method = "GET",
                                                        .path = "/version",
                                                        .total_ms = MEETING_MS_MAX,
                                                        .answer_bytes_max = REFUSAL_BYTES_MAX,
                                                        .done = on_version,
                                                        .context = cluster});
}

/* A call was not answered, or could not be sent at all: is it still here? */
static void doubt(struct cluster *cluster)
{
  if (!cluster->introduction && !timer_pending(cluster->meeting))
    timer_set(cluster->meeting, 0);
}

/* Ending a call. */

static struct call_list *list_of(struct cluster_call *call)
{
  return call->waits ? &call->cluster->waiting[call->urgency] : &call->cluster->others;
}

static void free_call(struct cluster_call *call)
{
  TAILQ_REMOVE(list_of(call), call, link);
  timer_destroy(call->unsent);
  buffer_release(&call->refusal);
  blob_unref(call->body);
  free(call->method);
  free(call->path);
  free(call->body_type);
  free(call);
}

void cluster_call_cancel(struct cluster_call *call)
{
  if (!call)
    return;
  if (call->exchange)
    http_exchange_cancel(call->exchange);
  free_call(call);
}

/* The call is over before its owner hears of it, so that he may do as he likes. */
static void end_call(struct cluster_call *call, const struct cluster_answer *answer)
{
  cluster_done *done = call->done;
  void *context = call->context;
  free_call(call);
  done(context, answer);
}

static enum cluster_outcome outcome_of(int status)
{
  static const struct {
    int status;
    enum cluster_outcome outcome;
  } known[] = {
    {401, CLUSTER_FORBIDDEN}, {403, CLUSTER_FORBIDDEN}, {404, CLUSTER_ABSENT},
    {409, CLUSTER_CONFLICT},  {410, CLUSTER_GONE},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].status == status)
      return known[i].outcome;
  if (status >= 200 && status < 300)
    return CLUSTER_DONE;
  if (status >= 400 && status < 500)
    return CLUSTER_REFUSED;
  return status >= 500 ? CLUSTER_FAILED : CLUSTER_UNKNOWN;
}

static void on_answered(struct cluster_call *call, const struct http_answer *answer)
{
  char message[MESSAGE_SIZE] = "";
  struct cluster_answer told = {.outcome = outcome_of(answer->status), .message = message};
  json_t *body = 0;
  if (told.outcome != CLUSTER_DONE) {
    bool kept = answer->body_size > 0;
    foreign_refusal(kept ? answer->body : call->refusal.data, kept ? answer->body_size : call->refusal.size,
                    REFUSAL_BYTES_MAX, answer->status, message);
  } else if (!call->data) {
    told.body = body = foreign_json(answer->body, answer->body_size, message);
    if (!body)
      told.outcome = CLUSTER_UNKNOWN;
  }
  end_call(call, &told);
  json_decref(body);
}

/* Turns. */

static void put_in_queue(struct cluster_call *call)
{
  if (!call->waits)
    TAILQ_REMOVE(&call->cluster->others, call, link);
  call->waits = true;
  TAILQ_INSERT_TAIL(&call->cluster->waiting[call->urgency], call, link);
}

static bool too_busy(const struct http_answer *answer)
{
  return answer->status == 429 || (answer->status == 503 && answer->retry_after_s);
}

static bool ask_again(struct cluster_call *call, const struct http_answer *answer)
{
  struct cluster *cluster = call->cluster;
  if (answer->status == 401 && !call->asked_twice && credential_reject(cluster->credential, call->token)) {
    call->asked_twice = true;
  } else if (too_busy(answer) && mono_now().us < call->patience.us) {
    pace_pause(&cluster->pace, answer->retry_after_s, mono_now());
  } else {
    return false;
  }
  buffer_clear(&call->refusal);
  put_in_queue(call);
  if (!timer_pending(cluster->turn))
    timer_set(cluster->turn, call->urgency == URGENT ? DELAY_MS_FIRST : 0);
  return true;
}

static void on_done(void *context, const struct http_answer *answer)
{
  struct cluster_call *call = context;
  call->exchange = 0;
  if (answer->outcome == HTTP_ANSWERED) {
    call->cluster->answered = true;
    if (!ask_again(call, answer))
      on_answered(call, answer);
    return;
  }
  char message[MESSAGE_SIZE];
  printable_copy(message, MESSAGE_SIZE, answer->message);
  bool sent = answer->outcome != HTTP_NOT_SENT;
  doubt(call->cluster);
  end_call(call, &(struct cluster_answer){.outcome = sent ? CLUSTER_UNKNOWN : CLUSTER_NOT_SENT, .message = message});
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct cluster_call *call = context;
  if (http_exchange_status(call->exchange) == 200)
    return call->data(call->context, bytes, size);
  if (call->refusal.size + size <= REFUSAL_BYTES_MAX)
    buffer_append(&call->refusal, bytes, size);
  return true;
}

static void take_from_queue(struct cluster_call *call)
{
  TAILQ_REMOVE(&call->cluster->waiting[call->urgency], call, link);
  call->waits = false;
  TAILQ_INSERT_TAIL(&call->cluster->others, call, link);
}

static void send_call(struct cluster_call *call)
{
  struct cluster *cluster = call->cluster;
  take_from_queue(call);
  call->token = credential_number(cluster->credential);
  call->exchange = send_http(cluster, call->shape,
                             &(struct http_call){.method = call->method,
                                                 .path = call->path,
                                                 .body = call->body,
                                                 .body_type = call->body_type,
                                                 .total_ms = call->total_ms,
                                                 .idle_ms = call->idle_ms,
                                                 .answer_bytes_max = call->answer_bytes_max,
                                                 .data = call->data ? on_data : 0,
                                                 .done = on_done,
                                                 .context = call});
}

static void on_unsent(void *context)
{
  struct cluster_call *call = context;
  char message[MESSAGE_SIZE];
  printable_copy(message, MESSAGE_SIZE, call->cluster->trouble);
  end_call(call, &(struct cluster_answer){.outcome = CLUSTER_NOT_SENT, .message = message});
}

/* Its owner hears of it on the loop's next turn. */
static void leave_unsent(struct cluster_call *call)
{
  call->unsent = timer_make(call->cluster->loop, on_unsent, call);
  timer_set(call->unsent, 0);
}

/* Nobody says who we are, and for now nobody will. */
static void leave_all_unsent(struct cluster *cluster)
{
  lose(cluster, credential_trouble(cluster->credential));
  for (int urgency = 0; urgency < URGENCIES; urgency++)
    for (struct cluster_call *call; (call = TAILQ_FIRST(&cluster->waiting[urgency]));) {
      take_from_queue(call);
      leave_unsent(call);
    }
}

/* While there is no token they wait; on_credential() comes when there is one. */
static void take_turns(void *context)
{
  struct cluster *cluster = context;
  enum credential_state state = credential_state(cluster->credential);
  if (state == CREDENTIAL_MISSING)
    leave_all_unsent(cluster);
  if (state != CREDENTIAL_READY)
    return;
  for (int urgency = URGENCIES - 1; urgency >= 0; urgency--) {
    struct call_list *waiting = &cluster->waiting[urgency];
    while (!TAILQ_EMPTY(waiting)) {
      uint64_t wait_us = pace_wait_us(&cluster->pace, urgency == URGENT, mono_now());
      if (wait_us) {
        timer_set(cluster->turn, wait_us / 1000 + 1);
        break;
      }
      pace_take(&cluster->pace);
      send_call(TAILQ_FIRST(waiting));
    }
  }
}

struct cluster_call *cluster_send(struct cluster *cluster, const struct cluster_request *request)
{
  struct cluster_call *call = xcalloc(1, sizeof *call);
  *call = (struct cluster_call){
    .cluster = cluster,
    .urgency = request->urgent ? URGENT : ORDINARY,
    .patience = mono_add_ms(mono_now(), WAIT_MS_MAX),
    .method = xstrdup(request->method),
    .path = xstrdup(request->path),
    .body_type = xstrdup(request->body && !request->body_type ? "application/json" : request->body_type),
    .body = blob_ref(request->body),
    .total_ms = request->total_ms,
    .idle_ms = request->idle_ms,
    .answer_bytes_max = request->answer_bytes_max,
    .shape = request->shape,
    .data = request->data,
    .done = request->done,
    .context = request->context,
  };
  TAILQ_INSERT_TAIL(&cluster->others, call, link);
  if (cluster->here) {
    put_in_queue(call);
    timer_set(cluster->turn, 0);
  } else {
    leave_unsent(call);
  }
  return call;
}

/* Making and ending it. */

static void on_credential(void *context)
{
  struct cluster *cluster = context;
  timer_set(cluster->turn, 0);
  if (!cluster->here || credential_state(cluster->credential) == CREDENTIAL_MISSING)
    timer_set(cluster->meeting, 0);
}

struct cluster *cluster_create(uv_loop_t *loop, const struct kubeconfig *config, unsigned connections_max,
                               unsigned calls_per_s, const struct cluster_events *events, struct error *error)
{
  struct http_endpoint endpoint = {
    .url = config->server,
    .ca_path = config->ca_path,
    .cert_path = config->cert_path,
    .key_path = config->key_path,
    .ca_pem = config->ca_pem,
    .cert_pem = config->cert_pem,
    .key_pem = config->key_pem,
    .insecure = config->insecure,
    .connections_max = connections_max,
  };
  struct http_client *client = http_client_create(loop, &endpoint, error);
  if (!client)
    return 0;
  struct cluster *cluster = xcalloc(1, sizeof *cluster);
  cluster->loop = loop;
  cluster->client = client;
  cluster->events = *events;
  cluster->delay_ms = DELAY_MS_FIRST;
  pace_begin(&cluster->pace, calls_per_s, mono_now());
  TAILQ_INIT(&cluster->others);
  for (int i = 0; i < URGENCIES; i++)
    TAILQ_INIT(&cluster->waiting[i]);
  cluster->turn = timer_make(loop, take_turns, cluster);
  cluster->meeting = timer_make(loop, ask_version, cluster);
  snprintf(cluster->trouble, sizeof cluster->trouble, "it has not answered yet");
  cluster->credential = credential_create(loop, config, on_credential, cluster);
  timer_set(cluster->meeting, 0);
  return cluster;
}

static void forget_all(struct call_list *list)
{
  struct cluster_call *next;
  for (struct cluster_call *call = TAILQ_FIRST(list); call; call = next) {
    next = TAILQ_NEXT(call, link);
    free_call(call);
  }
}

void cluster_destroy(struct cluster *cluster)
{
  if (!cluster)
    return;
  http_client_destroy(cluster->client);
  forget_all(&cluster->others);
  for (int i = 0; i < URGENCIES; i++)
    forget_all(&cluster->waiting[i]);
  timer_destroy(cluster->meeting);
  timer_destroy(cluster->turn);
  credential_destroy(cluster->credential);
  free(cluster);
}

bool cluster_here(const struct cluster *cluster)
{
  return cluster->here;
}

const char *cluster_trouble(const struct cluster *cluster)
{
  return cluster->trouble;
}

const char *cluster_version(const struct cluster *cluster)
{
  return cluster->version;
}
