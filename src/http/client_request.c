/* From a call to the request that libcurl sends. */

#include "base/memory.h"
#include "http/client_impl.h"

#include <stdio.h>
#include <string.h>

/* A header is sent as it is: a line break in one would begin another, or the next request. */
static bool is_line(const char *text)
{
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f)
      return false;
  return true;
}

/* A method, or a path as it is to stand in the request: no space ends it, and no '#' keeps a part of it here. */
static bool is_word(const char *text)
{
  size_t length = 0;
  for (; *text > ' ' && *text < 0x7f && *text != '#'; text++)
    length++;
  return length && !*text;
}

static bool add_header(struct http_exchange *exchange, const char *header)
{
  if (!is_line(header))
    return false;
  struct curl_slist *more = curl_slist_append(exchange->headers, header);
  ASSERT(more);
  exchange->headers = more;
  return true;
}

/* libcurl takes a header of its own away where it is given one without a value. */
static bool set_headers(struct http_exchange *exchange, const struct http_call *call)
{
  CLEANUP_FREE char *type =
    xasprintf("Content-Type:%s%s", call->body_type ? " " : "", call->body_type ? call->body_type : "");
  bool good = add_header(exchange, type);
  good = good && add_header(exchange, "Expect:"); /* "100 Continue" would only cost a round trip */
  for (const char *const *header = call->headers; good && header && *header; header++)
    good = add_header(exchange, *header);
  curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
  return good;
}

static bool is_any(const char *word, const char *const *words)
{
  for (; *words; words++)
    if (strcmp(word, *words) == 0)
      return true;
  return false;
}

static void set_body(struct http_exchange *exchange, struct blob *body)
{
  exchange->body = blob_ref(body);
  curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body ? body->size : 0));
  curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, body ? (const char *)body->data : "");
}

static void set_method(struct http_exchange *exchange, const struct http_call *call)
{
  static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL}; /* say Content-Length: 0 where there is none */
  static const char *const safe[] = {"GET", "HEAD", NULL};
  exchange->is_repeatable = is_any(call->method, safe);
  if (strcmp(call->method, "HEAD") == 0)
    curl_easy_setopt(exchange->easy, CURLOPT_NOBODY, 1L);
  else if (call->body || is_any(call->method, with_body))
    set_body(exchange, call->body);
  curl_easy_setopt(exchange->easy, CURLOPT_CUSTOMREQUEST, call->method);
}

void exchange_set_request(struct http_exchange *exchange, const struct http_call *call)
{
  set_method(exchange, call);
  if (set_headers(exchange, call) && is_word(call->method) && is_word(call->path) && *call->path == '/') {
    CLEANUP_FREE char *url = xasprintf("%s%s", exchange->client->base, call->path);
    curl_easy_setopt(exchange->easy, CURLOPT_URL, url);
  } else {
    /* Left without a URL, libcurl refuses it: in its turn, like any other failure. */
    snprintf(exchange->message, sizeof exchange->message, "a header, the method or the path cannot be sent");
  }
}
