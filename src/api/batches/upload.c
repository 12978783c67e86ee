/*
 * POST /v1/batches: lines are taken as they come, decoded, and handed to the executor one by one.
 *
 * An upload takes the next line only where there is room: among those that are with the store, and in the queue, of
 * which all uploads together leave half to others. Where there is none it stops reading, and gets on when an evaluation
 * has moved. A line that may have been accepted before (the store has received that far) is looked up first, a page of
 * them at a time, and passed over where it is there.
 *
 * An upload outlives its client until the store has answered all that it was asked.
 */

#include "api/batches/batches_impl.h"
#include "api/parameters.h"
#include "api/routes.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IN_FLIGHT_MAX = 256 }; /* lines that are with the store */
enum { KNOWN_PAGE_LINES = 1000 };
enum { ROOM_AGAIN_MS = 1000 }; /* where nothing tells that there is room again, such as on the disk */

#define NOT_STORED "the store failed; what was accepted is safe, send the batch again to go on"

/* A page of the lines that were accepted before. */
struct known {
  struct store_line items[KNOWN_PAGE_LINES];
  size_t count, at;
  uint64_t from, to; /* the lines after `from`, up to `to`, are here or nowhere */
};

struct upload {
  LIST_ENTRY(upload) link;
  struct api *api;
  struct http_request *request; /* NULL: answered, or gone */
  char *key;
  char batch[ID_SIZE];
  bool is_open; /* the store has the batch */
  struct lines lines;
  uint64_t received; /* by the store, before this upload */
  struct known *known;
  struct evaluation *waiting; /* for room */
  unsigned in_flight;         /* asked of the store */
  bool is_looking_up, is_completing;
};

const char *upload_batch(const struct upload *upload)
{
  return upload->batch;
}

bool upload_is_of(const struct upload *upload, const char *batch)
{
  return !strcmp(upload->batch, batch);
}

struct upload *upload_next(struct upload *upload)
{
  return LIST_NEXT(upload, link);
}

unsigned uploads_count(const struct batches *batches)
{
  unsigned count = 0;
  const struct upload *upload;
  LIST_FOREACH (upload, &batches->uploads, link)
    count++;
  return count;
}

bool batches_are_receiving(const struct batches *batches, const char *batch)
{
  const struct upload *upload;
  LIST_FOREACH (upload, &batches->uploads, link)
    if (upload_is_of(upload, batch))
      return true;
  return false;
}

static void release(struct upload *upload)
{
  evaluation_destroy(upload->waiting);
  free(upload->known);
  free(upload->key);
  free(upload);
}

/* It takes no more. Whoever waits for the batch's end looks whether that was it. */
static struct http_request *leave(struct upload *upload)
{
  struct batches *batches = upload->api->batches;
  struct http_request *request = TAKE_PTR(upload->request);
  LIST_REMOVE(upload, link);
  evaluation_destroy(TAKE_PTR(upload->waiting));
  http_body_on_arrival(request, NULL, NULL);
  http_on_gone(request, NULL, NULL);
  if (batches)
    results_changed(batches, upload->batch);
  if (!upload->in_flight)
    release(upload);
  return request;
}

static void end_with(struct upload *upload, enum error_kind kind, const char *why)
{
  struct api *api = upload->api;
  respond_error(api, leave(upload), kind, "%s", why);
}

static void gone(void *context)
{
  struct upload *upload = context;
  http_respond(leave(upload), &(struct http_response){.status = 503}, NULL); /* nobody hears it: this lets it go */
}

void batches_end_uploads(struct batches *batches, const char *batch, enum error_kind kind, const char *why)
{
  struct upload *next;
  for (struct upload *upload = LIST_FIRST(&batches->uploads); upload; upload = next) {
    next = upload_next(upload);
    if (!batch || upload_is_of(upload, batch))
      end_with(upload, kind, why);
  }
}

/* The store has answered something. False: the upload has ended before, and with its last answer it goes. */
static bool landed(struct upload *upload)
{
  upload->in_flight--;
  if (upload->request) {
    batches_kick_uploads(upload->api->batches, 0);
    return true;
  }
  if (!upload->in_flight)
    release(upload);
  return false;
}

/* A line into the executor. */

struct line_submitter {
  struct submitter as_submitter;
  struct upload *upload;
  uint64_t line;
};

static void end_with_conflict(struct upload *upload, uint64_t line, bool is_cancelled)
{
  if (is_cancelled) {
    end_with(upload, ERROR_CONFLICT, "the batch was cancelled");
    return;
  }
  CLEANUP_FREE char *why =
    xasprintf("line %llu is not the one that was accepted with this Idempotency-Key before", (unsigned long long)line);
  end_with(upload, ERROR_CONFLICT, why);
}

static void accepted(struct api *api, struct submitter *submitter, struct evaluation *evaluation,
                     enum store_result result, const char *standing_id)
{
  (void)evaluation;
  CLEANUP_FREE struct line_submitter *of_line = (struct line_submitter *)submitter;
  struct upload *upload = of_line->upload;
  api->metrics.batch_lines[BATCH_LINE_accepted] += result == STORE_DONE;
  api->metrics.batch_lines[BATCH_LINE_known] += result == STORE_STANDS;
  if (!landed(upload))
    return;
  if (result == STORE_CONFLICT)
    end_with_conflict(upload, of_line->line, !standing_id);
  else if (result == STORE_FAILED)
    end_with(upload, ERROR_UNAVAILABLE, NOT_STORED);
}

static bool is_any_open(const struct api *api)
{
  return executor_each(api->config.executor, NULL) != NULL;
}

static bool has_room(const struct api *api)
{
  struct executor_counts counts = executor_count(api->config.executor);
  unsigned waiting = 0;
  for (enum state state = 0; state < STATE_COUNT; state++)
    waiting += state_waits(state) ? counts.in_state[state] : 0;
  return waiting <= counts.queue_max / 2;
}

static bool wait_for_room(struct upload *upload)
{
  batches_kick_uploads(upload->api->batches, ROOM_AGAIN_MS);
  return false;
}

static bool has_room_ever(const struct upload *upload)
{
  const struct blob *plan = upload->waiting->plan;
  return !plan || plan->size <= executor_count(upload->api->config.executor).queue_bytes_max;
}

static void refused(void *context, enum store_result result, const struct store_batch *batch, const struct error *error)
{
  (void)batch;
  (void)error;
  struct upload *upload = context;
  upload->api->metrics.batch_lines[BATCH_LINE_refused] += result == STORE_DONE;
  if (landed(upload) && result == STORE_FAILED)
    end_with(upload, ERROR_UNAVAILABLE, NOT_STORED);
}

static void refuse_line(struct upload *upload, uint64_t line, const struct faults *faults)
{
  CLEANUP_BUFFER struct buffer text = {0};
  struct json_writer json = {.out = &text};
  faults_encode(faults, &json);
  upload->in_flight++;
  store_batch_reject(upload->api->config.store, upload->batch, line, text.data, refused, upload);
}

static void refuse_line_for(struct upload *upload, uint64_t line, const char *why)
{
  struct faults faults;
  faults.count = 0;
  faults_add(&faults, "$", "%s", why);
  refuse_line(upload, line, &faults);
}

static bool submit(struct upload *upload)
{
  struct api *api = upload->api;
  struct error error;
  enum error_kind kind;
  const char *why = api_not_ready(api, &kind);
  if (why && !is_any_open(api)) { /* nothing ends that could make room */
    end_with(upload, kind, why);
    return false;
  }
  if (why || !has_room(api))
    return wait_for_room(upload);
  uint64_t line = upload->waiting->batch_line;
  struct line_submitter *of_line = xmalloc(sizeof *of_line);
  *of_line = (struct line_submitter){{accepted}, upload, line};
  upload->in_flight++;
  if (api_submit(api, upload->request, upload->waiting, &of_line->as_submitter, &error)) {
    upload->waiting = NULL;
    return true;
  }
  upload->in_flight--;
  free(of_line);
  if (error.kind == ERROR_OVERLOADED && has_room_ever(upload)) /* or a token's rate is exhausted for now */
    return wait_for_room(upload);
  if (error.kind == ERROR_UNAVAILABLE) {
    end_with(upload, error.kind, error.message);
    return false;
  }
  evaluation_destroy(TAKE_PTR(upload->waiting));
  refuse_line_for(upload, line, error.message);
  return true;
}

/* What was accepted before. */

static void looked_up(void *context, const struct store_line *lines, size_t count, const struct error *error)
{
  struct upload *upload = context;
  struct known *known = upload->known;
  upload->is_looking_up = false;
  if (count)                                            /* memcpy(3) takes no NULL */
    memcpy(known->items, lines, count * sizeof *lines); /* without errors: there are none of accepted ones */
  known->count = count;
  known->at = 0;
  known->to = count == KNOWN_PAGE_LINES ? known->items[count - 1].line : upload->received;
  if (landed(upload) && error)
    end_with(upload, ERROR_UNAVAILABLE, "the store cannot be read; send the batch again to go on");
}

static void look_up(struct upload *upload, uint64_t line)
{
  if (!upload->known)
    upload->known = xcalloc(1, sizeof *upload->known);
  upload->known->from = line - 1;
  upload->is_looking_up = true;
  upload->in_flight++;
  store_batch_accepted(upload->api->config.store, upload->batch, line - 1, KNOWN_PAGE_LINES, looked_up, upload);
}

/* Whether it can be told at once if this line is known. Lines are asked for in order. */
static bool is_on_page(const struct upload *upload, uint64_t line)
{
  return line > upload->received || (upload->known && line > upload->known->from && line <= upload->known->to);
}

static const struct store_line *find_known(struct upload *upload, uint64_t line)
{
  struct known *known = upload->known;
  if (line > upload->received)
    return NULL;
  while (known->at < known->count && known->items[known->at].line < line)
    known->at++;
  return known->at < known->count && known->items[known->at].line == line ? &known->items[known->at] : NULL;
}

/* Lines. */

static bool take_line(struct upload *upload, const char *text, size_t size)
{
  uint64_t line = upload->lines.number, digest = digest_bytes(text, size);
  const struct store_line *known = find_known(upload, line);
  if (known && known->body_digest != digest) {
    end_with_conflict(upload, line, false);
    return false;
  }
  if (known) {
    upload->api->metrics.batch_lines[BATCH_LINE_known]++;
    return true;
  }
  struct submission_rules rules = submission_rules_of(upload->api, upload->request);
  struct faults faults;
  faults.count = 0;
  struct evaluation *evaluation = submission_decode(&rules, text, size, &faults);
  if (!evaluation) {
    refuse_line(upload, line, &faults);
    return true;
  }
  evaluation->batch = xstrdup(upload->batch);
  evaluation->batch_line = line;
  evaluation->body_digest = digest;
  upload->waiting = evaluation;
  return submit(upload);
}

static void completed(void *context, enum store_result result, const struct store_batch *batch,
                      const struct error *error)
{
  (void)error;
  struct upload *upload = context;
  struct api *api = upload->api;
  if (!landed(upload))
    return;
  if (batch && result == STORE_DONE)
    respond_batch(api, leave(upload), 202, batch);
  else
    end_with(upload, ERROR_UNAVAILABLE, NOT_STORED);
}

static bool complete(struct upload *upload)
{
  if (!upload->in_flight && !upload->is_completing) {
    upload->is_completing = true;
    upload->in_flight++;
    store_batch_complete(upload->api->config.store, upload->batch, upload->lines.number, completed, upload);
  }
  return false;
}

static bool want_more(struct upload *upload, size_t size)
{
  size_t done = upload->lines.begin;
  lines_dropped(&upload->lines);
  if (done || !size)
    http_body_consume(upload->request, done);
  else
    http_body_read_on(upload->request);
  return false;
}

/* The next line, where there is one and room for it. False: not now, or never. */
static bool take_next(struct upload *upload)
{
  size_t size, line_size;
  const char *data = http_body(upload->request, &size), *text;
  if (upload->lines.number >= BATCH_LINES_MAX && size > upload->lines.begin) {
    end_with(upload, ERROR_TOO_LARGE, "a batch has at most 1000000 lines; those were taken");
    return false;
  }
  if (upload->lines.number < upload->received && !is_on_page(upload, upload->lines.number + 1)) {
    look_up(upload, upload->lines.number + 1);
    return false;
  }
  switch (lines_next(&upload->lines, data, size, http_body_has_ended(upload->request), &text, &line_size)) {
  case LINE_WANTED:
    return want_more(upload, size);
  case LINE_THERE:
    return take_line(upload, text, line_size);
  case LINE_OVERLONG:
    refuse_line_for(upload, upload->lines.number, "the line is larger than a submission may be");
    break;
  case LINE_BLANK:
    break;
  case LINE_NO_MORE:
    return complete(upload);
  }
  return true;
}

static bool step(struct upload *upload)
{
  if (!upload->is_open || upload->is_completing || upload->is_looking_up || upload->in_flight >= IN_FLIGHT_MAX)
    return false;
  return upload->waiting ? submit(upload) : take_next(upload);
}

void upload_get_on(struct upload *upload)
{
  while (step(upload))
    ;
}

static void arrived(void *context)
{
  upload_get_on(context);
}

/* Beginning. */

static void open_batch(struct upload *upload);

static void opened(void *context, enum store_result result, const struct store_batch *batch, const struct error *error)
{
  (void)error;
  struct upload *upload = context;
  struct api *api = upload->api;
  if (!landed(upload))
    return;
  if (result == STORE_DUPLICATE) {
    open_batch(upload);
    return;
  }
  if (!batch || result == STORE_FAILED) {
    end_with(upload, ERROR_UNAVAILABLE, NOT_STORED);
    return;
  }
  if (batch->cancelled_at.ms) {
    end_with(upload, ERROR_CONFLICT, "the batch was cancelled");
    return;
  }
  batches_end_uploads(api->batches, batch->id, ERROR_CONFLICT, "another upload of this batch has taken over");
  memcpy(upload->batch, batch->id, sizeof upload->batch);
  upload->received = batch->received;
  upload->is_open = true;
}

static void open_batch(struct upload *upload)
{
  char id[ID_SIZE];
  id_make(id, wall_now(), (uint32_t)random_number());
  upload->in_flight++;
  store_batch_open(upload->api->config.store, id, upload->key, opened, upload);
}

static bool is_json_lines(const char *type)
{
  static const char *const types[] = {"application/jsonl", "application/x-ndjson", "application/x-jsonlines"};
  for (size_t i = 0; type && i < sizeof types / sizeof *types; i++) {
    size_t length = strlen(types[i]);
    if (!strncasecmp(type, types[i], length) && strchr("; \t", type[length]))
      return true;
  }
  return !type;
}

static bool check_request(struct api *api, struct http_request *request, const char **ret_key, struct error *error)
{
  enum error_kind kind;
  const char *why = api_not_ready(api, &kind);
  if (!is_json_lines(http_header(request, "Content-Type")))
    return error_set(error, ERROR_UNSUPPORTED_MEDIA, 0, "the body must be application/jsonl (or application/x-ndjson)");
  if (why)
    return error_set(error, kind, 0, "%s", why);
  return parameter_idempotency_key(request, ret_key, error);
}

bool batches_stream_body(const struct http_request *request)
{
  return !strcmp(http_method(request), "POST") && !strcmp(http_path(request), "/v1/batches");
}

void handle_batch_submit(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  const char *key;
  struct error error;
  if (!check_request(api, request, &key, &error)) {
    respond_problem(api, request, &error, NULL);
    return;
  }
  struct upload *upload = xcalloc(1, sizeof *upload);
  upload->api = api;
  upload->request = request;
  upload->key = xstrdup(key);
  upload->lines.bytes_max = BODY_BYTES_MAX;
  LIST_INSERT_HEAD(&api->batches->uploads, upload, link);
  open_batch(upload);
  http_body_on_arrival(request, arrived, upload);
  http_on_gone(request, gone, upload); /* last: it may be gone already */
}
