/*
 * One exchange: from http_client_send() to `done`, and the time between.
 *
 * What libcurl carries out is answered, or it tells why not; then outcome_without_answer() decides between
 * HTTP_NOT_SENT and HTTP_UNKNOWN (see client_transfer.c). Time that is up ends an exchange in the same way.
 */

#include "base/memory.h"
#include "http/client_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_MIN = 100, STATUS_MAX = 999 };
enum { CONNECT_MS = 2000, RETRY_AFTER_S_MAX = 24 * 3600, KEPT_BYTES_MAX = 1024 * 1024 };

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

/* libcurl would tell the host of the URL, which a Unix socket does not have. */
static const char *why_not_connected(const struct http_exchange *exchange)
{
  long code = exchange->socket_errno;
  if (!code)
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &code);
  return code ? strerror((int)code) : curl_easy_strerror(CURLE_COULDNT_CONNECT);
}

/* Says what went wrong, unless whoever stopped the exchange has said so. */
static void explain(struct http_exchange *exchange, CURLcode result)
{
  if (*exchange->message)
    return;
  const char *why = *exchange->trouble ? exchange->trouble : curl_easy_strerror(result);
  if (result == CURLE_COULDNT_CONNECT)
    why = why_not_connected(exchange);
  snprintf(exchange->message, sizeof exchange->message, "%s %s: %s",
           exchange->is_sent ? "no whole answer from" : "no connection to", exchange->client->name, why);
}

/* libcurl takes "HTTP/2 2x" for an answer, with the status 2 (RFC 9110, 15: a status has three digits). */
static bool has_status(struct http_exchange *exchange)
{
  int status = http_exchange_status(exchange);
  if (status >= STATUS_MIN && status <= STATUS_MAX)
    return true;
  snprintf(exchange->message, sizeof exchange->message, "the answer of %s has no status", exchange->client->name);
  return false;
}

void exchange_ended(struct http_exchange *exchange, CURLcode result)
{
  if (result == CURLE_OK) {
    finish(exchange, has_status(exchange) ? HTTP_ANSWERED : HTTP_UNKNOWN);
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
  exchange_set_callbacks(exchange);
  exchange_set_request(exchange, call);
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
