#include "core/evaluation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_new_one_is_an_open_first_attempt_with_default_limits(void **state)
{
  (void)state;
  struct evaluation *evaluation = evaluation_create();
  struct limits limits = limits_default();
  assert_int_equal(evaluation->attempt, 1);
  assert_int_equal(evaluation->attempts_max, 1);
  assert_int_equal(evaluation->verdict.kind, VERDICT_NONE);
  assert_int_equal(evaluation->verdict.exit_code, -1);
  assert_memory_equal(&evaluation->limits, &limits, sizeof limits);
  evaluation_destroy(evaluation);
}

static void the_status_is_the_state_while_open_and_then_the_verdict(void **state)
{
  (void)state;
  struct evaluation *evaluation = evaluation_create();
  evaluation->state = STATE_SEALING;
  evaluation->verdict.kind = VERDICT_COMPLETED; /* decided, but not durable: nobody may see it */
  assert_string_equal(evaluation_status(evaluation), "sealing");
  evaluation->state = STATE_FINISHED;
  assert_string_equal(evaluation_status(evaluation), "completed");
  evaluation->verdict.kind = VERDICT_NONE; /* another verdict stands: only the store can say which */
  assert_string_equal(evaluation_status(evaluation), "finished");
  evaluation_destroy(evaluation);
}

static void the_timeline_is_in_the_order_entered_and_ends_with_what_is_durable(void **state)
{
  (void)state;
  struct evaluation *evaluation = evaluation_create();
  static const struct wall entered_at[STATE_COUNT] = {[STATE_QUEUED] = {10},
                                                      [STATE_PREPARING] = {12},
                                                      [STATE_STARTING] = {12},
                                                      [STATE_SEALING] = {14},
                                                      [STATE_FINISHED] = {15}};
  static const enum state expected[] = {STATE_QUEUED, STATE_PREPARING, STATE_STARTING, STATE_SEALING, STATE_FINISHED};
  enum state timeline[STATE_COUNT];
  for (enum state entered = 0; entered < STATE_COUNT; entered++)
    evaluation->entered_at[entered] = entered_at[entered];
  evaluation->state = STATE_SEALING; /* the time of the verdict is there, and the verdict with the store */
  assert_int_equal(evaluation_timeline(evaluation, timeline), 4);
  assert_memory_equal(timeline, expected, 4 * sizeof *expected);
  evaluation->state = STATE_PREPARING; /* within one millisecond the present state is the latest */
  static const enum state preparing[] = {STATE_QUEUED, STATE_STARTING, STATE_PREPARING, STATE_SEALING};
  assert_int_equal(evaluation_timeline(evaluation, timeline), 4);
  assert_memory_equal(timeline, preparing, sizeof preparing);
  evaluation->state = STATE_FINISHED;
  assert_int_equal(evaluation_timeline(evaluation, timeline), 5);
  assert_memory_equal(timeline, expected, sizeof expected);
  evaluation_destroy(evaluation);
}

static void destroying_releases_all_it_owns_and_accepts_nothing(void **state)
{
  (void)state;
  struct evaluation *evaluation = evaluation_create();
  evaluation->labels = xstrdup("{}");
  evaluation->idempotency_key = xstrdup("key");
  evaluation->plan = blob_create("plan", 4);
  evaluation->outputs = outputs_create();
  evaluation->outputs->stream[STREAM_STDOUT].data = blob_create("out", 3);
  evaluation->outputs->stream[STREAM_STDERR].path = xstrdup("/nowhere");
  evaluation->outputs->order = blob_create("", 0);
  evaluation_destroy(evaluation); /* the leak sanitizer counts */
  evaluation_destroy(0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_one_is_an_open_first_attempt_with_default_limits),
    cmocka_unit_test(the_status_is_the_state_while_open_and_then_the_verdict),
    cmocka_unit_test(the_timeline_is_in_the_order_entered_and_ends_with_what_is_durable),
    cmocka_unit_test(destroying_releases_all_it_owns_and_accepts_nothing),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
