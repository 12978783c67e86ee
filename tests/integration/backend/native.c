/* The native backend with the real keeper and real programs: ASSAY_KEEPER names the keeper. */

#include "../../unit/backend/stage.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
  struct stage *stage = xcalloc(1, sizeof *stage);
  stage_set_up(stage, getenv("ASSAY_KEEPER"));
  *state = stage;
  return 0;
}

static int tear_down(void **state)
{
  stage_tear_down(*state);
  free(*state);
  return 0;
}

static void assert_output(const struct stage *stage, enum stream stream, const char *text)
{
  assert_non_null(stage->seen.outputs);
  const struct stream_output *output = &stage->seen.outputs->stream[stream];
  assert_int_equal(output->bytes, strlen(text));
  if (text[0])
    assert_memory_equal(output->data->data, text, strlen(text));
}

static bool was_hinted(const struct stage *stage)
{
  return stage->hints > 0;
}

static void a_program_that_ends_leaves_its_record_and_both_streams(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "echo out; echo err >&2; exit 3"), LAUNCH_ACCEPTED);
  stage_until(stage, was_hinted, "a hint");
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_true(stage->seen.recorded);
  assert_int_equal(stage->seen.record.kind, EXIT_CODE);
  assert_int_equal(stage->seen.record.exit_code, 3);
  assert_output(stage, STREAM_STDOUT, "out\n");
  assert_output(stage, STREAM_STDERR, "err\n");
}

static void a_running_one_is_seen_running_and_is_not_run_twice(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 2);
  assert_int_equal(stage_launch(stage, stage_name(1), "echo once; sleep 0.3"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_RUNNING);
  assert_true(stage->seen.started);
  assert_int_equal(stage_launch(stage, stage_name(1), "echo once; sleep 0.3"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_int_equal(stage_launch(stage, stage_name(1), "echo once; sleep 0.3"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_DEAD);
  assert_output(stage, STREAM_STDOUT, "once\n");
}

static void a_kill_ends_it_with_its_reason(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "echo before; sleep 60"), LAUNCH_ACCEPTED);
  stage_await_output(stage, stage_name(1));
  backend_kill(stage->backend, stage_name(1), KILLED_CANCELLED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_int_equal(stage->seen.record.killed, KILLED_CANCELLED);
  assert_output(stage, STREAM_STDOUT, "before\n");
}

static void a_plan_that_cannot_be_understood_is_refused(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  CLEANUP_BLOB struct blob *plan = blob_create("rubbish", 7);
  assert_int_equal(stage_launch_plan(stage, stage_name(1), plan), LAUNCH_REFUSED);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_ABSENT);
  assert_int_equal(stage_launch(stage, stage_name(2), "exit 0"), LAUNCH_ACCEPTED);
}

static void one_after_another_goes_without_a_refusal(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  for (unsigned i = 1; i <= 50; i++) {
    assert_int_equal(stage_launch(stage, stage_name(i), "exit 1"), LAUNCH_ACCEPTED);
    stage_await(stage, stage_name(i), PRESENCE_DEAD);
    assert_int_equal(stage->seen.record.exit_code, 1);
    backend_remove(stage->backend, stage_name(i));
  }
}

static void kill_9_of_the_keeper_ends_the_program_keeps_its_output_and_brings_the_slot_back(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "echo partial; sleep 60"), LAUNCH_ACCEPTED);
  stage_await_output(stage, stage_name(1));
  kill(stage_keeper(stage), SIGKILL);
  stage_await_capacity(stage, 0);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_true(stage->seen.started);
  assert_false(stage->seen.recorded);
  assert_output(stage, STREAM_STDOUT, "partial\n");
  assert_string_equal(stage->seen.platform_reason, "its keeper was killed");
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(2), "echo again"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(2), PRESENCE_DEAD);
  assert_output(stage, STREAM_STDOUT, "again\n");
}

static void kill_9_of_one_keeper_leaves_the_others_alone(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 2);
  assert_int_equal(stage_launch(stage, stage_name(1), "sleep 0.5; echo done"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_launch(stage, stage_name(2), "sleep 0.5; echo done"), LAUNCH_ACCEPTED);
  kill(stage_keeper(stage), SIGKILL); /* the youngest, of the second slot */
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_true(stage->seen.recorded);
  assert_output(stage, STREAM_STDOUT, "done\n");
  assert_int_equal(stage_observe(stage, stage_name(2)), PRESENCE_DEAD);
  assert_false(stage->seen.recorded);
}

static void a_stopped_keeper_does_not_keep_a_kill_from_working(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "sleep 60"), LAUNCH_ACCEPTED);
  kill(stage_keeper(stage), SIGSTOP);
  backend_kill(stage->backend, stage_name(1), KILLED_DEADLINE);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  stage_await_capacity(stage, 1);
}

/* A daemon in a process of its own, that launches and is then killed with -9. Returns when it is dead. */
static void live_and_die(struct stage *stage, unsigned slots, unsigned launches, const char *script)
{
  pid_t daemon = fork();
  if (daemon == 0) {
    if (!stage_try_open(stage, slots, 0)) /* a failed assertion would go on with the tests, in a second process */
      _exit(1);
    for (unsigned i = 1; i <= launches; i++)
      if (stage_launch(stage, stage_name(i), script) != LAUNCH_ACCEPTED)
        _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status;
  assert_int_equal(waitpid(daemon, &status, 0), daemon);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void after_kill_9_of_the_daemon_a_second_one_adopts_what_runs(void **state)
{
  struct stage *stage = *state;
  live_and_die(stage, 2, 2, "echo first; sleep 1; echo last; exit 7");
  stage_open(stage, 2);
  for (unsigned i = 1; i <= 2; i++) {
    assert_int_equal(stage_observe(stage, stage_name(i)), PRESENCE_RUNNING);
    assert_int_equal(stage_launch(stage, stage_name(i), "echo twice"), LAUNCH_ACCEPTED);
  }
  assert_int_equal(stage_launch(stage, stage_name(3), "exit 0"), LAUNCH_BUSY);
  for (unsigned i = 1; i <= 2; i++) {
    stage_await(stage, stage_name(i), PRESENCE_DEAD);
    assert_true(stage->seen.recorded);
    assert_int_equal(stage->seen.record.exit_code, 7);
    assert_output(stage, STREAM_STDOUT, "first\nlast\n");
  }
  assert_int_equal(stage_launch(stage, stage_name(3), "exit 0"),
                   LAUNCH_ACCEPTED); /* in an adopted slot, or a new one */
}

static void what_ended_while_there_was_no_daemon_is_found(void **state)
{
  struct stage *stage = *state;
  live_and_die(stage, 1, 1, "sleep 0.1; echo alone");
  usleep(400000);
  stage_open(stage, 1);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_true(stage->seen.recorded);
  assert_output(stage, STREAM_STDOUT, "alone\n");
}

static void slots_that_are_no_longer_wanted_finish_what_they_run(void **state)
{
  struct stage *stage = *state;
  live_and_die(stage, 3, 3, "sleep 0.5; echo done");
  stage_open(stage, 1);
  for (unsigned i = 1; i <= 3; i++) {
    stage_await(stage, stage_name(i), PRESENCE_DEAD);
    assert_true(stage->seen.recorded);
    assert_output(stage, STREAM_STDOUT, "done\n");
  }
  assert_int_equal(stage->capacity, 1);
}

static void a_kill_reaches_what_an_earlier_daemon_launched(void **state)
{
  struct stage *stage = *state;
  live_and_die(stage, 1, 1, "sleep 60");
  stage_open(stage, 1);
  backend_kill(stage->backend, stage_name(1), KILLED_DEADLINE);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_int_equal(stage->seen.record.killed, KILLED_DEADLINE);
}

static void await_nothing_listed(struct stage *stage)
{
  for (unsigned tries = 0; stage_list(stage); tries++)
    assert_true(tries < STAGE_MS_MAX / 5);
}

static void removing_leaves_no_evidence_and_no_cgroup(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(stage_launch(stage, stage_name(i), "head -c 300000 /dev/zero"), LAUNCH_ACCEPTED);
    stage_await(stage, stage_name(i), PRESENCE_DEAD); /* which delivers a file beside the evidence */
    assert_non_null(stage->seen.outputs->stream[STREAM_STDOUT].path);
  }
  assert_true(stage_list(stage) >= 3);
  for (unsigned i = 1; i <= 3; i++)
    backend_remove(stage->backend, stage_name(i));
  backend_remove(stage->backend, stage_name(3)); /* again */
  backend_remove(stage->backend, stage_name(4)); /* never was */
  await_nothing_listed(stage);
  assert_int_equal(stage_files(stage, "evidence"), 0);
}

static void what_ran_when_it_was_removed_is_ended_and_removed(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "sleep 60"), LAUNCH_ACCEPTED);
  backend_remove(stage->backend, stage_name(1));
  await_nothing_listed(stage);
}

static void an_idle_backend_goes_without_a_trace(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 2);
  struct cgroup_layout cgroups = *native_cgroups(stage->backend);
  assert_int_equal(stage_launch(stage, stage_name(1), "exit 0"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  backend_remove(stage->backend, stage_name(1));
  await_nothing_listed(stage);
  stage_close(stage);
  assert_true(!cgroups.v2[0] || access(cgroups.v2, F_OK) < 0);
  assert_true(!cgroups.v1_memory[0] || access(cgroups.v1_memory, F_OK) < 0);
  assert_true(!cgroups.v1_pids[0] || access(cgroups.v1_pids, F_OK) < 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(a_program_that_ends_leaves_its_record_and_both_streams),
    TEST(a_running_one_is_seen_running_and_is_not_run_twice),
    TEST(a_kill_ends_it_with_its_reason),
    TEST(a_plan_that_cannot_be_understood_is_refused),
    TEST(one_after_another_goes_without_a_refusal),
    TEST(kill_9_of_the_keeper_ends_the_program_keeps_its_output_and_brings_the_slot_back),
    TEST(kill_9_of_one_keeper_leaves_the_others_alone),
    TEST(a_stopped_keeper_does_not_keep_a_kill_from_working),
    TEST(after_kill_9_of_the_daemon_a_second_one_adopts_what_runs),
    TEST(what_ended_while_there_was_no_daemon_is_found),
    TEST(slots_that_are_no_longer_wanted_finish_what_they_run),
    TEST(a_kill_reaches_what_an_earlier_daemon_launched),
    TEST(removing_leaves_no_evidence_and_no_cgroup),
    TEST(what_ran_when_it_was_removed_is_ended_and_removed),
    TEST(an_idle_backend_goes_without_a_trace),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
