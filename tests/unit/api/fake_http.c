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

void fake_request_leave(struct http_request *request)
{
  void (*gone)(void *) = request->gone;
  request->gone = NULL;
  if (gone)
    gone(request->gone_context);
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

const void *http_body(const struct http_request *request, size_t *ret_size)
{
  *ret_size = request->body.size;
  return request->body.data ? request->body.data : "";
}

void http_body_release(struct http_request *request)
{
  buffer_release(&request->body);
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
