#include "api/api_impl.h"

#include "api/access/admission.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void respond(struct api *api, struct http_request *request, const struct http_response *response, struct buffer *body)
{
  metrics_count_response(&api->metrics, response->status);
  http_respond(request, response, body);
}

void respond_json(struct api *api, struct http_request *request, int status, struct buffer *body)
{
  buffer_append(body, "\n", 1);
  respond(api, request, &(struct http_response){.status = status, .content_type = "application/json"}, body);
}

void respond_text(struct api *api, struct http_request *request, int status, const char *text)
{
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, text);
  respond(api, request, &(struct http_response){.status = status, .content_type = "text/plain; charset=utf-8"}, &body);
}

/* RFC 9457; the object is left open for members of our own. */
static void begin_problem(struct json_writer *json, enum error_kind kind, const char *detail)
{
  json_write_object_begin(json);
  json_write_member_text(json, "type", "about:blank");
  json_write_member_text(json, "title", error_title(kind));
  json_write_member_i64(json, "status", error_http_status(kind));
  json_write_member_text(json, "detail", detail);
}

static void end_problem(struct api *api, struct http_request *request, enum error_kind kind,
                        const struct http_header_field *fields, struct json_writer *json)
{
  json_write_object_end(json);
  buffer_append(json->out, "\n", 1);
  struct http_response response = {
    .status = error_http_status(kind),
    .content_type = "application/problem+json",
    .fields = fields,
  };
  respond(api, request, &response, json->out);
}

/* What the client did right and may simply do again. */
static bool is_passing(enum error_kind kind)
{
  return kind == ERROR_OVERLOADED || kind == ERROR_UNAVAILABLE || kind == ERROR_NO_SPACE;
}

/* When there is room: in the queue (executor.h), or in the rate of an access token (admission.h). */
static unsigned retry_after_s(struct api *api, const struct http_request *request, const struct error *error)
{
  unsigned seconds = 1;
  if (error->kind == ERROR_OVERLOADED && error->code == EAGAIN)
    seconds = executor_turn_away(api->config.executor);
  else if (error->kind == ERROR_OVERLOADED && error->code == EDQUOT)
    seconds = admission_wait_s(api->access, access_token_of(api->access, request), mono_now());
  return seconds ? seconds : 1;
}

void respond_problem(struct api *api, struct http_request *request, const struct error *error,
                     const struct http_header_field *fields)
{
  bool has_retry = !fields && is_passing(error->kind);
  char seconds[16] = "";
  const struct http_header_field retry[] = {{"Retry-After", seconds}, {0}};
  if (has_retry)
    snprintf(seconds, sizeof seconds, "%u", retry_after_s(api, request, error));
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  begin_problem(&json, error->kind, error->message);
  end_problem(api, request, error->kind, has_retry ? retry : fields, &json);
}

void respond_error(struct api *api, struct http_request *request, enum error_kind kind, const char *format, ...)
{
  struct error error = {.kind = kind};
  va_list args;
  va_start(args, format);
  vsnprintf(error.message, sizeof error.message, format, args);
  va_end(args);
  respond_problem(api, request, &error, NULL);
}

void respond_faults(struct api *api, struct http_request *request, const struct faults *faults)
{
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  char detail[FAULT_PATH_SIZE + FAULT_MESSAGE_SIZE + 64];
  const struct fault_entry *first = &faults->entry[0];
  if (faults->count == 1)
    snprintf(detail, sizeof detail, "%s: %s", first->path, first->message);
  else
    snprintf(detail, sizeof detail, "%zu faults; the first is %s: %s", faults->count, first->path, first->message);
  begin_problem(&json, ERROR_INVALID, detail);
  json_write_key(&json, "errors");
  faults_encode(faults, &json);
  end_problem(api, request, ERROR_INVALID, NULL, &json);
}

/* Whether there is memory for the text of the streams that it has in its own, escaped at the worst. */
static bool fits_memory(const struct evaluation *evaluation)
{
  enum { ESCAPED = 6 };
  size_t size = 0;
  for (int i = 0; evaluation && evaluation->outputs && i < STREAM_COUNT; i++)
    size += evaluation->outputs->stream[i].data ? evaluation->outputs->stream[i].data->size : 0;
  return !size || memory_left(ESCAPED * size);
}

void respond_evaluation(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  const bool fits = fits_memory(evaluation);
  if (reply->form) {
    if (fits)
      reply->form(api, reply, evaluation);
    else
      respond_error(api, reply->request, ERROR_UNAVAILABLE, NO_MEMORY_FOR_ANSWER);
    return;
  }
  CLEANUP_BUFFER struct buffer body = {0};
  struct json_writer json = {.out = &body};
  /* Without memory for the output, the answer says where it is: a submission was accepted, and has to be acknowledged. */
  struct queue_place place;
  struct encode_options options = {.base64 = reply->base64, .summary = !fits};
  if (executor_place(api->config.executor, evaluation, &place))
    options.place = &place;
  encode_evaluation(&json, evaluation, &options);
  buffer_append(&body, "\n", 1);

  char location[64];
  struct http_header_field fields[3] = {0};
  size_t count = 0;
  snprintf(location, sizeof location, "/v1/evaluations/%s", evaluation->id);
  if (reply->has_location)
    fields[count++] = (struct http_header_field){"Location", location};
  if (reply->replayed)
    fields[count++] = (struct http_header_field){"Idempotency-Replayed", "true"};
  struct http_response response = {
    .status = evaluation->state == STATE_FINISHED ? 200 : reply->open_status,
    .content_type = "application/json",
    .fields = fields,
  };
  respond(api, reply->request, &response, &body);
}

void respond_when_finished(struct api *api, const struct reply *reply, const struct evaluation *evaluation)
{
  if (reply->wait_seconds && api->waiters)
    waiters_add(api->waiters, evaluation->id, reply);
  else
    respond_evaluation(api, reply, evaluation);
}

struct from_store {
  struct api *api;
  struct reply reply;
};

static void store_answered(void *context, struct evaluation *evaluation, const struct error *error)
{
  CLEANUP_FREE struct from_store *call = context;
  if (error) {
    respond_problem(call->api, call->reply.request, error, NULL);
  } else if (!evaluation && !call->reply.form) {
    respond_error(call->api, call->reply.request, ERROR_NOT_FOUND, "no evaluation has this id");
  } else {
    outputs_load(evaluation ? evaluation->outputs : NULL, OUTPUT_INLINE_BYTES_MAX);
    respond_evaluation(call->api, &call->reply, evaluation);
  }
  evaluation_destroy(evaluation);
}

void respond_from_store(struct api *api, const struct reply *reply, const char *id)
{
  struct from_store *call = xmalloc(sizeof *call);
  *call = (struct from_store){api, *reply};
  store_get(api->config.store, id, store_answered, call);
}

struct evaluation *find_open(const struct api *api, const char *id)
{
  struct evaluation *evaluation = executor_find(api->config.executor, id);
  bool open = evaluation && evaluation->state != STATE_ACCEPTING && evaluation->state != STATE_FINISHED;
  return open ? evaluation : NULL;
}

/* At most a megabyte, most likely in the page cache: reading it here is quicker than asking a thread for it. */
static void stream_load(struct stream_output *output, uint64_t bytes_max)
{
  if (!output->path || output->data || stream_kept_bytes(output) > bytes_max)
    return;
  struct error error;
  output->data = file_read(AT_FDCWD, output->path, (size_t)bytes_max, &error);
  if (!output->data)
    log_warning(NULL, "an output cannot be read: %s", error.message);
}

void outputs_load(struct outputs *outputs, uint64_t bytes_max)
{
  for (int i = 0; outputs && i < STREAM_COUNT; i++)
    stream_load(&outputs->stream[i], bytes_max);
}
