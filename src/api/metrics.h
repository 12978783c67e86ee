#pragma once

/* What is counted, as Prometheus text (exposition format 0.0.4). The table of all metrics is in metrics.c. */

#include "core/executor.h"
#include "store/store.h"

#define METRIC_BUCKETS_MS(X)                                                                                           \
  X(1) X(2) X(5) X(10) X(25) X(50) X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000) X(30000) X(60000) X(300000)

enum metric_bucket {
#define X(ms) METRIC_BUCKET_##ms,
  METRIC_BUCKETS_MS(X)
#undef X
    METRIC_BUCKETS
};

struct histogram {
  uint64_t bucket[METRIC_BUCKETS]; /* of these alone; summed up when written */
  uint64_t count, sum_ms;
};

enum { HTTP_STATUS_COUNT = 600, STORE_RESULT_COUNT = STORE_FAILED + 1 };

/* What became of a line of a batch: name. */
#define BATCH_LINES(X)                                                                                                 \
  X(accepted)                                                                                                          \
  X(refused)                                                                                                           \
  X(known) /* accepted before, and passed over */

enum batch_line {
#define X(name) BATCH_LINE_##name,
  BATCH_LINES(X)
#undef X
    BATCH_LINE_COUNT
};

struct metrics {
  uint64_t batch_lines[BATCH_LINE_COUNT];
  uint64_t responses[HTTP_STATUS_COUNT];
  uint64_t submissions[STORE_RESULT_COUNT];
  uint64_t finished[VERDICT_COUNT];
  struct histogram in_state[STATE_COUNT];
};

void metrics_count_response(struct metrics *metrics, int status);
void metrics_count_submission(struct metrics *metrics, enum store_result result);
/* Its verdict, and the time that it spent in each state. */
void metrics_count_finished(struct metrics *metrics, const struct evaluation *evaluation);

struct metrics_view {
  const struct metrics *metrics;
  struct executor_counts executor;
  struct store_stats store;
  unsigned waiters, followers;
  unsigned open_batches, uploads, results; /* of batches */
  const char *version;
};
void metrics_write(const struct metrics_view *view, struct buffer *ret);
