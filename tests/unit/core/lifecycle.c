#include "core/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The moves, written down a second time: whoever changes the table has to mean it. */
static const struct {
  enum state from, to;
} moves[] = {
  {STATE_ACCEPTING, STATE_QUEUED},   {STATE_QUEUED, STATE_PREPARING},  {STATE_QUEUED, STATE_STARTING},
  {STATE_QUEUED, STATE_RUNNING},     {STATE_QUEUED, STATE_SEALING},    {STATE_STARTING, STATE_QUEUED},
  {STATE_STARTING, STATE_PREPARING}, {STATE_STARTING, STATE_RUNNING},  {STATE_STARTING, STATE_SEALING},
  {STATE_PREPARING, STATE_QUEUED},   {STATE_PREPARING, STATE_RUNNING}, {STATE_PREPARING, STATE_SEALING},
  {STATE_RUNNING, STATE_SEALING},    {STATE_SEALING, STATE_QUEUED},    {STATE_SEALING, STATE_FINISHED},
};

static bool listed(enum state from, enum state to)
{
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
    if (moves[i].from == from && moves[i].to == to)
      return true;
  return false;
}

static void exactly_the_listed_moves_are_legal(void **state)
{
  (void)state;
  for (unsigned from = 0; from < STATE_COUNT; from++)
    for (unsigned to = 0; to < STATE_COUNT; to++)
      if (move_legal(from, to) != listed(from, to))
        fail_msg("%s to %s", state_name(from), state_name(to));
}

static void what_is_no_state_cannot_be_moved_to(void **state)
{
  (void)state;
  for (unsigned other = 0; other < STATE_COUNT; other++) {
    assert_false(move_legal(other, STATE_COUNT));
    assert_false(move_legal(STATE_COUNT, other));
  }
}

static void nothing_leaves_finished_and_nothing_returns_to_accepting(void **state)
{
  (void)state;
  for (unsigned other = 0; other < STATE_COUNT; other++) {
    assert_false(move_legal(STATE_FINISHED, other));
    assert_false(move_legal(other, STATE_ACCEPTING));
  }
}

static void no_state_is_reached_from_itself(void **state)
{
  (void)state;
  for (unsigned other = 0; other < STATE_COUNT; other++)
    assert_false(move_legal(other, other));
}

/* Law 8. An acceptance is answered by our own store, which stops the daemon if it fails. */
static void every_open_state_after_the_acceptance_has_a_deadline(void **state)
{
  (void)state;
  for (unsigned open = STATE_QUEUED; open < STATE_FINISHED; open++)
    assert_true(state_deadline_ms(open) > 0);
  assert_int_equal(state_deadline_ms(STATE_QUEUED), 24 * 3600 * 1000);
  assert_int_equal(state_deadline_ms(STATE_PREPARING), 3600 * 1000);
  assert_int_equal(state_deadline_ms(STATE_STARTING), 60 * 1000);
  assert_int_equal(state_deadline_ms(STATE_RUNNING), 5 * 1000);
  assert_int_equal(state_deadline_ms(STATE_SEALING), 10 * 1000);
}

static void states_have_the_names_of_the_api(void **state)
{
  (void)state;
  static const char *const names[] = {"accepting", "queued", "preparing", "starting", "running", "sealing", "finished"};
  for (unsigned i = 0; i < STATE_COUNT; i++) {
    assert_string_equal(state_name(i), names[i]);
    assert_true(strlen(state_meaning(i)) > 0);
  }
}

static void only_what_may_have_processes_holds_a_slot(void **state)
{
  (void)state;
  for (unsigned i = 0; i < STATE_COUNT; i++)
    assert_int_equal(state_holds_slot(i), i == STATE_STARTING || i == STATE_RUNNING);
}

static void what_waits_and_what_runs_is_told_apart(void **state)
{
  (void)state;
  for (unsigned i = 0; i < STATE_COUNT; i++)
    assert_int_equal(state_waits(i), i == STATE_ACCEPTING || i == STATE_QUEUED || i == STATE_PREPARING);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(exactly_the_listed_moves_are_legal),
    cmocka_unit_test(what_is_no_state_cannot_be_moved_to),
    cmocka_unit_test(nothing_leaves_finished_and_nothing_returns_to_accepting),
    cmocka_unit_test(no_state_is_reached_from_itself),
    cmocka_unit_test(every_open_state_after_the_acceptance_has_a_deadline),
    cmocka_unit_test(states_have_the_names_of_the_api),
    cmocka_unit_test(only_what_may_have_processes_holds_a_slot),
    cmocka_unit_test(what_waits_and_what_runs_is_told_apart),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
