#include "api/metrics.h"

#include "base/error.h"

#include <inttypes.h>

/* name, type, help, function that writes the samples */
#define METRICS(X)                                                                                                     \
  X(assay_build_info, gauge, "Version of the daemon; always 1.", write_build)                                          \
  X(assay_evaluations_finished_total, counter, "Evaluations that ended, by verdict.", write_finished)                  \
  X(assay_evaluations_open, gauge, "Evaluations that are not finished, by state.", write_open)                         \
  X(assay_state_seconds, histogram,                                                                                    \
    "Time that finished evaluations spent in each state. Those tried more than once are left out.", write_states)      \
  X(assay_submissions_total, counter, "Submissions that reached the store, by what became of them.",                   \
    write_submissions)                                                                                                 \
  X(assay_queue_limit, gauge, "Evaluations that may wait.", write_queue_limit)                                         \
  X(assay_queue_bytes, gauge, "Memory that the waiting ones take.", write_queue_bytes)                                 \
  X(assay_slots, gauge, "Evaluations that may run at a time.", write_slots)                                            \
  X(assay_slots_busy, gauge, "Slots that are taken.", write_slots_busy)                                                \
  X(assay_waiters, gauge, "Requests that wait for a verdict.", write_waiters)                                          \
  X(assay_followers, gauge, "Clients that follow a stream of events.", write_followers)                                \
  X(assay_batches_open, gauge, "Batches that are being sent, or of which an evaluation is not finished.",              \
    write_open_batches)                                                                                                \
  X(assay_batch_uploads, gauge, "Batches that are being sent.", write_uploads)                                         \
  X(assay_batch_results, gauge, "Clients that read the results of a batch.", write_results)                            \
  X(assay_batch_lines_total, counter, "Lines of batches, by what became of them.", write_batch_lines)                  \
  X(assay_http_responses_total, counter, "Responses of the API, by status code.", write_responses)                     \
  X(assay_store_commits_total, counter, "Transactions of the store.", write_commits)                                   \
  X(assay_store_commit_seconds_total, counter, "Time spent in commits.", write_commit_seconds)                         \
  X(assay_store_writes_total, counter, "Writes; several share a commit.", write_writes)                                \
  X(assay_store_reads_total, counter, "Reads of the store.", write_reads)                                              \
  X(assay_evaluations_removed_total, counter, "Evaluations that retention deleted.", write_removed)

static const unsigned bucket_ms[METRIC_BUCKETS] = {
#define X(ms) ms,
  METRIC_BUCKETS_MS(X)
#undef X
};

void metrics_count_response(struct metrics *metrics, int status)
{
  ASSERT(status >= 0 && status < HTTP_STATUS_COUNT);
  metrics->responses[status]++;
}

void metrics_count_submission(struct metrics *metrics, enum store_result result)
{
  metrics->submissions[result]++;
}

static void observe(struct histogram *histogram, uint64_t ms)
{
  histogram->count++;
  histogram->sum_ms += ms;
  for (int i = 0; i < METRIC_BUCKETS; i++) {
    if (ms <= bucket_ms[i]) {
      histogram->bucket[i]++;
      return;
    }
  }
}

/* Of an evaluation that was tried more than once only the last attempt's times are known. The wall clock may jump back.
 */
static void observe_states(struct metrics *metrics, const struct evaluation *evaluation)
{
  enum state previous = STATE_QUEUED;
  for (enum state state = STATE_QUEUED + 1; state < STATE_COUNT && evaluation->attempt == 1; state++) {
    int64_t entered_ms = evaluation->entered_at[state].ms;
    if (!entered_ms)
      continue;
    int64_t spent_ms = entered_ms - evaluation->entered_at[previous].ms;
    observe(&metrics->in_state[previous], spent_ms > 0 ? (uint64_t)spent_ms : 0);
    previous = state;
  }
}

void metrics_count_finished(struct metrics *metrics, const struct evaluation *evaluation)
{
  if (evaluation->verdict.kind == VERDICT_NONE)
    return; /* another verdict stood already, and was counted */
  metrics->finished[evaluation->verdict.kind]++;
  observe_states(metrics, evaluation);
}

static void write_sample(struct buffer *ret, const char *name, uint64_t value)
{
  buffer_printf(ret, "%s %" PRIu64 "\n", name, value);
}

static void write_labelled(struct buffer *ret, const char *name, const char *label, const char *text, uint64_t value)
{
  buffer_printf(ret, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, text, value);
}

static void write_build(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_labelled(ret, name, "version", view->version, 1);
}

static void write_finished(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  for (int kind = VERDICT_NONE + 1; kind < VERDICT_COUNT; kind++)
    write_labelled(ret, name, "verdict", verdict_name((enum verdict_kind)kind), view->metrics->finished[kind]);
}

static void write_open(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  for (enum state state = STATE_ACCEPTING; state < STATE_FINISHED; state++)
    write_labelled(ret, name, "state", state_name(state), view->executor.in_state[state]);
}

static void write_histogram(struct buffer *ret, const char *name, const char *state, const struct histogram *histogram)
{
  uint64_t up_to = 0;
  for (int i = 0; i < METRIC_BUCKETS; i++) {
    up_to += histogram->bucket[i];
    buffer_printf(ret, "%s_bucket{state=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, state, bucket_ms[i] / 1000.0, up_to);
  }
  buffer_printf(ret, "%s_bucket{state=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, state, histogram->count);
  buffer_printf(ret, "%s_sum{state=\"%s\"} %" PRIu64 ".%03u\n", name, state, histogram->sum_ms / 1000,
                (unsigned)(histogram->sum_ms % 1000));
  buffer_printf(ret, "%s_count{state=\"%s\"} %" PRIu64 "\n", name, state, histogram->count);
}

static void write_states(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  for (enum state state = STATE_QUEUED; state < STATE_FINISHED; state++)
    write_histogram(ret, name, state_name(state), &view->metrics->in_state[state]);
}

static void write_submissions(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  static const char *const results[STORE_RESULT_COUNT] = {
    [STORE_DONE] = "accepted", [STORE_STANDS] = "replayed", [STORE_CONFLICT] = "conflict", [STORE_FAILED] = "failed"};
  for (int i = 0; i < STORE_RESULT_COUNT; i++)
    if (results[i])
      write_labelled(ret, name, "result", results[i], view->metrics->submissions[i]);
}

static void write_queue_limit(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->executor.queue_max);
}

static void write_queue_bytes(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->executor.queued_bytes);
}

static void write_slots(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->executor.slots);
}

static void write_slots_busy(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->executor.slots_busy);
}

static void write_followers(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->followers);
}

static void write_waiters(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->waiters);
}

static void write_open_batches(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->open_batches);
}

static void write_uploads(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->uploads);
}

static void write_results(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->results);
}

static void write_batch_lines(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  static const char *const names[] = {
#define X(name) #name,
    BATCH_LINES(X)
#undef X
  };
  for (int i = 0; i < BATCH_LINE_COUNT; i++)
    write_labelled(ret, name, "result", names[i], view->metrics->batch_lines[i]);
}

static void write_responses(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  for (int status = 0; status < HTTP_STATUS_COUNT; status++)
    if (view->metrics->responses[status])
      buffer_printf(ret, "%s{code=\"%d\"} %" PRIu64 "\n", name, status, view->metrics->responses[status]);
}

static void write_commits(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->store.commits);
}

static void write_commit_seconds(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  buffer_printf(ret, "%s %" PRIu64 ".%06u\n", name, view->store.commit_us_total / 1000000,
                (unsigned)(view->store.commit_us_total % 1000000));
}

static void write_writes(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->store.writes);
}

static void write_reads(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->store.reads);
}

static void write_removed(const struct metrics_view *view, const char *name, struct buffer *ret)
{
  write_sample(ret, name, view->store.removed);
}

static const struct {
  const char *name, *type, *help;
  void (*write)(const struct metrics_view *view, const char *name, struct buffer *ret);
} table[] = {
#define X(name, type, help, function) {#name, #type, help, function},
  METRICS(X)
#undef X
};

void metrics_write(const struct metrics_view *view, struct buffer *ret)
{
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    buffer_printf(ret, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help, table[i].name, table[i].type);
    table[i].write(view, table[i].name, ret);
  }
}
