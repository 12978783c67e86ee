/*
 * One exchange: from http_client_send() to `done`.
 *
 * Whether the server can have seen anything of a request is known from one thing only: libcurl says when it has a
 * connection and is about to use it (CURLOPT_PREREQFUNCTION). Its results do not tell, since it may send a request, lose
 * the connection, try another and fail to connect that one. So whatever went wrong before that moment is HTTP_NOT_SENT,
 * whatever went wrong after it HTTP_UNKNOWN.
 */

#include "base/memory.h"
#include "http/client_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 2000, RETRY_AFTER_S_MAX = 24 * 3600 };
enum { HEAD_BYTES_MAX = 64 * 1024, KEPT_BYTES_MAX = 1024 * 1024 };

/* Where it is. */

static void move_to(struct http_exchange *exchange, enum exchange_phase phase)
{
  struct http_client *client = exchange->client;
  TAILQ_REMOVE(&client->exchanges[exchange->phase], exchange, link);
  exchange->phase = phase;
  if (phase != EXCHANGE_OVER)
    TAILQ_INSERT_TAIL(&client->exchanges[phase], exchange, link);
}

void exchange_start(struct http_exchange *exchange)
{
  move_to(exchange, EXCHANGE_UNDER_WAY);
  exchange->client->under_way_count++;
  CURLMcode code = curl_multi_add_handle(exchange->client->multi, exchange->easy);
  ASSERT(code == CURLM_OK);
}

/* Off its list and out of libcurl's hands. */
static void leave(struct http_exchange *exchange)
{
  struct http_client *client = exchange->client;
  if (exchange->phase != EXCHANGE_WAITING) {
    curl_multi_remove_handle(client->multi, exchange->easy);
    client->under_way_count--;
  }
  move_to(exchange, EXCHANGE_OVER);
  if (!client->is_destroyed && !TAILQ_EMPTY(&client->exchanges[EXCHANGE_WAITING]))
    client_kick(client);
}

static void on_timer_closed(uv_handle_t *handle)
{
  free(handle->data);
}

static void release(struct http_exchange *exchange)
{
  curl_easy_cleanup(exchange->easy);
  curl_slist_free_all(exchange->headers);
  blob_unref(exchange->body);
  buffer_release(&exchange->kept);
  uv_close((uv_handle_t *)&exchange->timer, on_timer_closed);
}

void exchange_forget(struct http_exchange *exchange)
{
  leave(exchange);
  release(exchange);
}

void http_exchange_cancel(struct http_exchange *exchange)
{
  if (exchange->phase == EXCHANGE_OVER || exchange->phase == EXCHANGE_CANCELLED)
    return;
  if (exchange->client->is_in_curl && exchange->phase == EXCHANGE_UNDER_WAY)
    move_to(exchange, EXCHANGE_CANCELLED);
  else
    exchange_forget(exchange);
}

/* Its end. */

static unsigned retry_after_s(const struct http_exchange *exchange)
{
  curl_off_t seconds = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &seconds);
  if (seconds <= 0)
    return 0;
  return seconds > RETRY_AFTER_S_MAX ? RETRY_AFTER_S_MAX : (unsigned)seconds;
}

static void finish(struct http_exchange *exchange, enum http_outcome outcome)
{
  struct http_answer answer = {.outcome = outcome, .body = "", .message = exchange->message};
  if (outcome == HTTP_ANSWERED) {
    answer.status = http_exchange_status(exchange);
    answer.retry_after_s = retry_after_s(exchange);
    answer.body_size = exchange->kept.size;
    if (exchange->kept.size)
      answer.body = exchange->kept.data;
  }
  leave(exchange);
  exchange->done(exchange->context, &answer);
  release(exchange);
}

static enum http_outcome outcome_without_answer(const struct http_exchange *exchange)
{
  return exchange->is_sent ? HTTP_UNKNOWN : HTTP_NOT_SENT;
}

/* Says what went wrong, unless whoever stopped the exchange has said so. */
static void explain(struct http_exchange *exchange, CURLcode result)
{
  if (*exchange->message)
    return;
  /* Of a connection that could not be made libcurl tells the host of the URL, which a Unix socket does not have. */
  const char *why = *exchange->trouble ? exchange->trouble : curl_easy_strerror(result);
  if (result == CURLE_COULDNT_CONNECT) {
    long code = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &code);
    why = code ? strerror((int)code) : "refused";
  }
  snprintf(exchange->message, sizeof exchange->message, "%s %s: %s",
           exchange->is_sent ? "no whole answer from" : "no connection to", exchange->client->name, why);
}

void exchange_ended(struct http_exchange *exchange, CURLcode result)
{
  if (result == CURLE_OK) {
    finish(exchange, HTTP_ANSWERED);
    return;
  }
  explain(exchange, result);
  finish(exchange, outcome_without_answer(exchange));
}

/* Its time. */

static bool is_past(struct mono time)
{
  return mono_now().us >= time.us;
}

static uint64_t ms_until(struct mono time)
{
  struct mono now = mono_now();
  return time.us > now.us ? (time.us - now.us + 999) / 1000 : 0;
}

static void on_time(uv_timer_t *timer);

static void set_timer(struct http_exchange *exchange)
{
  uint64_t ms = UINT64_MAX;
  if (exchange->total_ms)
    ms = ms_until(mono_add_ms(exchange->begun, exchange->total_ms));
  if (exchange->idle_ms) {
    uint64_t idle_ms = ms_until(mono_add_ms(exchange->heard, exchange->idle_ms));
    ms = idle_ms < ms ? idle_ms : ms;
  }
  if (ms != UINT64_MAX)
    uv_timer_start(&exchange->timer, on_time, ms, 0);
}

/* The timer is not moved with every byte that comes; so it may find that it is too early. */
static void on_time(uv_timer_t *timer)
{
  struct http_exchange *exchange = timer->data;
  const char *name = exchange->client->name;
  if (exchange->total_ms && is_past(mono_add_ms(exchange->begun, exchange->total_ms)))
    snprintf(exchange->message, sizeof exchange->message, "%s %s within %u ms",
             exchange->is_sent ? "no whole answer from" : "no connection to", name, exchange->total_ms);
  else if (exchange->idle_ms && is_past(mono_add_ms(exchange->heard, exchange->idle_ms)))
    snprintf(exchange->message, sizeof exchange->message, "%s has been silent for %u ms", name, exchange->idle_ms);
  else {
    set_timer(exchange);
    return;
  }
  finish(exchange, outcome_without_answer(exchange));
}

/* What libcurl calls. */

static int on_connection(void *context, char *ip, char *local_ip, int port, int local_port)
{
  (void)ip, (void)local_ip, (void)port, (void)local_port;
  struct http_exchange *exchange = context;
  if (exchange->is_sent && !exchange->is_repeatable) {
    /* A kept connection broke after the request, and libcurl means to send it again: it may have been carried out. */
    snprintf(exchange->message, sizeof exchange->message, "%s closed the connection without an answer",
             exchange->client->name);
    return CURL_PREREQFUNC_ABORT;
  }
  exchange->is_sent = true;
  return CURL_PREREQFUNC_OK;
}

static size_t on_head(char *bytes, size_t one, size_t size, void *context)
{
  (void)bytes, (void)one;
  struct http_exchange *exchange = context;
  exchange->heard = mono_now();
  exchange->head_bytes += size;
  if (exchange->head_bytes <= HEAD_BYTES_MAX)
    return size;
  snprintf(exchange->message, sizeof exchange->message, "the head of the answer of %s is larger than %d bytes",
           exchange->client->name, HEAD_BYTES_MAX);
  return CURL_WRITEFUNC_ERROR;
}

static bool keep(struct http_exchange *exchange, const void *bytes, size_t size)
{
  if (size > exchange->kept_bytes_max - exchange->kept.size) {
    snprintf(exchange->message, sizeof exchange->message, "the answer of %s is larger than %zu bytes",
             exchange->client->name, exchange->kept_bytes_max);
    return false;
  }
  buffer_append(&exchange->kept, bytes, size);
  return true;
}

static bool hand_on(struct http_exchange *exchange, const void *bytes, size_t size)
{
  if (exchange->data(exchange->context, bytes, size))
    return true;
  snprintf(exchange->message, sizeof exchange->message, "the answer of %s was refused", exchange->client->name);
  return false;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
  (void)one;
  struct http_exchange *exchange = context;
  exchange->heard = mono_now();
  if (exchange->phase == EXCHANGE_CANCELLED)
    return CURL_WRITEFUNC_ERROR;
  bool is_taken = exchange->data ? hand_on(exchange, bytes, size) : keep(exchange, bytes, size);
  return is_taken ? size : CURL_WRITEFUNC_ERROR;
}

/* libcurl calls it for many reasons; what counts is whether bytes of a body went either way. */
static int on_progress(void *context, curl_off_t in_all, curl_off_t in, curl_off_t out_all, curl_off_t out)
{
  (void)in_all, (void)out_all;
  struct http_exchange *exchange = context;
  uint64_t bytes_moved = (uint64_t)in + (uint64_t)out;
  if (bytes_moved != exchange->bytes_moved)
    exchange->heard = mono_now();
  exchange->bytes_moved = bytes_moved;
  return 0;
}

static void set_callbacks(struct http_exchange *exchange)
{
  CURL *easy = exchange->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->trouble);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connection);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
}

/* Its beginning. */

struct http_exchange *http_client_send(struct http_client *client, const struct http_call *call)
{
  ASSERT(!client->is_destroyed && call->done);
  struct http_exchange *exchange = xcalloc(1, sizeof *exchange);
  exchange->client = client;
  exchange->kept_bytes_max = call->answer_bytes_max ? call->answer_bytes_max : KEPT_BYTES_MAX;
  exchange->data = call->data;
  exchange->done = call->done;
  exchange->context = call->context;
  exchange->total_ms = call->total_ms;
  exchange->idle_ms = call->idle_ms;
  exchange->begun = exchange->heard = mono_now();
  exchange->easy = curl_easy_duphandle(client->template);
  ASSERT(exchange->easy);
  curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect_ms ? call->connect_ms : CONNECT_MS));
  set_callbacks(exchange);
  exchange_prepare(exchange, call);
  uv_timer_init(client->loop, &exchange->timer);
  exchange->timer.data = exchange;
  set_timer(exchange);
  exchange->phase = EXCHANGE_WAITING;
  TAILQ_INSERT_TAIL(&client->exchanges[EXCHANGE_WAITING], exchange, link);
  client_kick(client);
  return exchange;
}

int http_exchange_status(const struct http_exchange *exchange)
{
  long status = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  return (int)status;
}
