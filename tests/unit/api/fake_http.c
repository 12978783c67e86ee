#include "fake_http.h"

#include "base/fd.h"
#include "base/memory.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static void add_pair(struct fake_pair *pairs, size_t *count, const char *name, const char *value)
{
  assert_true(*count < FAKE_PAIRS_MAX);
  snprintf(pairs[*count].name, sizeof pairs->name, "%s", name);
  snprintf(pairs[*count].value, sizeof pairs->value, "%s", value);
  ++*count;
}

static const char *find_pair(const struct fake_pair *pairs, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (!strcasecmp(pairs[i].name, name))
      return pairs[i].value;
  return NULL;
}

struct http_request *fake_request(const char *method, const char *target)
{
  struct http_request *request = xcalloc(1, sizeof *request);
  CLEANUP_FREE char *copy = xstrdup(target);
  char *query = strchr(copy, '?'), *rest = NULL;
  if (query)
    *query++ = 0;
  snprintf(request->method, sizeof request->method, "%s", method);
  snprintf(request->path, sizeof request->path, "%s", copy);
  for (char *pair = query ? strtok_r(query, "&", &rest) : NULL; pair; pair = strtok_r(NULL, "&", &rest)) {
    char *value = strchr(pair, '=');
    if (value)
      *value++ = 0;
    add_pair(request->query, &request->query_count, pair, value ? value : "");
  }
  return request;
}

void fake_request_header(struct http_request *request, const char *name, const char *value)
{
  add_pair(request->header, &request->header_count, name, value);
}

void fake_request_body(struct http_request *request, const char *text)
{
  buffer_puts(&request->body, text);
}

void fake_request_arrives(struct http_request *request, const char *text, bool last)
{
  buffer_puts(&request->body, text);
  request->body_goes_on = !last;
  if (request->arrived)
    request->arrived(request->arrived_context);
}

void fake_request_leave(struct http_request *request)
{
  void (*gone)(void *) = request->gone;
  request->gone = NULL;
  if (gone)
    gone(request->gone_context);
  if (request->stream.is_open) {
    request->stream.is_open = false;
    request->stream.events.gone(request->stream.events.context);
  }
}

void fake_stream_take(struct http_request *request, unsigned pieces)
{
  request->stream.pieces_left = pieces;
  if (!request->stream.is_full)
    return;
  request->stream.is_full = false;
  if (request->stream.is_open)
    request->stream.events.ready(request->stream.events.context);
}

void fake_request_destroy(struct http_request *request)
{
  assert_int_equal(request->answers, 1);
  buffer_release(&request->body);
  buffer_release(&request->answer);
  free(request);
}

const char *fake_answer_field(const struct http_request *request, const char *name)
{
  return find_pair(request->answer_field, request->answer_field_count, name);
}

bool fake_answer_contains(const struct http_request *request, const char *text)
{
  return request->answer.data && strstr(request->answer.data, text);
}

/* http/server.h */

const char *http_method(const struct http_request *request)
{
  return request->method;
}

const char *http_path(const struct http_request *request)
{
  return request->path;
}

const char *http_query(const struct http_request *request, const char *name)
{
  return find_pair(request->query, request->query_count, name);
}

void http_query_each(const struct http_request *request,
                     void (*each)(void *context, const char *name, const char *value), void *context)
{
  for (size_t i = 0; i < request->query_count; i++)
    each(context, request->query[i].name, request->query[i].value);
}

const char *http_header(const struct http_request *request, const char *name)
{
  return find_pair(request->header, request->header_count, name);
}

void http_close_after(struct http_request *request)
{
  request->closes = true;
}

void http_header_each(const struct http_request *request, const char *name,
                      void (*each)(void *context, const char *value), void *context)
{
  for (size_t i = 0; i < request->header_count; i++)
    if (!strcasecmp(request->header[i].name, name))
      each(context, request->header[i].value);
}

bool http_is_from_unix(const struct http_request *request)
{
  return !request->is_from_tcp;
}

void http_peer(const struct http_request *request, char ret[static HTTP_PEER_SIZE])
{
  snprintf(ret, HTTP_PEER_SIZE, "%s", request->is_from_tcp ? "192.0.2.1" : "unix");
}

const void *http_body(const struct http_request *request, size_t *ret_size)
{
  *ret_size = request->body.size;
  return request->body.data ? request->body.data : "";
}

void http_body_release(struct http_request *request)
{
  buffer_release(&request->body);
}

void http_body_on_arrival(struct http_request *request, void (*arrived)(void *context), void *context)
{
  request->arrived = arrived;
  request->arrived_context = context;
}

bool http_body_has_ended(const struct http_request *request)
{
  return !request->body_goes_on;
}

void http_body_consume(struct http_request *request, size_t size)
{
  buffer_consume(&request->body, size);
}

void http_body_read_on(struct http_request *request)
{
  (void)request;
}

void http_on_gone(struct http_request *request, void (*gone)(void *context), void *context)
{
  assert_int_equal(request->answers, 0);
  request->gone = gone;
  request->gone_context = context;
}

static void answer(struct http_request *request, const struct http_response *response)
{
  request->answers++;
  request->status = response->status;
  if (response->content_type)
    snprintf(request->content_type, sizeof request->content_type, "%s", response->content_type);
  for (const struct http_header_field *field = response->fields; field && field->name; field++)
    add_pair(request->answer_field, &request->answer_field_count, field->name, field->value);
}

void http_respond(struct http_request *request, const struct http_response *response, struct buffer *body)
{
  answer(request, response);
  if (!body)
    return;
  buffer_append(&request->answer, body->data, body->size);
  buffer_release(body);
}

void http_respond_file(struct http_request *request, const struct http_response *response, int fd, uint64_t offset,
                       uint64_t length)
{
  answer(request, response);
  CLEANUP_FREE char *bytes = xmalloc(length + 1);
  assert_int_equal(pread(fd, bytes, length, (off_t)offset), (ssize_t)length);
  buffer_append(&request->answer, bytes, length);
  fd_close(fd);
}

struct http_stream *http_respond_stream(struct http_request *request, const struct http_response *response,
                                        const struct http_stream_events *events)
{
  answer(request, response);
  if (!strcmp(request->method, "HEAD"))
    return NULL;
  request->stream.request = request;
  request->stream.events = *events;
  request->stream.is_open = true;
  return &request->stream;
}

bool http_stream_is_ready(const struct http_stream *stream)
{
  return !stream->is_full;
}

bool http_stream_send(struct http_stream *stream, struct blob *piece)
{
  assert_true(stream->is_open && !stream->is_full && piece->size > 0);
  buffer_append(&stream->request->answer, piece->data, piece->size);
  if (stream->pieces_left && --stream->pieces_left == 0)
    stream->is_full = true;
  return !stream->is_full;
}

void http_stream_end(struct http_stream *stream)
{
  assert_true(stream->is_open);
  stream->is_open = false;
}

void http_stream_cut(struct http_stream *stream)
{
  http_stream_end(stream);
  stream->is_cut = true;
}
