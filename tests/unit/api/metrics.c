#include "api/metrics.h"

#include "testing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_view(const struct metrics *metrics, struct buffer *ret)
{
  struct metrics_view view = {
    .metrics = metrics,
    .executor = {.in_state = {[STATE_QUEUED] = 4, [STATE_RUNNING] = 2},
                 .queue_max = 1000,
                 .slots = 3,
                 .slots_busy = 2,
                 .queued_bytes = 4096},
    .store = {.commits = 5, .writes = 9, .commit_us_total = 1234567, .reads = 3},
    .waiters = 6,
    .open_batches = 4,
    .uploads = 2,
    .results = 3,
    .version = "1.2.3",
  };
  metrics_write(&view, ret);
}

static void assert_line(const struct buffer *text, const char *line)
{
  CLEANUP_BUFFER struct buffer whole = {0};
  buffer_printf(&whole, "\n%s\n", line);
  if (!strstr(text->data, whole.data))
    fail_msg("no line %s", line);
}

static void values_are_where_they_belong(void **state)
{
  (void)state;
  struct metrics metrics = {0};
  metrics_count_response(&metrics, 202);
  metrics_count_response(&metrics, 202);
  metrics_count_response(&metrics, 429);
  metrics_count_submission(&metrics, STORE_STANDS);
  metrics.batch_lines[BATCH_LINE_refused] = 7;
  CLEANUP_BUFFER struct buffer text = {0};
  write_view(&metrics, &text);
  assert_line(&text, "assay_build_info{version=\"1.2.3\"} 1");
  assert_line(&text, "assay_evaluations_open{state=\"queued\"} 4");
  assert_line(&text, "assay_evaluations_open{state=\"running\"} 2");
  assert_line(&text, "assay_queue_limit 1000");
  assert_line(&text, "assay_queue_bytes 4096");
  assert_line(&text, "assay_slots 3");
  assert_line(&text, "assay_slots_busy 2");
  assert_line(&text, "assay_waiters 6");
  assert_line(&text, "assay_batches_open 4");
  assert_line(&text, "assay_batch_uploads 2");
  assert_line(&text, "assay_batch_results 3");
  assert_line(&text, "assay_batch_lines_total{result=\"accepted\"} 0");
  assert_line(&text, "assay_batch_lines_total{result=\"refused\"} 7");
  assert_line(&text, "assay_http_responses_total{code=\"202\"} 2");
  assert_line(&text, "assay_http_responses_total{code=\"429\"} 1");
  assert_line(&text, "assay_submissions_total{result=\"accepted\"} 0");
  assert_line(&text, "assay_submissions_total{result=\"replayed\"} 1");
  assert_line(&text, "assay_store_commits_total 5");
  assert_line(&text, "assay_store_commit_seconds_total 1.234567");
  assert_line(&text, "assay_store_writes_total 9");
  assert_line(&text, "assay_store_reads_total 3");
}

/* queued for 3 ms, starting for 0, running for 250, sealing not at all (the clock went back) */
static void count_one(struct metrics *metrics, enum verdict_kind kind, unsigned attempt)
{
  struct evaluation evaluation = {
    .state = STATE_FINISHED,
    .attempt = attempt,
    .verdict = {.kind = kind},
    .entered_at = {[STATE_QUEUED] = {1000},
                   [STATE_STARTING] = {1003},
                   [STATE_RUNNING] = {1003},
                   [STATE_SEALING] = {1253},
                   [STATE_FINISHED] = {1200}},
  };
  metrics_count_finished(metrics, &evaluation);
}

static void time_in_each_state_is_a_histogram(void **state)
{
  (void)state;
  struct metrics metrics = {0};
  count_one(&metrics, VERDICT_FAILED, 1);
  count_one(&metrics, VERDICT_FAILED, 1);
  CLEANUP_BUFFER struct buffer text = {0};
  write_view(&metrics, &text);
  assert_line(&text, "assay_evaluations_finished_total{verdict=\"failed\"} 2");
  assert_line(&text, "assay_evaluations_finished_total{verdict=\"lost\"} 0");
  assert_line(&text, "assay_state_seconds_bucket{state=\"queued\",le=\"0.002\"} 0");
  assert_line(&text, "assay_state_seconds_bucket{state=\"queued\",le=\"0.005\"} 2");
  assert_line(&text, "assay_state_seconds_bucket{state=\"queued\",le=\"300\"} 2");
  assert_line(&text, "assay_state_seconds_bucket{state=\"queued\",le=\"+Inf\"} 2");
  assert_line(&text, "assay_state_seconds_sum{state=\"queued\"} 0.006");
  assert_line(&text, "assay_state_seconds_count{state=\"queued\"} 2");
  assert_line(&text, "assay_state_seconds_bucket{state=\"starting\",le=\"0.001\"} 2");
  assert_line(&text, "assay_state_seconds_bucket{state=\"running\",le=\"0.1\"} 0");
  assert_line(&text, "assay_state_seconds_bucket{state=\"running\",le=\"0.25\"} 2");
  assert_line(&text, "assay_state_seconds_sum{state=\"sealing\"} 0.000");
}

static void what_took_longer_than_all_buckets_is_in_the_last(void **state)
{
  (void)state;
  struct metrics metrics = {0};
  struct evaluation evaluation = {
    .attempt = 1,
    .verdict = {.kind = VERDICT_CANCELLED},
    .entered_at = {[STATE_QUEUED] = {1}, [STATE_SEALING] = {400001}, [STATE_FINISHED] = {400001}}};
  metrics_count_finished(&metrics, &evaluation);
  CLEANUP_BUFFER struct buffer text = {0};
  write_view(&metrics, &text);
  assert_line(&text, "assay_state_seconds_bucket{state=\"queued\",le=\"300\"} 0");
  assert_line(&text, "assay_state_seconds_bucket{state=\"queued\",le=\"+Inf\"} 1");
  assert_line(&text, "assay_state_seconds_count{state=\"starting\"} 0");
}

static void several_attempts_count_by_verdict_only(void **state)
{
  (void)state;
  struct metrics metrics = {0};
  count_one(&metrics, VERDICT_COMPLETED, 2);
  assert_int_equal(metrics.finished[VERDICT_COMPLETED], 1);
  assert_int_equal(metrics.in_state[STATE_QUEUED].count, 0);
}

static void another_verdict_that_stood_already_is_not_counted_again(void **state)
{
  (void)state;
  struct metrics metrics = {0};
  count_one(&metrics, VERDICT_NONE, 1);
  for (int i = 0; i < VERDICT_COUNT; i++)
    assert_int_equal(metrics.finished[i], 0);
  assert_int_equal(metrics.in_state[STATE_QUEUED].count, 0);
}

/* Every sample belongs to the metric that was announced last, and every metric is announced once (the text format). */
static void the_text_is_what_a_scraper_expects(void **state)
{
  (void)state;
  struct metrics metrics = {0};
  CLEANUP_BUFFER struct buffer text = {0};
  write_view(&metrics, &text);
  char announced[128] = "", seen[8192] = " ", *rest = NULL;
  for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char type[128];
    if (sscanf(line, "# HELP %127s", announced) == 1) {
      char key[160];
      snprintf(key, sizeof key, " %s ", announced);
      assert_null(strstr(seen, key));
      strncat(seen, key + 1, sizeof seen - strlen(seen) - 1);
    } else if (sscanf(line, "# TYPE %127s", type) == 1) {
      assert_string_equal(type, announced);
    } else {
      assert_memory_equal(line, announced, strlen(announced));
      assert_true(isdigit((unsigned char)line[strlen(line) - 1]));
    }
  }
  assert_non_null(strstr(seen, " assay_store_reads_total "));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_are_where_they_belong),
    cmocka_unit_test(time_in_each_state_is_a_histogram),
    cmocka_unit_test(what_took_longer_than_all_buckets_is_in_the_last),
    cmocka_unit_test(several_attempts_count_by_verdict_only),
    cmocka_unit_test(another_verdict_that_stood_already_is_not_counted_again),
    cmocka_unit_test(the_text_is_what_a_scraper_expects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
