/*
 * GET /v1/batches/{id}/results: what has ended, as JSON lines, in the order in which it ended or in that of the lines.
 *
 * Everything comes from the store, a page at a time, and the next page is read when the client has taken the one before:
 * a slow reader costs a page. The place of the last line that a client has is its cursor, so a stream that broke off is
 * taken up again without a gap; where the store fails, or the daemon stops, it is broken off by us. Who has read all that there is waits, until all of the batch has ended.
 */

#include "api/batches/batches_impl.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_EVALUATIONS = 64 };

struct results {
  LIST_ENTRY(results) link;
  struct api *api;
  struct http_request *request; /* until the stream is there */
  struct http_stream *stream;   /* NULL: the client is gone */
  char batch[ID_SIZE];
  struct store_page page;
  bool base64, follow;
  bool has_failed;    /* the store could not say how the batch stands */
  bool is_over;       /* nothing more ends, as of the last look at the batch */
  unsigned in_flight; /* asked of the store */
  bool has_more;      /* there is another page, for when the client has taken this one */
  bool has_changed;   /* something has ended since the last look */
};

static void release(struct results *results)
{
  if (!results->stream && !results->in_flight)
    free(results);
}

static void end(struct results *results)
{
  http_stream_end(TAKE_PTR(results->stream));
  LIST_REMOVE(results, link);
}

/* In the middle, and so that its client can tell. */
static void cut(struct results *results)
{
  http_stream_cut(TAKE_PTR(results->stream));
  LIST_REMOVE(results, link);
}

static void look(struct results *results);

static void stream_ready(void *context)
{
  struct results *results = context;
  if (results->has_more)
    look(results);
  else if (results->has_changed)
    batches_look_at_results(results->api->batches);
}

static void stream_gone(void *context)
{
  struct results *results = context;
  results->stream = NULL;
  LIST_REMOVE(results, link);
  release(results);
}

static bool is_over(const struct api *api, const struct store_batch *batch)
{
  return batch->finished >= batch->accepted && (batch->is_complete || batch->cancelled_at.ms || !api->batches ||
                                                !batches_are_receiving(api->batches, batch->id));
}

static void batch_read(void *context, enum store_result result, const struct store_batch *batch,
                       const struct error *error)
{
  (void)result;
  struct results *results = context;
  results->in_flight--;
  results->has_failed = error != NULL;
  results->is_over = !batch || is_over(results->api, batch); /* deleted: there is nothing more to come */
}

static uint64_t kept_bytes(const struct evaluation *evaluation)
{
  uint64_t bytes = 0;
  for (int i = 0; evaluation->outputs && i < STREAM_COUNT; i++)
    bytes += stream_kept_bytes(&evaluation->outputs->stream[i]);
  return bytes;
}

static void put_line(const struct results *results, struct evaluation *evaluation, struct buffer *out)
{
  enum { ESCAPED = 6 };
  struct json_writer json = {.out = out};
  bool fits = memory_left(ESCAPED * kept_bytes(evaluation) + 1);
  if (fits)
    outputs_load(evaluation->outputs, OUTPUT_INLINE_BYTES_MAX);
  encode_evaluation(&json, evaluation, &(struct encode_options){.base64 = results->base64, .summary = !fits});
  buffer_append(out, "\n", 1);
}

/* In the order of lines, one that is still open holds up those behind it. */
static bool put_page(struct results *results, struct evaluation **evaluations, size_t count, struct buffer *out)
{
  for (size_t i = 0; i < count; i++) {
    if (evaluations[i]->state != STATE_FINISHED)
      return false;
    put_line(results, evaluations[i], out);
    results->page.after = results->page.by_line ? evaluations[i]->batch_line : evaluations[i]->batch_place;
  }
  return true;
}

static void page_read(void *context, struct evaluation **evaluations, size_t count, bool more,
                      const struct error *error)
{
  struct results *results = context;
  CLEANUP_BUFFER struct buffer out = {0};
  results->in_flight--;
  bool is_held_up = results->stream && !put_page(results, evaluations, count, &out);
  for (size_t i = 0; i < count; i++)
    evaluation_destroy(evaluations[i]);
  free(evaluations);
  if (!results->stream) {
    release(results);
    return;
  }
  results->has_more = more && !is_held_up;
  if (out.size) {
    CLEANUP_BLOB struct blob *piece = blob_create(out.data, out.size);
    http_stream_send(results->stream, piece);
  }
  if (error || results->has_failed) {
    log_warning(results->batch, "results of this batch cannot be read, and are cut: %s",
                error ? error->message : "the store does not say how it stands");
    cut(results);
    release(results);
    return;
  }
  bool is_all = is_held_up ? !results->follow : !more && (results->is_over || !results->follow);
  if (is_all) {
    end(results);
    release(results);
  } else if (http_stream_is_ready(results->stream)) {
    stream_ready(results);
  }
}

/* First whether anything more can come, and then what there is: what ends in between is in the page. */
static void look(struct results *results)
{
  if (results->in_flight || !http_stream_is_ready(results->stream)) {
    results->has_changed = true; /* whoever is waited for comes back to it */
    return;
  }
  results->has_changed = results->has_more = false;
  results->in_flight = 2;
  store_batch_get(results->api->config.store, results->batch, batch_read, results);
  store_batch_results(results->api->config.store, results->batch, &results->page, page_read, results);
}

void results_changed(struct batches *batches, const char *batch)
{
  struct results *results;
  LIST_FOREACH (results, &batches->results, link)
    if (!strcmp(results->batch, batch)) {
      results->has_changed = true;
      batches_look_at_results(batches);
    }
}

unsigned results_count(const struct batches *batches)
{
  unsigned count = 0;
  const struct results *results;
  LIST_FOREACH (results, &batches->results, link)
    count++;
  return count;
}

void results_look_all(struct batches *batches)
{
  struct results *results;
  LIST_FOREACH (results, &batches->results, link)
    if (results->has_changed)
      look(results);
}

void results_end_all(struct batches *batches)
{
  struct results *next;
  for (struct results *results = LIST_FIRST(&batches->results); results; results = next) {
    next = LIST_NEXT(results, link);
    cut(results); /* there may be more */
    release(results);
  }
}

/* Requests. */

static void begin(struct results *results)
{
  static const struct http_header_field fields[] = {{"X-Accel-Buffering", "no"}, {0}};
  static const struct http_response response = {.status = 200, .content_type = "application/jsonl", .fields = fields};
  struct http_stream_events events = {.ready = stream_ready, .gone = stream_gone, .context = results};
  metrics_count_response(&results->api->metrics, response.status);
  results->stream = http_respond_stream(TAKE_PTR(results->request), &response, &events);
  if (!results->stream) {
    release(results);
    return;
  }
  LIST_INSERT_HEAD(&results->api->batches->results, results, link);
  results->has_changed = true;
  batches_look_at_results(results->api->batches);
}

static void batch_found(void *context, enum store_result result, const struct store_batch *batch,
                        const struct error *error)
{
  (void)result;
  struct results *results = context;
  results->in_flight--;
  if (batch && results->api->batches) {
    begin(results);
    return;
  }
  if (batch)
    respond_error(results->api, results->request, ERROR_UNAVAILABLE, "the daemon is stopping");
  else
    respond_no_batch(results->api, results->request, error);
  release(results);
}

static bool parse_flag(const struct http_request *request, const char *name, bool by_default, bool *ret,
                       struct error *error)
{
  const char *text = http_query(request, name);
  *ret = text ? !strcmp(text, "true") : by_default;
  return !text || *ret || !strcmp(text, "false") ||
         error_set(error, ERROR_INVALID, 0, "%s must be true or false", name);
}

static bool parse_order(const struct http_request *request, bool *ret_by_line, struct error *error)
{
  const char *text = http_query(request, "order");
  *ret_by_line = text && !strcmp(text, "submission");
  return !text || *ret_by_line || !strcmp(text, "completion") ||
         error_set(error, ERROR_INVALID, 0, "order must be completion or submission");
}

static bool parse_after(const struct http_request *request, uint64_t *ret, struct error *error)
{
  const char *text = http_query(request, "after");
  return !text || parse_u64_text(text, INT64_MAX, ret) || error_set(error, ERROR_INVALID, 0, "after must be a number");
}

void handle_batch_results(struct api *api, struct http_request *request, const char *id)
{
  struct error error;
  struct results *results = xcalloc(1, sizeof *results);
  results->api = api;
  results->request = request;
  results->page.limit = PAGE_EVALUATIONS;
  memcpy(results->batch, id, strlen(id) + 1);
  if (!parse_order(request, &results->page.by_line, &error) || !parse_after(request, &results->page.after, &error) ||
      !parse_flag(request, "follow", true, &results->follow, &error) ||
      !parameter_encoding(request, &results->base64, &error)) {
    respond_problem(api, request, &error, NULL);
    free(results);
    return;
  }
  results->in_flight++;
  store_batch_get(api->config.store, id, batch_found, results);
}

struct errors_call {
  struct api *api;
  struct http_request *request;
  uint64_t after;
};

static void errors_read(void *context, const struct store_line *lines, size_t count, const struct error *error)
{
  CLEANUP_FREE struct errors_call *call = context;
  CLEANUP_BUFFER struct buffer body = {0};
  if (error) {
    respond_problem(call->api, call->request, error, NULL);
    return;
  }
  for (size_t i = 0; i < count; i++)
    buffer_printf(&body, "{\"line\":%llu,\"errors\":%s}\n", (unsigned long long)lines[i].line, lines[i].errors);
  respond(call->api, call->request, &(struct http_response){.status = 200, .content_type = "application/jsonl"}, &body);
}

static void batch_of_errors_read(void *context, enum store_result result, const struct store_batch *batch,
                                 const struct error *error)
{
  (void)result;
  struct errors_call *call = context;
  if (batch) {
    store_batch_errors(call->api->config.store, batch->id, call->after, LIST_LIMIT_MAX, errors_read, call);
    return;
  }
  respond_no_batch(call->api, call->request, error);
  free(call);
}

void handle_batch_errors(struct api *api, struct http_request *request, const char *id)
{
  uint64_t after = 0;
  struct error error;
  if (!parse_after(request, &after, &error)) {
    respond_problem(api, request, &error, NULL);
    return;
  }
  struct errors_call *call = xmalloc(sizeof *call);
  *call = (struct errors_call){api, request, after};
  store_batch_get(api->config.store, id, batch_of_errors_read, call);
}
