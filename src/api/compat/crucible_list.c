/*
 * Lists and statistics of the Crucible API. Its pages are counted from the newest evaluation on, and its statuses stand
 * for several verdicts each, so both walk the list of /v1 page by page, as far as it takes and no further than bounds say.
 */

#include "api/compat/crucible.h"
#include "api/compat/crucible_routes.h"
#include "api/list.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
  LIMIT_STANDARD = 100,
  COUNTED_MAX = 10000, /* newest evaluations that are counted, as in the original */
  WALK_MAX = 100000,   /* that are walked past to find a page */
};

/* A walk over the list; the first member of what it is made for. */
struct walk {
  struct api *api;
  struct http_request *request;
  struct list_parameters parameters;
  size_t seen;
  void (*visit)(struct walk *walk, const struct evaluation *evaluation);
  bool (*enough)(const struct walk *walk);
  void (*end)(struct walk *walk, bool more); /* answers; `more`: there are older ones */
  void (*release)(struct walk *walk);        /* what belongs to it */
};

static void walk_free(struct walk *walk)
{
  walk->release(walk);
  free(walk);
}

static void next_page(struct walk *walk);

static void page_listed(void *context, const struct evaluation *const *page, size_t count, bool more,
                        const struct error *error)
{
  struct walk *walk = context;
  if (error) {
    crucible_respond_detail(walk->api, walk->request, error_http_status(error->kind), "%s", error->message);
    walk_free(walk);
    return;
  }
  for (size_t i = 0; i < count; i++)
    walk->visit(walk, page[i]);
  walk->seen += count;
  if (more && count && !walk->enough(walk)) {
    walk->parameters.before_sequence = page[count - 1]->sequence;
    next_page(walk);
    return;
  }
  walk->end(walk, more);
  walk_free(walk);
}

static void next_page(struct walk *walk)
{
  list_page(walk->api, &walk->parameters, page_listed, walk);
}

static void walk_begin(struct walk *walk, struct api *api, struct http_request *request)
{
  walk->api = api;
  walk->request = request;
  walk->parameters.limit = LIST_LIMIT_MAX;
  next_page(walk);
}

/* GET /api/evaluations */

struct listing {
  struct walk walk;
  const char *status; /* NULL: any; belongs to the request */
  uint64_t limit, offset, matched;
  struct buffer body;
  struct json_writer json;
};

static void list_visit(struct walk *walk, const struct evaluation *evaluation)
{
  struct listing *listing = (struct listing *)walk;
  if (listing->status && strcmp(listing->status, crucible_status_of(evaluation)) != 0)
    return;
  if (listing->matched >= listing->offset && listing->matched - listing->offset < listing->limit)
    crucible_encode_summary(&listing->json, evaluation);
  listing->matched++;
}

static bool list_has_more(const struct listing *listing)
{
  return listing->matched > listing->offset + listing->limit;
}

/* Behind the page it goes on counting for a while. */
static bool list_enough(const struct walk *walk)
{
  const struct listing *listing = (const struct listing *)walk;
  return walk->seen >= WALK_MAX || (list_has_more(listing) && walk->seen >= COUNTED_MAX);
}

static void list_end(struct walk *walk, bool more)
{
  struct listing *listing = (struct listing *)walk;
  struct json_writer *json = &listing->json;
  (void)more;
  json_write_array_end(json);
  json_write_member_u64(json, "count", listing->matched);
  json_write_member_u64(json, "limit", listing->limit);
  json_write_member_u64(json, "offset", listing->offset);
  json_write_member_bool(json, "has_more", list_has_more(listing));
  json_write_object_end(json);
  respond_json(walk->api, walk->request, 200, &listing->body);
}

static void list_release(struct walk *walk)
{
  buffer_release(&((struct listing *)walk)->body);
}

/* Narrows the walk to what can have this status, where /v1 has the same word or it is one of the open ones'. */
static void narrow(struct list_parameters *parameters, const char *status)
{
  static const char *const finished[] = {"completed", "cancelled"}, *const ended = "failed";
  for (size_t i = 0; i < sizeof finished / sizeof *finished; i++)
    if (!strcmp(status, finished[i]))
      parameters->status = finished[i];
  parameters->status_is_open = !parameters->status && strcmp(status, ended) != 0;
}

void crucible_list(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  CLEANUP_CRUCIBLE_FAULTS struct crucible_faults faults = {0};
  int64_t limit = crucible_query_integer(request, "limit", LIMIT_STANDARD, 1, LIST_LIMIT_MAX, &faults);
  int64_t offset = crucible_query_integer(request, "offset", 0, 0, WALK_MAX, &faults);
  if (faults.count) {
    crucible_respond_faults(api, request, &faults);
    return;
  }
  struct listing *listing = xcalloc(1, sizeof *listing);
  listing->walk = (struct walk){.visit = list_visit, .enough = list_enough, .end = list_end, .release = list_release};
  listing->status = http_query(request, "status");
  listing->limit = (uint64_t)limit;
  listing->offset = (uint64_t)offset;
  listing->json.out = &listing->body;
  json_write_object_begin(&listing->json);
  json_write_key(&listing->json, "evaluations");
  json_write_array_begin(&listing->json);
  if (listing->status)
    narrow(&listing->walk.parameters, listing->status);
  walk_begin(&listing->walk, api, request);
}

/* GET /api/statistics */

#define DAY_MS (24ll * 3600 * 1000)

struct statistics {
  struct walk walk;
  json_t *by_status, *by_language;
  uint64_t completed, failed, recent, truncated;
  uint64_t timed, runtime_ms_total;
};

static void count_one(json_t *counts, const char *key)
{
  json_object_set_new(counts, key, json_integer(json_integer_value(json_object_get(counts, key)) + 1));
}

static bool has_omissions(const struct outputs *outputs)
{
  return outputs && (outputs->stream[STREAM_STDOUT].omitted_bytes || outputs->stream[STREAM_STDERR].omitted_bytes);
}

static void statistics_visit(struct walk *walk, const struct evaluation *evaluation)
{
  struct statistics *statistics = (struct statistics *)walk;
  const char *status = crucible_status_of(evaluation);
  count_one(statistics->by_status, status);
  count_one(statistics->by_language, evaluation->runtime[0] ? evaluation->runtime : "unknown");
  statistics->completed += !strcmp(status, "completed");
  statistics->failed += !strcmp(status, "failed");
  statistics->recent += wall_now().ms - evaluation->entered_at[STATE_QUEUED].ms < DAY_MS;
  statistics->truncated += has_omissions(evaluation->outputs);
  if (evaluation->state == STATE_FINISHED && evaluation->usage.wall_time_us) {
    statistics->timed++;
    statistics->runtime_ms_total += evaluation->usage.wall_time_us / 1000;
  }
}

static bool statistics_enough(const struct walk *walk)
{
  return walk->seen >= COUNTED_MAX;
}

static void statistics_end(struct walk *walk, bool more)
{
  struct statistics *statistics = (struct statistics *)walk;
  uint64_t ended = statistics->completed + statistics->failed;
  json_t *average =
    statistics->timed ? json_real((double)statistics->runtime_ms_total / (double)statistics->timed) : json_null();
  json_t *answer =
    json_pack("{s:I, s:O, s:O, s:o, s:f, s:I, s:n, s:{s:s, s:I, s:b}}", "total_evaluations", (json_int_t)walk->seen,
              "by_status", statistics->by_status, "by_language", statistics->by_language, "average_runtime_ms", average,
              "success_rate", ended ? (double)statistics->completed / (double)ended : 0.0, "last_24h_count",
              (json_int_t)statistics->recent, "peak_hour", "storage_info", "primary_backend", "sqlite",
              "large_outputs_externalized", (json_int_t)statistics->truncated, "complete", !more);
  ASSERT(answer);
  CLEANUP_FREE char *text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(6));
  CLEANUP_BUFFER struct buffer body = {0};
  buffer_puts(&body, text);
  json_decref(answer);
  respond_json(walk->api, walk->request, 200, &body);
}

static void statistics_release(struct walk *walk)
{
  struct statistics *statistics = (struct statistics *)walk;
  json_decref(statistics->by_status);
  json_decref(statistics->by_language);
}

void crucible_statistics(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct statistics *statistics = xcalloc(1, sizeof *statistics);
  statistics->walk = (struct walk){
    .visit = statistics_visit, .enough = statistics_enough, .end = statistics_end, .release = statistics_release};
  statistics->by_status = json_object();
  statistics->by_language = json_object();
  walk_begin(&statistics->walk, api, request);
}
