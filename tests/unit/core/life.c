/* Looks, launches, deadlines, attempts: how one evaluation comes to its verdict, law by law. */

#include "scripted_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct evaluation *with_attempts(unsigned attempts_max)
{
  struct evaluation *evaluation = draft();
  evaluation->attempts_max = attempts_max;
  return evaluation;
}

static void hint(struct script *script, const struct evaluation *evaluation)
{
  executor_hint(script->executor, attempt_name(evaluation));
}

/* Dead without a record, seen twice with the kill between: lost, as far as the store is concerned. */
static void lose(struct script *script, struct evaluation *evaluation)
{
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
}

/* Lost, and the next attempt is durable. */
static void try_again(struct script *script, struct evaluation *evaluation)
{
  unsigned attempt = evaluation->attempt + 1;
  lose(script, evaluation);
  assert_int_equal(taken(script, CALL_STORE_ATTEMPT).attempt, attempt);
  executor_attempt_stored(script->executor, evaluation->id, attempt, STORE_DONE);
  taken(script, CALL_REMOVE);
  assert_int_equal(evaluation->attempt, attempt);
}

/* ---- law 3: events are hints ---- */

static void a_hint_makes_a_look_and_nothing_else(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  hint(script, evaluation);
  assert_string_equal(taken(script, CALL_OBSERVE).name.text, attempt_name(evaluation).text);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_RUNNING);
}

static void hints_during_a_look_make_one_more_look(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  for (unsigned i = 0; i < 5; i++)
    hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_quiet(script);
}

static void hints_about_others_change_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  executor_hint(script->executor, name_make("20250101_000000_00000000", 1));
  executor_hint(script->executor, name_make(evaluation->id, 2));
  executor_hint(script->executor, (struct name){"not a name of ours"});
  executor_hint(script->executor, (struct name){""});
  assert_quiet(script);
}

static void without_any_hint_the_reconciler_looks(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  unsigned looks = 0;
  for (unsigned ms = 0; ms < RECONCILE_MS + 1000; ms += 1000) {
    tick_after(script, 1000);
    looks += pending(script, CALL_OBSERVE);
    if (pending(script, CALL_OBSERVE))
      sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  }
  assert_int_equal(looks, 1);
}

static void a_late_hint_of_a_finished_one_changes_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct name name = attempt_name(evaluation);
  struct record record = record_of_code(0);
  hint(script, evaluation);
  sees(script, name, PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH);
  executor_finished(script->executor, evaluation->id, STORE_DONE);
  taken(script, CALL_REMOVE);
  executor_hint(script->executor, name);
  executor_observed(script->executor, name, &(struct observation){.presence = PRESENCE_RUNNING, .started = true});
  executor_launched(script->executor, name, LAUNCH_UNKNOWN, 0);
  assert_quiet(script);
}

static void a_program_that_ends_before_it_was_seen_running_has_its_verdict(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH); /* and its answer is slow */
  struct record record = record_of_code(1);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_FAILED);
  executor_launched(script->executor, attempt_name(evaluation), LAUNCH_ACCEPTED, 0);
  assert_quiet(script);
}

static void a_state_never_goes_back(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_PENDING, false, 0); /* an answer from before the start */
  assert_int_equal(evaluation->state, STATE_RUNNING);
  executor_launched(script->executor, attempt_name(evaluation), LAUNCH_BUSY, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  assert_quiet(script);
}

/* ---- law 4: evidence decides ---- */

static void a_record_decides_whatever_the_backend_says(void **state)
{
  struct script *script = *state;
  for (enum presence presence = PRESENCE_UNKNOWN; presence <= PRESENCE_DEAD; presence++) {
    struct evaluation *evaluation = running(script, draft());
    struct record record = record_of_code(0);
    hint(script, evaluation);
    sees(script, attempt_name(evaluation), presence, true, &record);
    assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
    executor_finished(script->executor, evaluation->id, STORE_DONE);
    taken(script, CALL_REMOVE);
  }
}

static void dead_without_a_record_is_killed_and_looked_at_again_before_it_is_lost(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  assert_int_equal(evaluation->state, STATE_SEALING);
  assert_string_equal(taken(script, CALL_KILL).name.text, attempt_name(evaluation).text);
  assert_int_equal(pending(script, CALL_STORE_FINISH), 0);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_true(finish.verdict.retryable);
}

static void a_record_at_the_second_look_wins(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct record record = record_of_code(0);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
}

/* Two answers could overtake each other; an old one would then speak of what is no longer so. */
static void there_is_one_look_at_a_time(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  for (unsigned ms = 0; ms + OVERDUE_MS < RECONCILE_MS; ms += OVERDUE_MS) {
    tick_after(script, OVERDUE_MS);
    hint(script, evaluation);
  }
  assert_int_equal(pending(script, CALL_OBSERVE), 1);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(pending(script, CALL_OBSERVE), 1); /* and one more, since there were hints meanwhile */
  forget(script, CALL_KILL);
  forget(script, CALL_OBSERVE);
}

static void a_look_from_before_the_kill_confirms_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  hint(script, evaluation);
  tick_after(script, 2 * evaluation->limits.wall_time_ms + RUNNING_GRACE_MS);
  taken(script, CALL_KILL);
  forget(script, CALL_OBSERVE);
  const struct observation dead = {.presence = PRESENCE_DEAD, .started = true};
  executor_observed(script->executor, attempt_name(evaluation), &dead);
  taken(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
  assert_quiet(script);
  executor_observed(script->executor, attempt_name(evaluation), &dead);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
  forget(script, CALL_OBSERVE);
}

/* It looked at the backend before the launch, and at the evidence after the start. */
static void a_look_from_before_the_launch_says_nothing_of_absence(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  executor_launched(script->executor, name, LAUNCH_UNKNOWN, 0);
  hint(script, evaluation);
  sees(script, name, PRESENCE_ABSENT, false, 0); /* so it is launched again, while the hint makes another look */
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_ACCEPTED, 0);
  sees(script, name, PRESENCE_ABSENT, true, 0);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_STARTING);
  hint(script, evaluation);
  sees(script, name, PRESENCE_RUNNING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  hint(script, evaluation);
  sees(script, name, PRESENCE_ABSENT, true, 0); /* this one is to be believed */
  taken(script, CALL_KILL);
  sees(script, name, PRESENCE_ABSENT, true, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void alive_at_the_second_look_is_alive(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_quiet(script);
  tick_after(script, OVERDUE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL); /* from the start again: two looks */
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

/* Law 9: an error never means "absent". */
static void an_error_says_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  for (unsigned i = 0; i < 10; i++) {
    hint(script, evaluation);
    sees(script, attempt_name(evaluation), PRESENCE_UNKNOWN, false, 0);
    assert_quiet(script);
    assert_int_equal(evaluation->state, STATE_RUNNING);
  }
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_UNKNOWN, true, 0); /* nor does it confirm anything */
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_SEALING);
}

/* Law 5. */
static void an_end_without_a_record_is_never_a_success(void **state)
{
  struct script *script = *state;
  for (enum presence presence = PRESENCE_ABSENT; presence <= PRESENCE_DEAD; presence += PRESENCE_DEAD - PRESENCE_ABSENT)
    for (unsigned started = 0; started < 2; started++) {
      struct evaluation *evaluation = running(script, draft());
      hint(script, evaluation);
      sees(script, attempt_name(evaluation), presence, started, 0);
      taken(script, CALL_KILL);
      sees(script, attempt_name(evaluation), presence, started, 0);
      assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
      executor_finished(script->executor, evaluation->id, STORE_DONE);
      taken(script, CALL_REMOVE);
    }
}

/* ---- law 2: the launch ---- */

static void absence_says_nothing_while_the_launch_is_on_its_way(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  executor_hint(script->executor, name);
  tick_after(script, RECONCILE_MS); /* the answer to that look is not waited for any longer: here is another */
  sees(script, name, PRESENCE_ABSENT, false, 0);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  assert_int_equal(evaluation->state, STATE_STARTING);
  assert_quiet(script);
}

static void a_start_marker_shows_it_running_whatever_the_backend_says(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = starting(script, draft());
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_PENDING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
}

static void a_hint_about_one_that_waits_changes_nothing(void **state)
{
  struct script *script = *state;
  running(script, draft());
  struct evaluation *second = accepted(script, draft());
  executor_hint(script->executor, attempt_name(second));
  sees(script, attempt_name(second), PRESENCE_ABSENT, false, 0);
  assert_int_equal(second->state, STATE_QUEUED);
  assert_quiet(script);
}

static void a_hint_during_the_last_look_makes_no_other(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct record record = record_of_code(0);
  executor_hint(script->executor, attempt_name(evaluation));
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH);
  assert_quiet(script);
}

static void the_isolation_is_what_was_last_seen(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  executor_hint(script->executor, attempt_name(evaluation));
  taken(script, CALL_OBSERVE);
  executor_observed(
    script->executor, attempt_name(evaluation),
    &(struct observation){.presence = PRESENCE_RUNNING, .started = true, .started_at = {1234}, .isolation = 5});
  assert_int_equal(evaluation->isolation, 5);
  assert_int_equal(evaluation->started_at.ms, 1234);
}

static void a_launch_without_an_answer_is_looked_for(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_UNKNOWN, 0);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  assert_quiet(script);
}

static void a_launch_that_did_not_happen_is_repeated_under_the_same_name(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  for (unsigned i = 0; i < 3; i++) {
    executor_launched(script->executor, name, LAUNCH_UNKNOWN, 0);
    sees(script, name, PRESENCE_ABSENT, false, 0);
    assert_string_equal(taken(script, CALL_LAUNCH).name.text, name.text);
  }
  assert_int_equal(evaluation->attempt, 1);
}

static void what_was_started_is_not_launched_again(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_UNKNOWN, 0);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, true, 0);
  assert_int_equal(pending(script, CALL_LAUNCH), 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, true, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void absence_says_nothing_while_a_launch_is_on_its_way(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_STARTING);
}

static void no_room_puts_it_back_until_there_may_be_some(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_BUSY, 0);
  assert_int_equal(evaluation->state, STATE_QUEUED);
  assert_quiet(script);
  tick_after(script, OVERDUE_MS);
  struct name name = taken(script, CALL_LAUNCH).name;
  executor_launched(script->executor, name, LAUNCH_BUSY, 0);
  assert_quiet(script);
  executor_capacity(script->executor, "native", 1);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, name.text);
  assert_int_equal(evaluation->attempt, 1);
}

static void no_room_keeps_its_place_in_the_queue(void **state)
{
  struct script *script = *state;
  struct evaluation *first = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  accepted(script, draft());
  executor_launched(script->executor, name, LAUNCH_BUSY, 0);
  tick_after(script, OVERDUE_MS);
  assert_string_equal(taken(script, CALL_LAUNCH).id, first->id);
}

static void a_refused_launch_is_not_started_with_the_backends_reason(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  executor_launched(script->executor, name, LAUNCH_REFUSED, "no such image");
  sees(script, name, PRESENCE_ABSENT, false, 0);
  assert_int_equal(evaluation->state, STATE_SEALING);
  taken(script, CALL_KILL);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_NOT_STARTED);
  assert_string_equal(finish.verdict.reason, "no such image");
}

static void a_refused_launch_that_runs_all_the_same_runs(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  executor_launched(script->executor, name, LAUNCH_UNKNOWN, 0);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_REFUSED, 0);
  struct record record = record_of_code(0);
  sees(script, name, PRESENCE_RUNNING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  hint(script, evaluation);
  sees(script, name, PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
}

static void a_refusal_concerns_its_own_attempt_only(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, with_attempts(2));
  struct name name = taken(script, CALL_LAUNCH).name;
  executor_launched(script->executor, name, LAUNCH_REFUSED, "no such image");
  sees(script, name, PRESENCE_RUNNING, true, 0); /* it runs all the same, */
  try_again(script, evaluation);                 /* and its keeper dies */
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_UNKNOWN, 0);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, attempt_name(evaluation).text);
}

/* ---- law 8: deadlines ---- */

static void waiting_in_the_queue_ends(void **state)
{
  struct script *script = *state;
  executor_capacity(script->executor, "native", 0);
  accepted(script, draft());
  tick_after(script, QUEUED_MS_MAX - 1);
  assert_quiet(script);
  tick_after(script, 1);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void a_backend_that_is_always_busy_does_not_stop_the_clock_of_the_queue(void **state)
{
  struct script *script = *state;
  accepted(script, draft());
  for (unsigned hour = 0; hour < 24; hour++) {
    executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_BUSY, 0);
    assert_quiet(script);
    tick_after(script, 3600 * 1000);
  }
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void starting_ends_even_if_the_backend_is_silent(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  tick_after(script, STARTING_MS_MAX);
  assert_int_equal(evaluation->state, STATE_SEALING);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_DEADLINE);
  taken(script, CALL_OBSERVE);
  assert_quiet(script);
  tick_after(script, SEALING_MS_MAX);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_string_equal(finish.verdict.reason, "the backend does not answer");
}

/* It may be a network away, and that says nothing. */
static void what_a_patient_backend_was_handed_is_overdue_later(void **state)
{
  struct script *script = *state;
  executor_capacity(script->executor, "other", 1);
  struct evaluation *evaluation = draft();
  strcpy(evaluation->backend, "other");
  accepted(script, evaluation);
  taken(script, CALL_LAUNCH);
  tick_after(script, STARTING_MS_MAX + SCRIPT_PATIENCE_MS - 1);
  assert_int_equal(evaluation->state, STATE_STARTING);
  tick_after(script, 1);
  assert_int_equal(evaluation->state, STATE_SEALING);
  taken(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
  tick_after(script, SEALING_MS_MAX + SCRIPT_PATIENCE_MS - 1);
  assert_int_equal(evaluation->state, STATE_SEALING);
  struct record record = record_of_code(1);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_FAILED);
}

static void running_ends_after_the_time_limits_and_the_grace(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = draft();
  evaluation->limits.wall_time_ms = 60000;
  running(script, evaluation);
  for (unsigned ms = 1000; ms < 2 * 60000 + RUNNING_GRACE_MS; ms += 1000) {
    tick_after(script, 1000);
    if (pending(script, CALL_OBSERVE))
      sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
    assert_quiet(script);
  }
  tick_after(script, 1000);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_DEADLINE);
  assert_int_equal(evaluation->state, STATE_SEALING);
  struct record record = {
    .step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = 9, .killed = KILLED_DEADLINE, .wall_time_us = 65000000};
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_TIMED_OUT);
}

static void sealing_ends_even_if_it_cannot_be_killed(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  cancel(script, evaluation);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  for (unsigned ms = 0; ms < SEALING_MS_MAX; ms += OVERDUE_MS) {
    forget(script, CALL_KILL);
    sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
    forget(script, CALL_KILL);
    assert_int_equal(evaluation->state, STATE_SEALING);
    tick_after(script, OVERDUE_MS);
  }
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_string_equal(finish.verdict.reason, "it could not be killed in time");
  forget(script, CALL_OBSERVE);
}

static void a_look_without_an_answer_is_begun_anew(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  hint(script, evaluation);
  taken(script, CALL_OBSERVE); /* never answered */
  tick_after(script, RECONCILE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
}

static void the_wall_clock_decides_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  script->wall_now.ms += 7 * 24 * 3600 * 1000ll;
  tick_after(script, 100);
  script->wall_now.ms -= 14 * 24 * 3600 * 1000ll;
  tick_after(script, 100);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_RUNNING);
}

/* ---- attempts ---- */

static void a_lost_one_is_tried_again_only_if_asked(void **state)
{
  struct script *script = *state;
  lose(script, running(script, draft()));
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void the_next_attempt_is_durable_before_it_is_launched_and_has_a_name_of_its_own(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(2));
  struct name first = attempt_name(evaluation);
  lose(script, evaluation);
  assert_int_equal(taken(script, CALL_STORE_ATTEMPT).attempt, 2);
  tick_after(script, RECONCILE_MS);
  executor_hint(script->executor, first);
  assert_quiet(script); /* neither launched nor removed */

  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_DONE);
  assert_string_equal(taken(script, CALL_REMOVE).name.text, first.text);
  struct name second = taken(script, CALL_LAUNCH).name;
  assert_string_equal(second.text, name_make(evaluation->id, 2).text);
  assert_int_equal(evaluation->started_at.ms, 0);
  assert_int_equal(evaluation->entered_at[STATE_RUNNING].ms, 0); /* this one has not been there */
  assert_int_equal(evaluation->entered_at[STATE_SEALING].ms, 0);

  executor_launched(script->executor, first, LAUNCH_REFUSED, "late"); /* what concerns the first concerns nobody */
  executor_hint(script->executor, first);
  executor_observed(script->executor, first, &(struct observation){.presence = PRESENCE_DEAD, .started = true});
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_STARTING);
}

static void attempts_end_at_the_number_asked_for(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(3));
  for (unsigned attempt = 2; attempt <= 3; attempt++) {
    try_again(script, evaluation);
    executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_ACCEPTED, 0);
  }
  lose(script, evaluation);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void a_verdict_about_the_program_is_not_tried_again(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(5));
  struct record record = record_of_code(1);
  hint(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_FAILED);
}

static void a_cancelled_one_is_not_tried_again(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(5));
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void one_that_is_overdue_and_then_cancelled_is_not_tried_again(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(5));
  tick_after(script, 2 * evaluation->limits.wall_time_ms + RUNNING_GRACE_MS);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_DEADLINE);
  cancel(script, evaluation);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void one_cancelled_between_two_attempts_is_not_launched_again(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(2));
  lose(script, evaluation);
  taken(script, CALL_STORE_ATTEMPT);
  cancel(script, evaluation);
  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_DONE);
  taken(script, CALL_REMOVE);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

static void an_attempt_that_cannot_be_stored_breaks_the_daemon(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(2));
  lose(script, evaluation);
  taken(script, CALL_STORE_ATTEMPT);
  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_FAILED);
  taken(script, CALL_BROKEN);
  assert_quiet(script);
}

static void the_next_attempt_waits_for_a_slot_like_any_other(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, with_attempts(2));
  struct evaluation *other = accepted(script, draft());
  lose(script, evaluation);
  assert_string_equal(taken(script, CALL_LAUNCH).id, other->id); /* the slot is free since the first is dead */
  taken(script, CALL_STORE_ATTEMPT);
  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_DONE);
  taken(script, CALL_REMOVE);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_QUEUED);
}

#define with_script(test) cmocka_unit_test_setup_teardown(test, script_setup, script_teardown)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_script(a_hint_makes_a_look_and_nothing_else),
    with_script(hints_during_a_look_make_one_more_look),
    with_script(hints_about_others_change_nothing),
    with_script(without_any_hint_the_reconciler_looks),
    with_script(a_late_hint_of_a_finished_one_changes_nothing),
    with_script(a_program_that_ends_before_it_was_seen_running_has_its_verdict),
    with_script(a_state_never_goes_back),
    with_script(a_record_decides_whatever_the_backend_says),
    with_script(dead_without_a_record_is_killed_and_looked_at_again_before_it_is_lost),
    with_script(a_record_at_the_second_look_wins),
    with_script(there_is_one_look_at_a_time),
    with_script(a_look_from_before_the_kill_confirms_nothing),
    with_script(a_look_from_before_the_launch_says_nothing_of_absence),
    with_script(alive_at_the_second_look_is_alive),
    with_script(an_error_says_nothing),
    with_script(an_end_without_a_record_is_never_a_success),
    with_script(absence_says_nothing_while_the_launch_is_on_its_way),
    with_script(a_start_marker_shows_it_running_whatever_the_backend_says),
    with_script(a_hint_about_one_that_waits_changes_nothing),
    with_script(a_hint_during_the_last_look_makes_no_other),
    with_script(the_isolation_is_what_was_last_seen),
    with_script(a_launch_without_an_answer_is_looked_for),
    with_script(a_launch_that_did_not_happen_is_repeated_under_the_same_name),
    with_script(what_was_started_is_not_launched_again),
    with_script(absence_says_nothing_while_a_launch_is_on_its_way),
    with_script(no_room_puts_it_back_until_there_may_be_some),
    with_script(no_room_keeps_its_place_in_the_queue),
    with_script(a_refused_launch_is_not_started_with_the_backends_reason),
    with_script(a_refused_launch_that_runs_all_the_same_runs),
    with_script(a_refusal_concerns_its_own_attempt_only),
    with_script(waiting_in_the_queue_ends),
    with_script(a_backend_that_is_always_busy_does_not_stop_the_clock_of_the_queue),
    with_script(starting_ends_even_if_the_backend_is_silent),
    with_script(what_a_patient_backend_was_handed_is_overdue_later),
    with_script(running_ends_after_the_time_limits_and_the_grace),
    with_script(sealing_ends_even_if_it_cannot_be_killed),
    with_script(a_look_without_an_answer_is_begun_anew),
    with_script(the_wall_clock_decides_nothing),
    with_script(a_lost_one_is_tried_again_only_if_asked),
    with_script(the_next_attempt_is_durable_before_it_is_launched_and_has_a_name_of_its_own),
    with_script(attempts_end_at_the_number_asked_for),
    with_script(a_verdict_about_the_program_is_not_tried_again),
    with_script(a_cancelled_one_is_not_tried_again),
    with_script(one_that_is_overdue_and_then_cancelled_is_not_tried_again),
    with_script(one_cancelled_between_two_attempts_is_not_launched_again),
    with_script(an_attempt_that_cannot_be_stored_breaks_the_daemon),
    with_script(the_next_attempt_waits_for_a_slot_like_any_other),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
