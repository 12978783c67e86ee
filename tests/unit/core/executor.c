/* Submission, acceptance, slots, cancellation, recovery, draining: what executor.c holds together. */

#include "scripted_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int token;

static void assert_refused(struct script *script, struct evaluation *evaluation, enum error_kind kind)
{
  struct error error = {0};
  assert_false(executor_submit(script->executor, evaluation, &token, &error));
  assert_int_equal(error.kind, kind);
  assert_true(error.message[0]);
  assert_quiet(script);
  evaluation_destroy(evaluation); /* a refused one stays the caller's */
}

static struct evaluation *with_priority(int priority)
{
  struct evaluation *evaluation = draft();
  evaluation->priority = priority;
  return evaluation;
}

/* The run of one that is launched already, to its end. */
static void complete(struct script *script, struct evaluation *evaluation)
{
  struct record record = record_of_code(0);
  char id[ID_SIZE];
  strcpy(id, evaluation->id);
  struct name name = attempt_name(evaluation);
  executor_hint(script->executor, name);
  sees(script, name, PRESENCE_DEAD, true, &record);
  assert_string_equal(taken(script, CALL_STORE_FINISH).id, id);
  executor_finished(script->executor, id, STORE_DONE);
  assert_string_equal(taken(script, CALL_REMOVE).name.text, name.text);
}

static struct mono now(void *context)
{
  return ((struct script *)context)->now;
}

static void sees_the_end_without_a_record(struct script *script, const struct evaluation *evaluation)
{
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, 0);
}

/* ---- acceptance ---- */

static void the_queue_has_a_length_by_default(void **state)
{
  struct world world = {.context = *state, .now = now};
  struct executor *executor = executor_create(&world, &(struct executor_config){0});
  assert_int_equal(executor_count(executor).queue_max, QUEUE_EVALUATIONS_MAX);
  executor_destroy(executor);
  executor_destroy(0);
}

static void what_has_no_plan_takes_no_room_of_the_plans(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = draft();
  blob_unref(evaluation->plan);
  evaluation->plan = 0;
  accepted(script, evaluation);
  forget(script, CALL_LAUNCH);
  assert_int_equal(executor_count(script->executor).queued_bytes, 0);
}

static void one_that_stands_somewhere_unknown_is_told_without_an_evaluation(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  executor_accepted(script->executor, evaluation->id, STORE_STANDS, 0, 0);
  assert_false(taken(script, CALL_ACCEPTED).with_evaluation);
}

static void nothing_is_acknowledged_or_launched_before_it_is_durable(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  assert_int_equal(evaluation->state, STATE_ACCEPTING);
  tick_after(script, 60000);
  executor_capacity(script->executor, "native", 5);
  executor_hint(script->executor, attempt_name(evaluation));
  assert_quiet(script);

  executor_accepted(script->executor, evaluation->id, STORE_DONE, 1, 0);
  struct call told = taken(script, CALL_ACCEPTED);
  assert_int_equal(told.result, STORE_DONE);
  assert_ptr_equal(told.token, evaluation);
  assert_int_equal(evaluation->sequence, 1);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, attempt_name(evaluation).text);
}

static void the_states_of_a_life_are_told_in_order(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_ACCEPTED, 0);
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  complete(script, evaluation);
  static const enum state states[] = {STATE_QUEUED, STATE_STARTING, STATE_RUNNING, STATE_SEALING, STATE_FINISHED};
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    assert_int_equal(taken(script, CALL_CHANGED).state, states[i]);
  assert_quiet(script);
}

static void an_id_is_made_from_clock_and_chance(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  assert_string_equal(evaluation->id, "20261122_195800_00000001");
  assert_int_equal(evaluation->entered_at[STATE_QUEUED].ms, 1795377480123);
}

static void an_id_that_is_open_is_not_given_twice(void **state)
{
  struct script *script = *state;
  submit(script, draft());
  script->random = 0; /* chance repeats itself */
  struct evaluation *second = submit(script, draft());
  assert_string_equal(second->id, "20261122_195800_00000002");
}

static void an_id_that_the_store_knows_is_replaced(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  executor_accepted(script->executor, evaluation->id, STORE_DUPLICATE, 0, 0);
  assert_string_equal(evaluation->id, "20261122_195800_00000002");
  assert_string_equal(taken(script, CALL_STORE_ACCEPT).id, evaluation->id);
  assert_null(executor_find(script->executor, "20261122_195800_00000001"));
  executor_accepted(script->executor, evaluation->id, STORE_DONE, 1, 0);
  assert_int_equal(taken(script, CALL_ACCEPTED).result, STORE_DONE);
  taken(script, CALL_LAUNCH);
  assert_int_equal(executor_count(script->executor).in_state[STATE_STARTING], 1);
}

static void a_known_key_is_answered_with_the_one_that_stands(void **state)
{
  struct script *script = *state;
  struct evaluation *open = running(script, draft());
  struct evaluation *again = submit(script, draft());
  executor_accepted(script->executor, again->id, STORE_STANDS, 0, open->id);
  struct call told = taken(script, CALL_ACCEPTED);
  assert_int_equal(told.result, STORE_STANDS);
  assert_string_equal(told.id, open->id);
  assert_ptr_equal(told.token, again);

  again = submit(script, draft());
  executor_accepted(script->executor, again->id, STORE_STANDS, 0, "20250101_000000_00000000");
  told = taken(script, CALL_ACCEPTED);
  assert_false(told.with_evaluation); /* finished long ago: the store has it */
  assert_string_equal(told.standing_id, "20250101_000000_00000000");
  assert_ptr_equal(executor_each(script->executor, 0), open);
  assert_null(executor_each(script->executor, open));
}

static void a_known_key_with_another_body_is_a_conflict(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  executor_accepted(script->executor, evaluation->id, STORE_CONFLICT, 0, "20250101_000000_00000000");
  assert_int_equal(taken(script, CALL_ACCEPTED).result, STORE_CONFLICT);
  assert_null(executor_each(script->executor, 0));
}

static void an_acceptance_that_cannot_be_stored_is_refused_and_breaks_the_daemon(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  executor_accepted(script->executor, evaluation->id, STORE_FAILED, 0, 0);
  assert_int_equal(taken(script, CALL_ACCEPTED).result, STORE_FAILED);
  taken(script, CALL_BROKEN);
  assert_null(executor_each(script->executor, 0));
}

static void an_acceptance_is_told_once(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  executor_accepted(script->executor, evaluation->id, STORE_DONE, 2, 0);
  executor_accepted(script->executor, "20250101_000000_00000000", STORE_DONE, 2, 0);
  assert_quiet(script);
  assert_int_equal(evaluation->sequence, 1);
}

/* ---- what is refused at once ---- */

static void an_unknown_backend_is_refused(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = draft();
  strcpy(evaluation->backend, "elsewhere");
  assert_refused(script, evaluation, ERROR_INVALID);
}

static void a_full_queue_is_refused_until_there_is_room(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  for (unsigned i = 0; i < 3; i++)
    accepted(script, draft());
  assert_refused(script, draft(), ERROR_OVERLOADED);
  complete(script, first);
  taken(script, CALL_LAUNCH);
  assert_quiet(script);
  accepted(script, draft());
  assert_refused(script, draft(), ERROR_OVERLOADED);
}

static void a_free_slot_is_room_beyond_the_queue(void **state)
{
  struct script *script = *state;
  for (unsigned i = 0; i < 4; i++) /* three to wait, one to be launched as soon as it is durable */
    submit(script, draft());
  assert_refused(script, draft(), ERROR_OVERLOADED);
}

static struct evaluation *with_plan(size_t size)
{
  struct evaluation *evaluation = draft();
  blob_unref(evaluation->plan);
  evaluation->plan = blob_create(0, size);
  return evaluation;
}

static void the_bytes_that_wait_are_bounded(void **state)
{
  struct script *script = *state;
  running(script, with_plan(900)); /* what runs does not wait */
  accepted(script, with_plan(600));
  assert_int_equal(executor_count(script->executor).queued_bytes, 600);
  assert_refused(script, with_plan(401), ERROR_OVERLOADED);
  accepted(script, with_plan(400));
  assert_int_equal(executor_count(script->executor).queued_bytes, 1000);
}

static void bytes_that_are_not_durable_yet_wait_too(void **state)
{
  struct script *script = *state;
  running(script, draft());
  submit(script, with_plan(600));
  assert_refused(script, with_plan(401), ERROR_OVERLOADED);
  struct evaluation *third = submit(script, with_plan(400));
  executor_accepted(script->executor, third->id, STORE_CONFLICT, 0, "20250101_000000_00000000");
  taken(script, CALL_ACCEPTED);
  assert_int_equal(executor_count(script->executor).queued_bytes, 600);
}

static void what_open_ones_may_print_is_counted_until_they_are_finished(void **state)
{
  struct script *script = *state;
  struct evaluation *first = draft(), *second = draft();
  first->limits.output_bytes = 100;
  second->limits.output_bytes = 1000;
  running(script, first);
  accepted(script, second);
  assert_int_equal(executor_count(script->executor).output_bytes, STREAM_COUNT * 1100);
  complete(script, first);
  taken(script, CALL_LAUNCH);
  assert_int_equal(executor_count(script->executor).output_bytes, STREAM_COUNT * 1000);
}

/* ---- slots ---- */

static void the_highest_priority_is_launched_first_and_the_oldest_among_equals(void **state)
{
  struct script *script = *state;
  executor_capacity(script->executor, "native", 0);
  struct evaluation *low = accepted(script, with_priority(0));
  struct evaluation *high = accepted(script, with_priority(5));
  struct evaluation *late = accepted(script, with_priority(5));
  assert_quiet(script);
  executor_capacity(script->executor, "native", 3);
  assert_string_equal(taken(script, CALL_LAUNCH).id, high->id);
  assert_string_equal(taken(script, CALL_LAUNCH).id, late->id);
  assert_string_equal(taken(script, CALL_LAUNCH).id, low->id);
}

static void no_more_are_launched_than_there_are_slots(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  struct evaluation *second = accepted(script, draft());
  accepted(script, draft());
  tick_after(script, 1000);
  assert_quiet(script);
  complete(script, first);
  assert_string_equal(taken(script, CALL_LAUNCH).id, second->id);
  assert_quiet(script);
  struct executor_counts counts = executor_count(script->executor);
  assert_int_equal(counts.slots, 1);
  assert_int_equal(counts.slots_busy, 1);
  assert_int_equal(counts.in_state[STATE_QUEUED], 1);
  assert_int_equal(counts.in_state[STATE_STARTING], 1);
  assert_int_equal(counts.queue_max, 3);
}

static void the_slot_is_free_as_soon_as_the_program_is_dead(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  struct evaluation *second = accepted(script, draft());
  struct record record = record_of_code(0);
  executor_hint(script->executor, attempt_name(first));
  sees(script, attempt_name(first), PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH); /* and not durable yet */
  assert_string_equal(taken(script, CALL_LAUNCH).id, second->id);
}

static void each_backend_has_its_own_slots(void **state)
{
  struct script *script = *state;
  running(script, draft());
  struct evaluation *other = draft();
  strcpy(other->backend, "other");
  accepted(script, other);
  assert_quiet(script);
  executor_capacity(script->executor, "other", 1);
  assert_string_equal(taken(script, CALL_LAUNCH).id, other->id);
  executor_capacity(script->executor, "nobody", 7);
  assert_int_equal(executor_count(script->executor).slots, 2);
}

static void fewer_slots_than_before_stop_nothing_that_runs(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  executor_capacity(script->executor, "native", 0);
  assert_int_equal(first->state, STATE_RUNNING);
  accepted(script, draft());
  complete(script, first);
  assert_quiet(script); /* the next one waits until there is a slot again */
}

/* ---- cancellation ---- */

static void an_unknown_id_is_not_open(void **state)
{
  struct script *script = *state;
  assert_int_equal(executor_cancel(script->executor, "20250101_000000_00000000", 0), CANCEL_NOT_OPEN);
  assert_int_equal(executor_cancel(script->executor, "", 0), CANCEL_NOT_OPEN);
  assert_int_equal(executor_cancel(script->executor, "a text that is much longer than any id could ever be, by far", 0),
                   CANCEL_NOT_OPEN);
}

static void one_that_waits_is_cancelled_without_a_launch(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  struct evaluation *second = accepted(script, draft());
  cancel(script, second);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_string_equal(finish.id, second->id);
  assert_int_equal(finish.verdict.kind, VERDICT_CANCELLED);
  complete(script, first);
  assert_quiet(script); /* the slot is free, and nobody waits any more */
}

/* Nobody was told of it; and its id may yet be given to nobody. */
static void one_that_is_not_durable_yet_is_not_open(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  assert_int_equal(executor_cancel(script->executor, evaluation->id, 0), CANCEL_NOT_OPEN);
  assert_quiet(script);
  executor_accepted(script->executor, evaluation->id, STORE_DONE, 1, 0);
  assert_int_equal(taken(script, CALL_ACCEPTED).result, STORE_DONE);
  taken(script, CALL_LAUNCH);
}

static void a_cancellation_is_told_when_it_is_durable(void **state)
{
  struct script *script = *state;
  int first, second;
  struct evaluation *evaluation = running(script, draft());
  struct wall asked_at = script->wall_now;
  executor_cancel(script->executor, evaluation->id, &first);
  advance(script, 10);
  executor_cancel(script->executor, evaluation->id, &second);
  assert_int_equal(pending(script, CALL_CANCELLED), 0);
  for (int i = 0; i < 2; i++) {
    struct call asked = taken(script, CALL_STORE_CANCEL);
    assert_int_equal(asked.at.ms, asked_at.ms); /* the first time stays */
    executor_cancelled(script->executor, evaluation->id, asked.token, i ? STORE_STANDS : STORE_DONE);
    struct call told = taken(script, CALL_CANCELLED);
    assert_ptr_equal(told.token, i ? &second : &first);
    assert_int_equal(told.result, i ? STORE_STANDS : STORE_DONE);
    assert_string_equal(told.id, evaluation->id);
  }
  taken(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
}

static void nothing_is_killed_for_a_cancellation_that_is_not_durable_yet(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  executor_cancel(script->executor, evaluation->id, script);
  tick_after(script, RECONCILE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(pending(script, CALL_KILL), 0);

  executor_cancelled(script->executor, evaluation->id, taken(script, CALL_STORE_CANCEL).token, STORE_DONE);
  taken(script, CALL_CANCELLED);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
  taken(script, CALL_OBSERVE);
}

static void a_cancellation_that_cannot_be_stored_is_refused_and_breaks_the_daemon(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  executor_cancel(script->executor, evaluation->id, script);
  executor_cancelled(script->executor, evaluation->id, taken(script, CALL_STORE_CANCEL).token, STORE_FAILED);
  assert_int_equal(taken(script, CALL_CANCELLED).result, STORE_FAILED);
  taken(script, CALL_BROKEN);
}

static void one_that_runs_is_killed_and_its_record_says_cancelled(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  cancel(script, evaluation);
  struct call kill = taken(script, CALL_KILL);
  assert_string_equal(kill.name.text, attempt_name(evaluation).text);
  assert_int_equal(kill.reason, KILLED_CANCELLED);
  struct record record = {.step = STEP_RUN, .kind = EXIT_SIGNAL, .signal = 9, .killed = KILLED_CANCELLED};
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

static void a_kill_that_did_not_work_is_repeated(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  cancel(script, evaluation);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
  for (unsigned i = 0; i < 3; i++) {
    sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
    assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
    assert_quiet(script);
    tick_after(script, OVERDUE_MS);
  }
  taken(script, CALL_OBSERVE);
}

static void one_that_ended_first_keeps_its_own_verdict(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  struct record record = record_of_code(3);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_FAILED);
  /* and a cancellation after that changes nothing */
  cancel(script, evaluation);
  assert_quiet(script);
  char id[ID_SIZE];
  strcpy(id, evaluation->id);
  executor_finished(script->executor, id, STORE_DONE);
  taken(script, CALL_REMOVE);
  assert_int_equal(executor_cancel(script->executor, id, 0), CANCEL_NOT_OPEN);
}

static void one_whose_launch_is_on_its_way_is_cancelled_when_it_is_known_what_became_of_it(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  sees(script, name, PRESENCE_ABSENT, false, 0); /* says nothing while the launch is on its way */
  assert_quiet(script);
  executor_launched(script->executor, name, LAUNCH_ACCEPTED, 0);
  sees(script, name, PRESENCE_RUNNING, true, 0);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
}

static void one_that_the_backend_has_no_room_for_is_cancelled_without_a_launch(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
  executor_launched(script->executor, name, LAUNCH_BUSY, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

static void one_that_was_not_launched_after_all_is_not_launched_again_once_cancelled(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  struct name name = taken(script, CALL_LAUNCH).name;
  cancel(script, evaluation);
  taken(script, CALL_KILL);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  executor_launched(script->executor, name, LAUNCH_UNKNOWN, 0);
  sees(script, name, PRESENCE_ABSENT, false, 0);
  taken(script, CALL_KILL); /* it may still be on its way: once more, and another look */
  sees(script, name, PRESENCE_ABSENT, false, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

static void cancelling_twice_is_cancelling_once(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  struct evaluation *second = accepted(script, draft());
  cancel(script, second);
  cancel(script, second);
  taken(script, CALL_STORE_FINISH);
  cancel(script, first);
  cancel(script, first);
  forget(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
  assert_quiet(script);
}

static void a_cancellation_of_what_is_not_open_any_more_is_told_and_no_more(void **state)
{
  struct script *script = *state;
  executor_cancelled(script->executor, "20261121_101112_0000abcd", script, STORE_DONE);
  assert_ptr_equal(taken(script, CALL_CANCELLED).token, script);
}

/* ---- answers that come when they are not waited for any more ---- */

static void no_room_for_what_was_seen_running_changes_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  executor_launched(script->executor, attempt_name(evaluation), LAUNCH_BUSY, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
}

static void what_was_seen_running_is_not_prepared_any_more(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  taken(script, CALL_LAUNCH);
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  executor_launched(script->executor, attempt_name(evaluation), LAUNCH_PREPARING, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
}

static void an_attempt_that_was_not_asked_for_does_not_begin(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = draft();
  evaluation->attempts_max = 2;
  running(script, evaluation);
  executor_attempt_stored(script->executor, "20261121_101112_0000abcd", 2, STORE_DONE);
  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_DONE);
  sees_the_end_without_a_record(script, evaluation);
  assert_int_equal(taken(script, CALL_STORE_ATTEMPT).attempt, 2);
  executor_attempt_stored(script->executor, evaluation->id, 3, STORE_DONE);
  assert_int_equal(evaluation->attempt, 1);
}

/* ---- recovery ---- */

static struct evaluation *recovered(struct script *script, unsigned attempt)
{
  struct evaluation *evaluation = draft();
  strcpy(evaluation->id, "20261121_101112_0000abcd");
  evaluation->attempt = attempt;
  evaluation->attempts_max = attempt;
  evaluation->sequence = 1;
  evaluation->entered_at[STATE_QUEUED].ms = 1234;
  executor_recover(script->executor, evaluation);
  executor_start(script->executor);
  return evaluation;
}

static void one_that_was_never_looked_at_in_all_its_time_is_lost(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  sees(script, attempt_name(evaluation), PRESENCE_UNKNOWN, false, 0);
  tick_after(script, QUEUED_MS_MAX);
  struct verdict verdict = taken(script, CALL_STORE_FINISH).verdict;
  assert_int_equal(verdict.kind, VERDICT_LOST);
  assert_string_equal(verdict.reason, "the backend does not answer");
}

static void one_found_in_the_store_is_looked_at_before_anything_else(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 2);
  executor_capacity(script->executor, "native", 5);
  assert_string_equal(taken(script, CALL_OBSERVE).name.text, "assay-20261121_101112_0000abcd-2");
  assert_quiet(script);
  executor_observed(script->executor, attempt_name(evaluation), &(struct observation){.presence = PRESENCE_UNKNOWN});
  assert_quiet(script); /* an error is not an absence: nothing is launched */
  tick_after(script, OVERDUE_MS);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, "assay-20261121_101112_0000abcd-2");
  assert_int_equal(evaluation->entered_at[STATE_QUEUED].ms, 1234);
}

static void one_found_running_is_adopted_and_holds_a_slot(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(evaluation->state, STATE_RUNNING);
  accepted(script, draft());
  assert_quiet(script);
  complete(script, evaluation);
  taken(script, CALL_LAUNCH);
}

static void one_found_pending_is_adopted_too(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  sees(script, attempt_name(evaluation), PRESENCE_PENDING, false, 0);
  assert_int_equal(evaluation->state, STATE_STARTING);
  assert_quiet(script);
}

static void one_that_ended_meanwhile_has_the_verdict_of_its_record(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  struct record record = record_of_code(0);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
}

static void one_that_started_and_left_no_record_is_lost_after_a_second_look(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, true, 0);
  taken(script, CALL_KILL);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, true, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_LOST);
}

static void more_may_run_than_there_are_slots_after_a_restart(void **state)
{
  struct script *script = *state;
  for (unsigned i = 0; i < 2; i++) {
    struct evaluation *evaluation = draft();
    snprintf(evaluation->id, sizeof evaluation->id, "20261121_101112_0000000%u", i);
    executor_recover(script->executor, evaluation);
  }
  executor_start(script->executor);
  struct evaluation *first = executor_each(script->executor, 0), *second = executor_each(script->executor, first);
  sees(script, attempt_name(first), PRESENCE_RUNNING, true, 0);
  sees(script, attempt_name(second), PRESENCE_RUNNING, true, 0);
  accepted(script, draft());
  assert_int_equal(executor_count(script->executor).slots_busy, 2);
  complete(script, first);
  assert_quiet(script); /* two were too many for one slot: still no room */
  complete(script, second);
  taken(script, CALL_LAUNCH);
}

static void one_of_a_backend_that_is_gone_is_lost_at_once(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = draft();
  strcpy(evaluation->backend, "gone");
  strcpy(evaluation->id, "20261121_101112_0000abcd");
  evaluation->attempts_max = 3; /* no other attempt could end otherwise */
  executor_recover(script->executor, evaluation);
  executor_start(script->executor);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_string_equal(finish.verdict.reason, "the backend gone is not configured any more");
  executor_finished(script->executor, evaluation->id, STORE_DONE);
  taken(script, CALL_REMOVE);
  assert_null(executor_each(script->executor, 0));
}

static void a_backend_that_is_gone_takes_nothing_new(void **state)
{
  struct script *script = *state;
  struct evaluation *old = draft(), *evaluation = draft();
  strcpy(old->backend, "gone");
  strcpy(old->id, "20261121_101112_0000abcd");
  executor_recover(script->executor, old);
  executor_start(script->executor);
  taken(script, CALL_STORE_FINISH);
  strcpy(evaluation->backend, "gone");
  assert_refused(script, evaluation, ERROR_INVALID);
}

/* As recovered(), but that it was cancelled before the crash. */
static struct evaluation *recovered_cancelled(struct script *script)
{
  struct evaluation *evaluation = draft();
  strcpy(evaluation->id, "20261121_101112_0000abcd");
  evaluation->attempts_max = 3;
  evaluation->cancelled_at.ms = 1234;
  executor_recover(script->executor, evaluation);
  executor_start(script->executor);
  return evaluation;
}

static void one_cancelled_before_the_crash_is_not_launched(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered_cancelled(script);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
  sees(script, attempt_name(evaluation), PRESENCE_ABSENT, false, 0);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_CANCELLED);
}

static void one_cancelled_before_the_crash_that_runs_is_killed(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered_cancelled(script);
  sees(script, attempt_name(evaluation), PRESENCE_RUNNING, true, 0);
  assert_int_equal(taken(script, CALL_KILL).reason, KILLED_CANCELLED);
}

static void one_cancelled_before_the_crash_that_ended_first_has_its_own_verdict(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered_cancelled(script);
  struct record record = record_of_code(0);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
}

static void one_that_is_cancelled_before_it_was_looked_at_is_not_called_cancelled_unseen(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  cancel(script, evaluation);
  struct record record = record_of_code(0);
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
}

/* ---- the end ---- */

static void nothing_is_removed_before_the_verdict_is_durable(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct name name = attempt_name(evaluation);
  struct record record = record_of_code(1);
  executor_hint(script->executor, name);
  sees(script, name, PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH);
  for (unsigned i = 0; i < 30; i++)
    tick_after(script, 1000);
  executor_hint(script->executor, name);
  assert_int_equal(evaluation->state, STATE_SEALING);
  assert_quiet(script);
  executor_finished(script->executor, evaluation->id, STORE_DONE);
  assert_string_equal(taken(script, CALL_REMOVE).name.text, name.text);
}

static void a_verdict_is_handed_to_the_store_once(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct name name = attempt_name(evaluation);
  struct record success = record_of_code(0), failure = record_of_code(1);
  executor_hint(script->executor, name);
  sees(script, name, PRESENCE_DEAD, true, &success);
  assert_int_equal(taken(script, CALL_STORE_FINISH).verdict.kind, VERDICT_COMPLETED);
  executor_observed(script->executor, name, &(struct observation){.presence = PRESENCE_DEAD, .record = &failure});
  assert_quiet(script);
  assert_int_equal(evaluation->verdict.kind, VERDICT_COMPLETED);
}

static void a_second_finish_is_told_what_stands(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct record record = record_of_code(0);
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH);
  forget(script, CALL_CHANGED);
  executor_finished(script->executor, evaluation->id, STORE_STANDS);
  struct call told = taken(script, CALL_CHANGED);
  assert_int_equal(told.state, STATE_FINISHED);
  assert_int_equal(told.verdict.kind, VERDICT_NONE); /* ours does not count: who asks must ask the store */
  taken(script, CALL_REMOVE);
}

static void a_verdict_that_cannot_be_stored_breaks_the_daemon_and_removes_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct record record = record_of_code(0);
  executor_hint(script->executor, attempt_name(evaluation));
  sees(script, attempt_name(evaluation), PRESENCE_DEAD, true, &record);
  taken(script, CALL_STORE_FINISH);
  executor_finished(script->executor, evaluation->id, STORE_FAILED);
  taken(script, CALL_BROKEN);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_SEALING);
}

static void a_finish_that_nobody_asked_for_changes_nothing(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  executor_finished(script->executor, evaluation->id, STORE_DONE);
  executor_finished(script->executor, "20250101_000000_00000000", STORE_DONE);
  executor_attempt_stored(script->executor, evaluation->id, 2, STORE_DONE);
  assert_quiet(script);
  assert_int_equal(evaluation->state, STATE_RUNNING);
}

static void evidence_goes_into_the_verdict(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct record record = record_of_code(0);
  record.wall_time_us = 11;
  record.cpu_time_us = 12;
  record.memory_peak_bytes = 13;
  record.processes_peak = 14;
  record.started_at.ms = 15;
  record.isolation = 16;
  record.order_cut = true;
  struct outputs *outputs = outputs_create();
  executor_hint(script->executor, attempt_name(evaluation));
  taken(script, CALL_OBSERVE);
  executor_observed(
    script->executor, attempt_name(evaluation),
    &(struct observation){.presence = PRESENCE_DEAD, .started = true, .record = &record, .outputs = outputs});
  outputs_unref(outputs); /* the evaluation holds its own reference */
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_ptr_equal(finish.outputs, outputs);
  assert_memory_equal(&finish.usage, (&(struct usage){11, 12, 13, 14}), sizeof finish.usage);
  assert_int_equal(evaluation->started_at.ms, 15);
  assert_int_equal(evaluation->isolation, 16);
  assert_true(evaluation->order_cut);
}

static void a_lost_one_keeps_its_partial_output(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = running(script, draft());
  struct outputs *outputs = outputs_create();
  const struct observation seen = {.presence = PRESENCE_DEAD, .started = true, .outputs = outputs};
  executor_hint(script->executor, attempt_name(evaluation));
  taken(script, CALL_OBSERVE);
  executor_observed(script->executor, attempt_name(evaluation), &seen);
  taken(script, CALL_KILL);
  taken(script, CALL_OBSERVE);
  executor_observed(script->executor, attempt_name(evaluation), &seen);
  outputs_unref(outputs);
  struct call finish = taken(script, CALL_STORE_FINISH);
  assert_int_equal(finish.verdict.kind, VERDICT_LOST);
  assert_ptr_equal(finish.outputs, outputs);
}

/* ---- draining ---- */

static void a_draining_daemon_takes_nothing_new_and_launches_nothing_that_waits(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  struct evaluation *second = accepted(script, draft());
  struct evaluation *third = submit(script, draft());
  executor_drain(script->executor);
  assert_refused(script, draft(), ERROR_UNAVAILABLE);
  executor_accepted(script->executor, third->id, STORE_DONE, ++script->sequence, 0);
  assert_int_equal(taken(script, CALL_ACCEPTED).result, STORE_DONE); /* it is durable: the next daemon will run it */
  complete(script, first);
  executor_capacity(script->executor, "native", 5);
  tick_after(script, OVERDUE_MS);
  assert_quiet(script);
  assert_int_equal(second->state, STATE_QUEUED);
  assert_int_equal(third->state, STATE_QUEUED);
}

/* ---- reading ---- */

static void what_is_open_is_found_by_its_id_and_in_order_of_acceptance(void **state)
{
  struct script *script = *state;
  struct evaluation *made[3];
  for (unsigned i = 0; i < 3; i++)
    made[i] = submit(script, draft());
  struct evaluation *next = 0;
  for (unsigned i = 0; i < 3; i++) {
    next = executor_each(script->executor, next);
    assert_ptr_equal(next, made[i]);
    assert_ptr_equal(executor_find(script->executor, made[i]->id), made[i]);
  }
  assert_null(executor_each(script->executor, next));
  assert_null(executor_find(script->executor, "20250101_000000_00000000"));
}

static struct queue_place place_of(struct script *script, const struct evaluation *evaluation)
{
  struct queue_place place;
  assert_true(executor_place(script->executor, evaluation, &place));
  return place;
}

static void who_waits_knows_the_place(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft());
  struct evaluation *second = accepted(script, draft()), *last = accepted(script, with_priority(-1)),
                    *urgent = accepted(script, with_priority(1));
  assert_int_equal(place_of(script, urgent).position, 1);
  assert_int_equal(place_of(script, second).position, 2);
  assert_int_equal(place_of(script, last).position, 3);
  assert_false(place_of(script, last).has_estimate);
  struct queue_place place;
  assert_false(executor_place(script->executor, first, &place));
  struct evaluation *of_the_store = draft();
  of_the_store->state = STATE_QUEUED;
  assert_false(executor_place(script->executor, of_the_store, &place));
  evaluation_destroy(of_the_store);
}

static void who_waits_knows_when_from_how_fast_others_went(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, draft()), *second = accepted(script, draft()),
                    *third = accepted(script, draft()), *fourth = accepted(script, draft());
  advance(script, 4000);
  complete(script, first);
  taken(script, CALL_LAUNCH);
  executor_launched(script->executor, attempt_name(second), LAUNCH_ACCEPTED, 0);
  executor_hint(script->executor, attempt_name(second));
  sees(script, attempt_name(second), PRESENCE_RUNNING, true, 0);
  assert_true(place_of(script, third).has_estimate);
  assert_int_equal(place_of(script, third).starts_in_ms, 4000);
  assert_int_equal(place_of(script, fourth).starts_in_ms, 8000);
  assert_int_equal(executor_turn_away(script->executor), 4);
  assert_int_equal(executor_turn_away(script->executor), 8);
  executor_capacity(script->executor, "native", 0); /* the engine is away */
  assert_false(place_of(script, third).has_estimate);
}

static void where_a_slot_is_free_and_the_backend_has_no_room_nobody_knows_when(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = accepted(script, draft());
  executor_launched(script->executor, taken(script, CALL_LAUNCH).name, LAUNCH_BUSY, 0);
  assert_int_equal(place_of(script, evaluation).position, 1);
  assert_false(place_of(script, evaluation).has_estimate);
}

static void what_has_not_been_looked_at_since_the_start_has_no_place(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = recovered(script, 1);
  taken(script, CALL_OBSERVE);
  struct queue_place place;
  assert_int_equal(evaluation->state, STATE_QUEUED);
  assert_false(executor_place(script->executor, evaluation, &place));
}

static void who_waits_again_is_timed_from_then_on(void **state)
{
  struct script *script = *state;
  struct evaluation *others[] = {draft(), draft(), draft()};
  for (int i = 0; i < 3; i++)
    strcpy(others[i]->backend, "other");
  executor_capacity(script->executor, "other", 1);
  running(script, others[0]);
  accepted(script, others[1]);
  advance(script, 2000);
  cancel(script, others[1]);
  taken(script, CALL_STORE_FINISH);
  running(script, draft()); /* two seconds for this one to leave, and nobody waits any more */
  advance(script, 3600000);
  accepted(script, others[2]);
  assert_int_equal(executor_turn_away(script->executor), 2);
  advance(script, 10000); /* the mean of 2 and 10 is 6, and two are in front */
  assert_int_equal(executor_turn_away(script->executor), 12);
}

static void where_a_slot_is_free_it_starts_at_once(void **state)
{
  struct script *script = *state;
  struct evaluation *evaluation = submit(script, draft());
  evaluation->state = STATE_QUEUED; /* as it is when the submitter is told */
  assert_int_equal(place_of(script, evaluation).position, 1);
  assert_true(place_of(script, evaluation).has_estimate);
  assert_int_equal(place_of(script, evaluation).starts_in_ms, 0);
  evaluation->state = STATE_ACCEPTING;
}

static struct evaluation *of_client(const char *client)
{
  struct evaluation *evaluation = draft();
  evaluation->token = xstrdup(client);
  return evaluation;
}

static void clients_take_turns_and_know_their_places(void **state)
{
  struct script *script = *state;
  struct evaluation *first = running(script, of_client("flood")), *second = accepted(script, of_client("flood")),
                    *third = accepted(script, of_client("flood")), *other = accepted(script, of_client("other"));
  assert_int_equal(place_of(script, other).position, 1);
  assert_int_equal(place_of(script, second).position, 2);
  assert_int_equal(place_of(script, third).position, 3);
  complete(script, first);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, attempt_name(other).text);
}

/* The one that holds the slot was accepted first, and so were its client's others. */
static void after_a_restart_who_holds_a_slot_is_not_next(void **state)
{
  struct script *script = *state;
  script_restart(script);
  struct evaluation *recovered[3];
  for (unsigned i = 0; i < 3; i++) {
    recovered[i] = of_client(i < 2 ? "flood" : "other");
    snprintf(recovered[i]->id, sizeof recovered[i]->id, "20261122_195800_0000000%u", i);
    recovered[i]->sequence = i + 1;
    executor_recover(script->executor, recovered[i]);
  }
  executor_start(script->executor);
  sees(script, attempt_name(recovered[0]), PRESENCE_RUNNING, true, 0);
  for (unsigned i = 1; i < 3; i++)
    sees(script, attempt_name(recovered[i]), PRESENCE_ABSENT, false, 0);
  forget(script, CALL_CHANGED);
  complete(script, recovered[0]);
  assert_string_equal(taken(script, CALL_LAUNCH).name.text, attempt_name(recovered[2]).text);
}

static void no_timer_is_needed_while_nothing_is_open(void **state)
{
  struct script *script = *state;
  struct mono next;
  assert_false(executor_next(script->executor, &next));
  advance(script, 100000);
  struct evaluation *evaluation = running(script, draft());
  assert_true(executor_next(script->executor, &next));
  assert_true(next.us > script->now.us && next.us <= mono_add_ms(script->now, OVERDUE_MS).us);
  complete(script, evaluation);
  assert_false(executor_next(script->executor, &next));
}

#define with_script(test) cmocka_unit_test_setup_teardown(test, script_setup, script_teardown)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_script(nothing_is_acknowledged_or_launched_before_it_is_durable),
    with_script(the_states_of_a_life_are_told_in_order),
    with_script(an_id_is_made_from_clock_and_chance),
    with_script(an_id_that_is_open_is_not_given_twice),
    with_script(an_id_that_the_store_knows_is_replaced),
    with_script(a_known_key_is_answered_with_the_one_that_stands),
    with_script(a_known_key_with_another_body_is_a_conflict),
    with_script(an_acceptance_that_cannot_be_stored_is_refused_and_breaks_the_daemon),
    with_script(an_acceptance_is_told_once),
    with_script(an_unknown_backend_is_refused),
    with_script(a_full_queue_is_refused_until_there_is_room),
    with_script(a_free_slot_is_room_beyond_the_queue),
    with_script(the_bytes_that_wait_are_bounded),
    with_script(bytes_that_are_not_durable_yet_wait_too),
    with_script(what_open_ones_may_print_is_counted_until_they_are_finished),
    with_script(the_highest_priority_is_launched_first_and_the_oldest_among_equals),
    with_script(no_more_are_launched_than_there_are_slots),
    with_script(the_slot_is_free_as_soon_as_the_program_is_dead),
    with_script(each_backend_has_its_own_slots),
    with_script(fewer_slots_than_before_stop_nothing_that_runs),
    with_script(an_unknown_id_is_not_open),
    with_script(one_that_waits_is_cancelled_without_a_launch),
    with_script(one_that_is_not_durable_yet_is_not_open),
    with_script(a_cancellation_is_told_when_it_is_durable),
    with_script(nothing_is_killed_for_a_cancellation_that_is_not_durable_yet),
    with_script(a_cancellation_of_what_is_not_open_any_more_is_told_and_no_more),
    with_script(no_room_for_what_was_seen_running_changes_nothing),
    with_script(what_was_seen_running_is_not_prepared_any_more),
    with_script(an_attempt_that_was_not_asked_for_does_not_begin),
    with_script(the_queue_has_a_length_by_default),
    with_script(what_has_no_plan_takes_no_room_of_the_plans),
    with_script(one_that_stands_somewhere_unknown_is_told_without_an_evaluation),
    with_script(one_that_was_never_looked_at_in_all_its_time_is_lost),
    with_script(a_cancellation_that_cannot_be_stored_is_refused_and_breaks_the_daemon),
    with_script(one_that_runs_is_killed_and_its_record_says_cancelled),
    with_script(a_kill_that_did_not_work_is_repeated),
    with_script(one_that_ended_first_keeps_its_own_verdict),
    with_script(one_whose_launch_is_on_its_way_is_cancelled_when_it_is_known_what_became_of_it),
    with_script(one_that_the_backend_has_no_room_for_is_cancelled_without_a_launch),
    with_script(one_that_was_not_launched_after_all_is_not_launched_again_once_cancelled),
    with_script(cancelling_twice_is_cancelling_once),
    with_script(one_found_in_the_store_is_looked_at_before_anything_else),
    with_script(one_found_running_is_adopted_and_holds_a_slot),
    with_script(one_found_pending_is_adopted_too),
    with_script(one_that_ended_meanwhile_has_the_verdict_of_its_record),
    with_script(one_that_started_and_left_no_record_is_lost_after_a_second_look),
    with_script(more_may_run_than_there_are_slots_after_a_restart),
    with_script(one_of_a_backend_that_is_gone_is_lost_at_once),
    with_script(a_backend_that_is_gone_takes_nothing_new),
    with_script(one_cancelled_before_the_crash_is_not_launched),
    with_script(one_cancelled_before_the_crash_that_runs_is_killed),
    with_script(one_cancelled_before_the_crash_that_ended_first_has_its_own_verdict),
    with_script(one_that_is_cancelled_before_it_was_looked_at_is_not_called_cancelled_unseen),
    with_script(nothing_is_removed_before_the_verdict_is_durable),
    with_script(a_verdict_is_handed_to_the_store_once),
    with_script(a_second_finish_is_told_what_stands),
    with_script(a_verdict_that_cannot_be_stored_breaks_the_daemon_and_removes_nothing),
    with_script(a_finish_that_nobody_asked_for_changes_nothing),
    with_script(evidence_goes_into_the_verdict),
    with_script(a_lost_one_keeps_its_partial_output),
    with_script(a_draining_daemon_takes_nothing_new_and_launches_nothing_that_waits),
    with_script(what_is_open_is_found_by_its_id_and_in_order_of_acceptance),
    with_script(who_waits_knows_the_place),
    with_script(clients_take_turns_and_know_their_places),
    with_script(after_a_restart_who_holds_a_slot_is_not_next),
    with_script(who_waits_knows_when_from_how_fast_others_went),
    with_script(where_a_slot_is_free_and_the_backend_has_no_room_nobody_knows_when),
    with_script(what_has_not_been_looked_at_since_the_start_has_no_place),
    with_script(who_waits_again_is_timed_from_then_on),
    with_script(where_a_slot_is_free_it_starts_at_once),
    with_script(no_timer_is_needed_while_nothing_is_open),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
