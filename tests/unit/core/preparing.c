/* While a backend fetches what an evaluation needs: no slot is held, nothing is launched twice, every end has a true
 * verdict. */

#include "scripted_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Answers a look: it is still being fetched. */
static void sees_progress(struct script *script, const struct evaluation *evaluation, const char *progress)
{
  assert_string_equal(taken(script, CALL_OBSERVE).name.text, attempt_name(evaluation).text);
  executor_observed(script->executor, attempt_name(evaluation),
                    &(struct observation){.presence = PRESENCE_PENDING, .progress = progress});
}

static void answer_launch(struct script *script, enum launch_result result)
{
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, result, 0);
}

static void hint(struct script *script, const struct evaluation *evaluation)
{
  executor_hint(script->executor, attempt_name(evaluation));
}

/* Launched, and being prepared. */
static struct evaluation *preparing(struct script *script, struct evaluation *draft)
{
  struct evaluation *evaluation = accepted(script, draft);
  answer_launch(script, LAUNCH_PREPARING);
  sees_progress(script, evaluation, "pulling python:3.12");
  assert_int_equal(evaluation->state, STATE_PREPARING);
  assert_quiet(script);
  return evaluation;
}

static void what_is_being_prepared_holds_no_slot(void **state)
{
  struct script *script = *state;
  preparing(script, draft());
  struct evaluation *other = accepted(script, draft());
  assert_string_equal(taken(script, CALL_LAUNCH).id, other->id);
  assert_int_equal(executor_count(script->executor).slots_busy, 1);
}

static void what_is_being_prepared_counts_as_waiting(void **state)
{
  struct script *script = *state;
  for (unsigned i = 0; i < 4; i++) /* the queue takes 3, and one more for the slot that is free */
    preparing(script, draft());
  assert_int_equal(executor_count(script->executor).queued_bytes, 16);
  struct evaluation *evaluation = draft();
  struct error error = {0};
  assert_false(executor_submit(script->executor, evaluation, 0, &error));
  assert_int_equal(error.kind, ERROR_OVERLOADED);
  evaluation_destroy(evaluation);
}

static void once_it_is_there_it_is_launched_under_the_same_name(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, attempt_name(evaluation).text);
  assert_int_equal(evaluation->attempt, 1);
  assert_int_equal(evaluation->state, STATE_STARTING);
  assert_string_equal(evaluation->progress, "pulling python:3.12"); /* which stays in the timeline */
}

static void the_look_after_the_answer_needs_no_hint(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  answer_launch(script, LAUNCH_PREPARING); /* the hint that it has ended was before this */
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_string_equal(taken(script, CALL_LAUNCH).id, evaluation->id);
}

static void a_lost_hint_costs_time_only(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  tick_after(script, RECONCILE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_string_equal(taken(script, CALL_LAUNCH).id, evaluation->id);
}

static void progress_is_the_last_that_was_told(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  char before[REASON_SIZE], much[2 * REASON_SIZE];
  strcpy(before, evaluation->progress);
  hint(script, evaluation);
  sees_progress(script, evaluation, 0);
  assert_string_equal(evaluation->progress, before);
  memset(much, 'x', sizeof much);
  much[sizeof much - 1] = 0;
  hint(script, evaluation);
  sees_progress(script, evaluation, much);
  assert_int_equal(strlen(evaluation->progress), REASON_SIZE - 1);
  assert_int_equal(evaluation->state, STATE_PREPARING);
}

static void an_error_says_nothing_about_it(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_UNKNOWN, false, 0);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_PREPARING);
}

static void without_a_slot_it_waits_in_its_place(void **state)
{
  struct script *script = *state;
  struct evaluation *first = preparing(script, draft());
  struct evaluation *second = starting(script, draft());
  accepted(script, draft());
  hint(script, first);
  sees(script, attempt_name(first), PRESENCE_ABSENT, false, 0);
  assert_int_equal(first->state, STATE_QUEUED);
  assert_quiet(script);
  struct record record = record_of_code(0);
  hint(script, second);
  sees(script, attempt_name(second), PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH);
  assert_string_equal(taken(script, CALL_LAUNCH).id, first->id); /* it came before the third */
}

static void no_room_after_it_puts_it_back(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  answer_launch(script, LAUNCH_BUSY);
  assert_int_equal(evaluation->state, STATE_QUEUED);
  assert_quiet(script);
  tick_after(script, OVERDUE_MS);
  answer_launch(script, LAUNCH_PREPARING); /* and it is gone again meanwhile */
  assert_int_equal(evaluation->state, STATE_PREPARING);
  taken(script, CALL_OBSERVE);
}

static void preparing_again_and_again_does_not_stop_the_clock_of_the_queue(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  for (unsigned halves = 0; halves < 2 * 24; halves++) {
    answer_launch(script, LAUNCH_PREPARING);
    sees_progress(script, evaluation, "pulling");
    advance(script, PREPARING_MS_MAX / 2);
    hint(script, evaluation);
    sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  }
  answer_launch(script, LAUNCH_BUSY);
  tick_after(script, 1);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void what_cannot_be_had_is_not_started_and_says_why(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  struct name name = attempt_name(evaluation);
  hint(script, evaluation);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_REFUSED, "no such image: pyhton:3.12");
  sees(script, name, PRESENCE_ABSENT, false, 0);
  taken(script, CALL_KILL);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_NOT_STARTED);
  assert_string_equal(finish.verdict.reason, "no such image: pyhton:3.12");
}

/* ---- against what the backend said ---- */

static void one_that_runs_is_running(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  assert_int_equal(executor_count(script->executor).slots_busy, 1);
  assert_quiet(script);
}

static void one_that_ended_has_the_verdict_of_its_record(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  struct record record = record_of_code(1);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_FAILED);
}

static void one_that_started_and_is_dead_is_lost_after_a_second_look(void **state)
{
  struct script *script = *state;
  for (enum presence presence = PRESENCE_ABSENT; presence <= PRESENCE_DEAD;
       presence += PRESENCE_DEAD - PRESENCE_ABSENT) {
    struct evaluation *evaluation = preparing(script, draft());
    hint(script, evaluation);
    sees(script, attempt_name(evaluation), presence, true, 0);
    assert_int_equal(pending(script, CALL_LAUNCH), 0);
    taken(script, CALL_KILL);
    sees(script, attempt_name(evaluation), presence, true, 0);
    assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
    executor_finished(script->executor, evaluation->id, STORE_DONE);
    taken(script, CALL_REMOVE);
  }
}

/* ---- without the answer to the launch ---- */

static void a_look_tells_it_as_well_as_an_answer(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  answer_launch(script, LAUNCH_UNKNOWN);
  sees_progress(script, evaluation, "pulling");
  assert_int_equal(evaluation->state, STATE_PREPARING);
  tick_after(script, STARTING_MS_MAX); /* which is not its deadline any more */
  sees_progress(script, evaluation, "pulling");
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_PREPARING);
}

static void an_answer_that_comes_late_changes_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  hint(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  executor_launched(script->executor, name, LAUNCH_PREPARING, 0);
  sees_progress(script, evaluation, "pulling");
  assert_int_equal(evaluation->state, STATE_PREPARING);
  executor_launched(script->executor, name, LAUNCH_PREPARING, 0); /* doubled */
  assert_quiet(script);

  hint(script, evaluation);
  sees(script, name, PRESENCE_RUNNING, true, 0);
  executor_launched(script->executor, name, LAUNCH_PREPARING, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  assert_quiet(script);
}

static void absence_says_nothing_while_the_launch_is_on_its_way(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  hint(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_quiet(script);
}

/* ---- cancelled ---- */

static void a_cancelled_one_never_ran(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  cancel(script, evaluation);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_CANCELLED);
  assert_string_equal(finish.verdict.reason, "cancelled by a client before it was started");
  executor_finished(script->executor, evaluation->id, STORE_DONE);
  taken(script, CALL_REMOVE); /* which tells the backend that nobody waits for it any more */
}

static void one_cancelled_while_its_launch_was_under_way_never_ran(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
  executor_launched(script->executor, name, LAUNCH_PREPARING, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

/* A look has told that it is being prepared; the answer to the launch may still tell otherwise. */
static void one_cancelled_before_the_answer_is_not_called_cancelled_unseen(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  hint(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  sees(script, name, PRESENCE_RUNNING, true, 0); /* it was launched after all */
  taken(script, CALL_KILL);
  struct record record = {.step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = 9, .killed = KILLED_CANCELLED};
  hint(script, evaluation);
  sees(script, name, PRESENCE_DEAD, true, &record);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_CANCELLED);
  assert_string_equal(finish.verdict.reason, "cancelled by a client");
}

static void one_cancelled_before_the_answer_ends_with_the_answer(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  hint(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  sees_progress(script, evaluation, "pulling");
  taken(script, CALL_KILL);
  executor_launched(script->executor, name, LAUNCH_PREPARING, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

/* ---- law 8 ---- */

static void one_cancelled_before_the_answer_is_killed_for_as_long_as_it_is_seen(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  hint(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  cancel(script, evaluation);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
  sees_progress(script, evaluation, "pulling");
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
}

static void it_ends_at_its_deadline_with_the_reason(void **state)
{
  struct script *script = *state;
  preparing(script, draft());
  for (unsigned ms = 0; ms + RECONCILE_MS < PREPARING_MS_MAX; ms += RECONCILE_MS) {
    tick_after(script, RECONCILE_MS);
    taken(script, CALL_OBSERVE); /* never answered */
  }
  tick_after(script, RECONCILE_MS);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_true(finish.verdict.retryable);
  assert_string_equal(finish.verdict.reason, "what it needs could not be fetched in time: pulling python:3.12");
}

static void at_its_deadline_without_the_answer_to_the_launch_it_is_killed_and_looked_at(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  hint(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  tick_after(script, PREPARING_MS_MAX);
  assert_int_equal(evaluation->state, STATE_SEALING);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_DEADLINE);
  sees_progress(script, evaluation, "pulling");
  forget(script, CALL_KILL);
  tick_after(script, SEALING_MS_MAX);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_string_equal(finish.verdict.reason, "the platform neither started nor withdrew it in time");
}

/* ---- attempts, recovery, the end ---- */

static void the_next_attempt_has_its_own_progress(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = draft();
  evaluation->attempts_max = 2;
  preparing(script, evaluation);
  tick_after(script, PREPARING_MS_MAX);
  taken(script, CALL_STORE_ATTEMPT);
  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_DONE);
  assert_string_equal(taken(script, CALL_REMOVE).name.text, name_make(evaluation->id, 1).text);
  assert_string_equal(evaluation->progress, "");
  executor_observed(script->executor, name_make(evaluation->id, 1),
                    &(struct observation){.presence = PRESENCE_PENDING, .progress = "of the first attempt"});
  assert_string_equal(evaluation->progress, "");
  answer_launch(script, LAUNCH_ACCEPTED);
  assert_int_equal(evaluation->state, STATE_STARTING);
}

static struct evaluation *recovered(struct script *script)
{
  struct evaluation *evaluation = draft();
  strcpy(evaluation->id, "20261121_101112_0000abcd");
  executor_recover(script->executor, evaluation);
  executor_start(script->executor);
  return evaluation;
}

static void a_restart_finds_it_absent_and_asks_again(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  answer_launch(script, LAUNCH_PREPARING);
  assert_int_equal(evaluation->state, STATE_PREPARING);
  taken(script, CALL_OBSERVE);
}

static void a_restart_that_finds_it_being_prepared_lets_it_be(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script);
  sees_progress(script, evaluation, "pulling");
  assert_int_equal(evaluation->state, STATE_PREPARING);
  assert_int_equal(executor_count(script->executor).slots_busy, 0);
  assert_quiet(script);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  taken(script, CALL_LAUNCH);
}

/* Nobody knows whether it was launched by the daemon before. */
static void a_restart_that_finds_it_being_prepared_kills_it_if_it_was_cancelled(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script);
  cancel(script, evaluation);
  sees_progress(script, evaluation, "pulling");
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
  tick_after(script, RECONCILE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

/* Launched, and what it needs is fetched where it will run. */
static struct evaluation *prepared_elsewhere(struct script *script)
{
  struct evaluation *evaluation = starting(script, draft());
  hint(script, evaluation);
  sees_progress(script, evaluation, "its pod is being started");
  assert_int_equal(evaluation->state, STATE_PREPARING);
  return evaluation;
}

static void what_was_launched_is_not_cancelled_before_its_start_unseen(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = prepared_elsewhere(script);
  cancel(script, evaluation);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
  struct record record = record_of_code(0); /* it had begun, and ended, meanwhile */
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
}

static void what_was_launched_is_killed_as_long_as_it_waits_to_start(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = prepared_elsewhere(script);
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  sees_progress(script, evaluation, "its pod is being started");
  taken(script, CALL_KILL);
  tick_after(script, RECONCILE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, false, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, false, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

static void what_was_launched_and_never_starts_is_killed_at_its_deadline(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = prepared_elsewhere(script);
  advance(script, PREPARING_MS_MAX);
  executor_tick(script->executor);
  assert_int_equal(evaluation->state, STATE_SEALING);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_DEADLINE);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, false, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, false, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void a_daemon_that_stops_launches_nothing_that_became_ready(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = preparing(script, draft());
  executor_drain(script->executor);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_int_equal(evaluation->state, STATE_QUEUED);
  assert_quiet(script);
}

#define with_script(test) cmocka_unit_test_setup_teardown(test, script_setup, script_teardown)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_script(what_is_being_prepared_holds_no_slot),
    with_script(what_is_being_prepared_counts_as_waiting),
    with_script(once_it_is_there_it_is_launched_under_the_same_name),
    with_script(the_look_after_the_answer_needs_no_hint),
    with_script(a_lost_hint_costs_time_only),
    with_script(progress_is_the_last_that_was_told),
    with_script(an_error_says_nothing_about_it),
    with_script(without_a_slot_it_waits_in_its_place),
    with_script(no_room_after_it_puts_it_back),
    with_script(preparing_again_and_again_does_not_stop_the_clock_of_the_queue),
    with_script(what_cannot_be_had_is_not_started_and_says_why),
    with_script(one_that_runs_is_running),
    with_script(one_that_ended_has_the_verdict_of_its_record),
    with_script(one_that_started_and_is_dead_is_lost_after_a_second_look),
    with_script(a_look_tells_it_as_well_as_an_answer),
    with_script(an_answer_that_comes_late_changes_nothing),
    with_script(absence_says_nothing_while_the_launch_is_on_its_way),
    with_script(a_cancelled_one_never_ran),
    with_script(one_cancelled_while_its_launch_was_under_way_never_ran),
    with_script(one_cancelled_before_the_answer_is_not_called_cancelled_unseen),
    with_script(one_cancelled_before_the_answer_ends_with_the_answer),
    with_script(one_cancelled_before_the_answer_is_killed_for_as_long_as_it_is_seen),
    with_script(it_ends_at_its_deadline_with_the_reason),
    with_script(at_its_deadline_without_the_answer_to_the_launch_it_is_killed_and_looked_at),
    with_script(the_next_attempt_has_its_own_progress),
    with_script(a_restart_finds_it_absent_and_asks_again),
    with_script(a_restart_that_finds_it_being_prepared_lets_it_be),
    with_script(a_restart_that_finds_it_being_prepared_kills_it_if_it_was_cancelled),
    with_script(what_was_launched_is_not_cancelled_before_its_start_unseen),
    with_script(what_was_launched_is_killed_as_long_as_it_waits_to_start),
    with_script(what_was_launched_and_never_starts_is_killed_at_its_deadline),
    with_script(a_daemon_that_stops_launches_nothing_that_became_ready),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
