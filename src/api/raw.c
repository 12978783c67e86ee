/* Raw output: GET /v1/evaluations/{id}/stdout, stderr, compile, output. */

#include "api/range.h"
#include "api/routes.h"
#include "base/fd.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* stdout and stderr in the order written are put together in memory, up to this size of both. */
#define OUTPUT_MERGE_BYTES_MAX MIB(8)

enum { STREAM_MERGED = STREAM_COUNT };

struct raw_call {
  struct api *api;
  struct http_request *request;
  int stream; /* enum stream, or STREAM_MERGED */
};

/* What is to be sent: bytes in memory, or a file. */
struct source {
  struct buffer merged;
  const struct blob *blob;
  int fd;
  uint64_t size;
};

static void source_release(struct source *source)
{
  buffer_release(&source->merged);
  fd_close(source->fd);
}
#define CLEANUP_SOURCE __attribute__((cleanup(source_release)))

static bool source_of_stream(const struct stream_output *output, struct source *ret, struct error *error)
{
  ret->size = stream_kept_bytes(output);
  ret->blob = output->data;
  if (!ret->size || output->data)
    return true;
  ret->fd = output->path ? open(output->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
  if (ret->fd >= 0)
    return true;
  if (!output->path || errno == ENOENT)
    return error_set(error, ERROR_NOT_FOUND, 0, "this output is no longer kept");
  return error_errno(error, "the output cannot be read");
}

/* What is in a file that is there could not be read, which says nothing of it. */
static bool is_loaded(const struct stream_output *output, struct error *error)
{
  if (!stream_kept_bytes(output) || output->data)
    return true;
  if (!output->path || access(output->path, F_OK) < 0)
    return error_set(error, ERROR_NOT_FOUND, 0, "this output is no longer kept");
  return error_set(error, ERROR_UNAVAILABLE, 0, "the output cannot be read just now: try again");
}

static bool source_of_both(struct outputs *outputs, struct source *ret, struct error *error)
{
  const struct stream_output *both = outputs->stream;
  if (!stream_kept_bytes(&both[STREAM_STDERR]))
    return source_of_stream(&both[STREAM_STDOUT], ret, error);
  if (!stream_kept_bytes(&both[STREAM_STDOUT]))
    return source_of_stream(&both[STREAM_STDERR], ret, error);
  if (stream_kept_bytes(&both[STREAM_STDOUT]) + stream_kept_bytes(&both[STREAM_STDERR]) > OUTPUT_MERGE_BYTES_MAX)
    return error_set(error, ERROR_TOO_LARGE, 0,
                     "stdout and stderr together are more than %llu bytes; get them one by one from .../stdout and "
                     ".../stderr",
                     OUTPUT_MERGE_BYTES_MAX);
  outputs_load(outputs, OUTPUT_MERGE_BYTES_MAX);
  if (!is_loaded(&both[STREAM_STDOUT], error) || !is_loaded(&both[STREAM_STDERR], error))
    return false;
  if (!memory_left(2 * (stream_kept_bytes(&both[STREAM_STDOUT]) + stream_kept_bytes(&both[STREAM_STDERR]))))
    return error_set(error, ERROR_UNAVAILABLE, ENOMEM, NO_MEMORY_FOR_ANSWER);
  outputs_merge(outputs, &ret->merged);
  ret->size = ret->merged.size;
  return true;
}

enum { RAW_FIELDS_MAX = 8, RAW_FIELD_SIZE = 96 };

/* Header fields whose values are made on the way. */
struct raw_fields {
  struct http_header_field list[RAW_FIELDS_MAX + 1];
  char values[RAW_FIELDS_MAX][RAW_FIELD_SIZE];
  size_t count;
};

__attribute__((format(printf, 3, 4))) static void add_field(struct raw_fields *fields, const char *name,
                                                            const char *format, ...)
{
  ASSERT(fields->count < RAW_FIELDS_MAX);
  char *value = fields->values[fields->count];
  va_list args;
  va_start(args, format);
  vsnprintf(value, RAW_FIELD_SIZE, format, args);
  va_end(args);
  fields->list[fields->count++] = (struct http_header_field){name, value};
}

static const char *name_of(int stream)
{
  return stream == STREAM_MERGED ? "output" : stream_name((enum stream)stream);
}

/* Told in fields because the body is nothing but the program's bytes. */
static void describe(const struct raw_call *call, const struct evaluation *evaluation, struct raw_fields *fields)
{
  const struct stream_output *streams = evaluation->outputs->stream;
  bool merged = call->stream == STREAM_MERGED;
  const struct stream_output *first = merged ? &streams[STREAM_STDOUT] : &streams[call->stream];
  struct stream_output none = {0};
  const struct stream_output *second = merged ? &streams[STREAM_STDERR] : &none;
  add_field(fields, "Accept-Ranges", "bytes");
  add_field(fields, "ETag", "\"%s.%s\"", evaluation->id, name_of(call->stream));
  add_field(fields, "Assay-Bytes", "%" PRIu64, first->bytes + second->bytes);
  add_field(fields, "Assay-Omitted-Bytes", "%" PRIu64, first->omitted_bytes + second->omitted_bytes);
  if (!merged && first->omitted_bytes)
    add_field(fields, "Assay-Head-Bytes", "%" PRIu64, first->head_bytes);
  if (merged)
    add_field(fields, "Assay-Order", "%s", evaluation->order_cut ? "cut" : "complete");
}

/* A range of what the client has a part of already is meant only as long as that is the same (RFC 9110, 13.1.5). */
static const char *range_field(const struct raw_call *call, const struct evaluation *evaluation)
{
  char etag[RAW_FIELD_SIZE];
  snprintf(etag, sizeof etag, "\"%s.%s\"", evaluation->id, name_of(call->stream));
  const char *condition = http_header(call->request, "If-Range");
  return condition && strcmp(condition, etag) != 0 ? NULL : http_header(call->request, "Range");
}

static void send_bytes(const struct raw_call *call, struct source *source, const struct http_response *response,
                       uint64_t offset, uint64_t length)
{
  if (source->fd >= 0) {
    metrics_count_response(&call->api->metrics, response->status);
    http_respond_file(call->request, response, TAKE_FD(source->fd), offset, length);
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  const char *bytes = source->blob ? (const char *)source->blob->data : source->merged.data;
  if (buffer_try_append(&body, bytes ? bytes + offset : NULL, (size_t)length))
    respond(call->api, call->request, response, &body);
  else
    respond_error(call->api, call->request, ERROR_UNAVAILABLE, NO_MEMORY_FOR_ANSWER);
}

static void send_source(const struct raw_call *call, const struct evaluation *evaluation, struct source *source)
{
  struct raw_fields fields = {0};
  describe(call, evaluation, &fields);
  uint64_t offset = 0, length = source->size;
  struct http_response response = {.status = 200, .content_type = "application/octet-stream", .fields = fields.list};
  switch (range_parse(range_field(call, evaluation), source->size, &offset, &length)) {
  case RANGE_NONE:
    break;
  case RANGE_PART:
    response.status = 206;
    add_field(&fields, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, offset, offset + length - 1,
              source->size);
    break;
  case RANGE_UNSATISFIABLE:
    add_field(&fields, "Content-Range", "bytes */%" PRIu64, source->size);
    struct error error;
    error_set(&error, ERROR_BAD_RANGE, 0, "%" PRIu64 " bytes were kept", source->size);
    respond_problem(call->api, call->request, &error, fields.list);
    return;
  }
  send_bytes(call, source, &response, offset, length);
}

static void answer(const struct raw_call *call, struct evaluation *evaluation)
{
  CLEANUP_SOURCE struct source source = {.fd = -1};
  struct error error;
  if (!evaluation->outputs)
    evaluation->outputs = outputs_create();
  bool good = call->stream == STREAM_MERGED
                ? source_of_both(evaluation->outputs, &source, &error)
                : source_of_stream(&evaluation->outputs->stream[call->stream], &source, &error);
  if (good)
    send_source(call, evaluation, &source);
  else
    respond_problem(call->api, call->request, &error, NULL);
}

static void store_answered(void *context, struct evaluation *evaluation, const struct error *error)
{
  CLEANUP_FREE struct raw_call *call = context;
  if (error)
    respond_problem(call->api, call->request, error, NULL);
  else if (!evaluation)
    respond_error(call->api, call->request, ERROR_NOT_FOUND, "no evaluation has this id");
  else
    answer(call, evaluation);
  evaluation_destroy(evaluation);
}

static void handle_raw(struct api *api, struct http_request *request, const char *id, int stream)
{
  const struct evaluation *open = find_open(api, id);
  if (open) {
    respond_error(api, request, ERROR_CONFLICT,
                  "the evaluation is still open (%s): its output can be had as soon as it is finished; "
                  "GET /v1/evaluations/%s?wait=60 waits for that",
                  evaluation_status(open), id);
    return;
  }
  struct raw_call *call = xmalloc(sizeof *call);
  *call = (struct raw_call){api, request, stream};
  store_get(api->config.store, id, store_answered, call);
}

void handle_stdout(struct api *api, struct http_request *request, const char *id)
{
  handle_raw(api, request, id, STREAM_STDOUT);
}

void handle_stderr(struct api *api, struct http_request *request, const char *id)
{
  handle_raw(api, request, id, STREAM_STDERR);
}

void handle_compile(struct api *api, struct http_request *request, const char *id)
{
  handle_raw(api, request, id, STREAM_COMPILE);
}

void handle_output(struct api *api, struct http_request *request, const char *id)
{
  handle_raw(api, request, id, STREAM_MERGED);
}
