#include "http/request.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http_request *request_create(void)
{
  return xcalloc(1, sizeof(struct http_request));
}

void request_destroy(struct http_request *request)
{
  if (!request)
    return;
  buffer_release(&request->text);
  buffer_release(&request->body);
  free(request->fields.items);
  free(request->parameters.items);
  free(request);
}

const char *request_text(const struct http_request *request, uint32_t offset)
{
  return request->text.data + offset;
}

struct text_pair *request_open_pair(struct http_request *request, struct text_pairs *pairs)
{
  if (pairs->count == pairs->capacity) {
    pairs->capacity = pairs->capacity ? pairs->capacity * 2 : 8;
    pairs->items = xrealloc(pairs->items, pairs->capacity * sizeof *pairs->items);
  }
  struct text_pair *pair = &pairs->items[pairs->count++];
  pair->name = pair->value = (uint32_t)request->text.size;
  return pair;
}

unsigned request_field_count(const struct http_request *request, const char *name)
{
  unsigned count = 0;
  for (size_t i = 0; i < request->fields.count; i++)
    count += strcasecmp(request_text(request, request->fields.items[i].name), name) == 0;
  return count;
}

/* The target: RFC 9112, section 3.2. */

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Appends the decoded text and its NUL. Refuses %00, which would end the string early and so make two different paths
 * look the same. A plus sign means a space in a query only (application/x-www-form-urlencoded).
 */
static bool append_decoded(struct buffer *text, const char *from, size_t length, bool plus_is_space)
{
  for (size_t i = 0; i < length; i++) {
    char c = from[i];
    if (c == '+' && plus_is_space) {
      c = ' ';
    } else if (c == '%') {
      int high = length - i > 2 ? hex_digit(from[i + 1]) : -1;
      int low = length - i > 2 ? hex_digit(from[i + 2]) : -1;
      if (high < 0 || low < 0 || high + low == 0)
        return false;
      c = (char)(high << 4 | low);
      i += 2;
    }
    buffer_append(text, &c, 1);
  }
  buffer_append(text, "", 1);
  return true;
}

static bool decode_parameter(struct http_request *request, const char *parameter, size_t length)
{
  const char *equals = memchr(parameter, '=', length);
  size_t name_length = equals ? (size_t)(equals - parameter) : length;
  size_t value_start = equals ? name_length + 1 : length;
  struct text_pair *pair = request_open_pair(request, &request->parameters);
  if (!append_decoded(&request->text, parameter, name_length, true))
    return false;
  pair->value = (uint32_t)request->text.size;
  return append_decoded(&request->text, parameter + value_start, length - value_start, true);
}

static bool decode_query(struct http_request *request, const char *query)
{
  while (*query) {
    size_t length = strcspn(query, "&");
    if (length && !decode_parameter(request, query, length))
      return false;
    query += length + (query[length] == '&');
  }
  return true;
}

/* An absolute-form target names its host again; the path is what counts here. NULL: neither that form nor a path. */
static const char *skip_authority(const char *target)
{
  if (*target == '/')
    return target;
  size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
  if (!scheme)
    return 0;
  const char *authority = target + scheme;
  size_t length = strcspn(authority, "/?");
  if (length == 0 || memchr(authority, '@', length))
    return 0;
  return authority + length;
}

enum refusal request_decode_target(struct http_request *request)
{
  /* Decoding appends to the text that the target stands in, so it needs a copy. */
  CLEANUP_FREE char *target = xstrdup(request_text(request, request->target));
  request->path = (uint32_t)request->text.size;
  if (strcmp(target, "*") == 0 && strcmp(request->method, "OPTIONS") == 0) {
    buffer_append(&request->text, "*", 2);
    return REFUSAL_NONE;
  }
  const char *path = skip_authority(target);
  if (!path || strchr(target, '#'))
    return REFUSAL_TARGET;
  size_t length = strcspn(path, "?");
  if (!append_decoded(&request->text, length ? path : "/", length ? length : 1, false))
    return REFUSAL_PERCENT_ENCODING;
  if (path[length] == '?' && !decode_query(request, path + length + 1))
    return REFUSAL_PERCENT_ENCODING;
  return REFUSAL_NONE;
}

/* What a handler reads. */

const char *http_method(const struct http_request *request)
{
  return request->method;
}

bool http_is_from_unix(const struct http_request *request)
{
  return request->is_from_unix;
}

const char *http_path(const struct http_request *request)
{
  return request_text(request, request->path);
}

const char *http_header(const struct http_request *request, const char *name)
{
  for (size_t i = 0; i < request->fields.count; i++)
    if (strcasecmp(request_text(request, request->fields.items[i].name), name) == 0)
      return request_text(request, request->fields.items[i].value);
  return 0;
}

void http_close_after(struct http_request *request)
{
  request->keep_alive = false;
}

void http_header_each(const struct http_request *request, const char *name,
                      void (*each)(void *context, const char *value), void *context)
{
  for (size_t i = 0; i < request->fields.count; i++)
    if (strcasecmp(request_text(request, request->fields.items[i].name), name) == 0)
      each(context, request_text(request, request->fields.items[i].value));
}

const char *http_query(const struct http_request *request, const char *name)
{
  for (size_t i = 0; i < request->parameters.count; i++)
    if (strcmp(request_text(request, request->parameters.items[i].name), name) == 0)
      return request_text(request, request->parameters.items[i].value);
  return 0;
}

void http_query_each(const struct http_request *request,
                     void (*each)(void *context, const char *name, const char *value), void *context)
{
  for (size_t i = 0; i < request->parameters.count; i++) {
    struct text_pair pair = request->parameters.items[i];
    each(context, request_text(request, pair.name), request_text(request, pair.value));
  }
}

const void *http_body(const struct http_request *request, size_t *ret_size)
{
  *ret_size = request->body.size;
  return request->body.data ? request->body.data : "";
}

bool http_body_has_ended(const struct http_request *request)
{
  return !request->is_streamed || request->body_has_ended;
}

void http_on_gone(struct http_request *request, void (*gone)(void *context), void *context)
{
  if (gone && !request->connection) {
    gone(context);
    return;
  }
  request->gone = gone;
  request->gone_context = context;
}
