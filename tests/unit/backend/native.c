/* The native backend against a scripted keeper, which behaves badly on demand: see scripted_keeper.c for the words. */

#include "stage.h"

#include "backend/evidence/evidence_read.h"
#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
  struct stage *stage = xcalloc(1, sizeof *stage);
  stage_set_up(stage, getenv("SCRIPTED_KEEPER"));
  *state = stage;
  return 0;
}

static int tear_down(void **state)
{
  stage_tear_down(*state);
  free(*state);
  return 0;
}

static void put_in_slot(struct stage *stage, const char *file)
{
  CLEANUP_FREE char *native = xasprintf("%s/native", stage->state_dir);
  CLEANUP_FREE char *slot = xasprintf("%s/slot-0", native);
  CLEANUP_FREE char *path = xasprintf("%s/%s", slot, file);
  mkdir(native, 0700);
  mkdir(slot, 0700);
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(fd >= 0);
}

static unsigned starts_of_keepers(const struct stage *stage)
{
  CLEANUP_FREE char *path = xasprintf("%s/native/slot-0/starts", stage->state_dir);
  struct stat status;
  return stat(path, &status) == 0 ? (unsigned)status.st_size : 0;
}

static void a_keeper_that_ends_one_gives_hint_record_and_slot(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "end"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_true(stage->seen.recorded && stage->seen.started);
  assert_true(stage->hints > 0);
  assert_int_equal(stage_launch(stage, stage_name(2), "end"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(2), PRESENCE_DEAD);
  assert_int_equal(starts_of_keepers(stage), 1);
}

static void a_name_that_nobody_knows_is_absent(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_ABSENT);
}

static void a_second_launch_adopts(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 2);
  assert_int_equal(stage_launch(stage, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_launch(stage, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_RUNNING);
  backend_kill(stage->backend, stage_name(1), KILLED_CANCELLED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_int_equal(stage->seen.record.killed, KILLED_CANCELLED);
  assert_int_equal(stage_launch(stage, stage_name(1), "run"), LAUNCH_ACCEPTED); /* dead, and still never run again */
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_DEAD);
}

static bool capacity_was_told_again(const struct stage *stage)
{
  return stage->capacities >= 2;
}

static void without_a_free_slot_it_is_busy_until_there_is_room(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_launch(stage, stage_name(2), "end"), LAUNCH_BUSY);
  assert_int_equal(stage_observe(stage, stage_name(2)), PRESENCE_ABSENT);
  backend_kill(stage->backend, stage_name(1), KILLED_CANCELLED);
  stage_until(stage, capacity_was_told_again, "room");
  assert_int_equal(stage_launch(stage, stage_name(2), "end"), LAUNCH_ACCEPTED);
}

static void a_slot_that_is_not_idle_again_is_put_aside_and_comes_back(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "linger"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD); /* which is no reason to keep the verdict waiting */
  stage_await_capacity(stage, 0);
  assert_int_equal(stage_launch(stage, stage_name(2), "end"), LAUNCH_BUSY);
  stage_await_capacity(stage, 1);
}

static void a_plan_that_cannot_be_understood_is_the_requests_fault(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  CLEANUP_BLOB struct blob *plan = blob_create("rubbish", 7);
  assert_int_equal(stage_launch_plan(stage, stage_name(1), plan), LAUNCH_REFUSED);
  assert_string_equal(stage->launch_reason, "not a plan");
  assert_int_equal(stage_launch(stage, stage_name(2), "end"), LAUNCH_ACCEPTED);
}

static void a_refusal_for_want_of_something_rests_the_slot_instead_of_spinning(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "no-space"), LAUNCH_BUSY);
  assert_string_equal(stage->launch_reason, "no space left");
  stage_await_capacity(stage, 0);
  stage_await_capacity(stage, 1);
}

static void a_keeper_that_dies_before_it_started_anything_leaves_it_absent(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "die"), LAUNCH_UNKNOWN);
  stage_await(stage, stage_name(1), PRESENCE_ABSENT);
  stage_await_capacity(stage, 1);
  assert_int_equal(starts_of_keepers(stage), 2);
}

static void a_keeper_that_dies_while_it_runs_one_leaves_it_dead_without_a_record(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  const enum launch_result told = stage_launch(stage, stage_name(1), "die-running");
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_true(stage->seen.started);
  assert_false(stage->seen.recorded);
  assert_non_null(stage->seen.outputs);
  assert_string_equal(stage->seen.platform_reason, "its keeper was killed");
  stage_turn(stage, 50);
  /* Its death is told, and its start, unless both were seen at once. */
  assert_int_equal(stage->hints, told == LAUNCH_ACCEPTED ? 2 : 1);
  stage_await_capacity(stage, 1);
}

static void nonsense_ends_the_connection_and_not_the_evaluation(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  CLEANUP_BLOB struct blob *plan = stage_plan("nonsense");
  backend_launch(stage->backend, stage_name(1), plan);
  stage_await(stage, stage_name(1), PRESENCE_PENDING); /* connected again, and told that it runs there */
  assert_int_equal(starts_of_keepers(stage), 1);
}

static bool launch_was_answered(const struct stage *stage)
{
  return stage->launches > 0;
}

static void a_launch_that_is_never_answered_is_unknown_after_a_while(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  CLEANUP_BLOB struct blob *plan = stage_plan("silent");
  backend_launch(stage->backend, stage_name(1), plan);
  stage_turn(stage, 20);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_PENDING);
  stage_until(stage, launch_was_answered, "an answer");
  assert_int_equal(stage->launch_result, LAUNCH_UNKNOWN);
}

static void a_keeper_that_does_not_kill_is_killed(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "stubborn"), LAUNCH_ACCEPTED);
  struct mono before = mono_now();
  backend_kill(stage->backend, stage_name(1), KILLED_DEADLINE);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  assert_false(stage->seen.recorded);
  assert_true(mono_now().us < mono_add_ms(before, SEALING_MS_MAX).us);
}

static void a_keeper_that_always_fails_is_started_less_and_less_often(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  stage_await_capacity(stage, 1);
  put_in_slot(stage, "broken");
  kill(stage_keeper(stage), SIGKILL);
  stage_turn(stage, 2000); /* 100, 200, 400, 800 ms apart */
  assert_int_equal(stage->capacity, 0);
  assert_true(starts_of_keepers(stage) >= 3 && starts_of_keepers(stage) <= 6);
  assert_int_equal(stage_launch(stage, stage_name(1), "end"), LAUNCH_BUSY);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_ABSENT);
}

static void a_backend_without_any_keeper_says_why(void **state)
{
  struct stage *stage = *state;
  struct error error = {0};
  assert_int_equal(uv_loop_init(&stage->loop), 0);
  struct native_config config = {.keeper_path = "/nonexistent/keeper", .state_dir = stage->state_dir, .slots = 1};
  assert_null(native_create(&stage->loop, &config, &(struct backend_events){0}, &error));
  assert_non_null(strstr(error.message, "/nonexistent/keeper"));
  put_in_slot(stage, "broken");
  config.keeper_path = stage->keeper_path;
  assert_null(native_create(&stage->loop, &config, &(struct backend_events){0}, &error));
  assert_non_null(strstr(error.message, "exited with code 1"));
  uv_run(&stage->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&stage->loop), 0);
}

static void strict_refuses_less_than_full_isolation_and_says_what_is_missing(void **state)
{
  struct stage *stage = *state;
  struct error error = {0};
  assert_int_equal(uv_loop_init(&stage->loop), 0);
  put_in_slot(stage, "partial");
  struct native_config config = {
    .keeper_path = stage->keeper_path, .state_dir = stage->state_dir, .slots = 1, .strict = true};
  assert_null(native_create(&stage->loop, &config, &(struct backend_events){0}, &error));
  assert_non_null(strstr(error.message, "system calls are not filtered"));
  uv_run(&stage->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&stage->loop), 0);
}

/* As an earlier daemon might have left it. */
static void start_stray_keeper(const struct stage *stage)
{
  CLEANUP_FREE char *slot = xasprintf("%s/native/slot-0", stage->state_dir);
  if (fork() == 0) {
    execl(stage->keeper_path, "scripted-keeper", "--slot", slot, "--evidence", stage->state_dir, (char *)0);
    _exit(127);
  }
  while (!starts_of_keepers(stage))
    usleep(1000);
  usleep(50000); /* it takes the lock right behind */
}

static void what_a_silent_keeper_might_run_is_unknown_and_not_absent(void **state)
{
  struct stage *stage = *state;
  put_in_slot(stage, "deaf"); /* it holds the lock longer than anybody waits for its greeting */
  start_stray_keeper(stage);
  stage_open(stage, 2);
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_UNKNOWN);
  assert_int_equal(stage_launch(stage, stage_name(2), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(stage_observe(stage, stage_name(2)), PRESENCE_RUNNING);
  stage_await(stage, stage_name(1), PRESENCE_ABSENT); /* now that it has greeted */
}

static void a_keeper_that_is_leaving_when_it_is_called_is_replaced_at_once(void **state)
{
  struct stage *stage = *state;
  put_in_slot(stage, "leaving");
  start_stray_keeper(stage);
  stage_open(stage, 1); /* which needs a keeper */
  assert_int_equal(starts_of_keepers(stage), 2);
  assert_int_equal(stage_launch(stage, stage_name(1), "end"), LAUNCH_ACCEPTED);
}

static void an_earlier_boot_is_dead(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  CLEANUP_FREE char *directory = xasprintf("%s/evidence/%s", stage->state_dir, stage_name(1).text);
  CLEANUP_FREE char *path = xasprintf("%s/start", directory);
  CLEANUP_BUFFER struct buffer text = {0};
  start_marker_encode(
    &(struct start_marker){.at = {1}, .boot_id_hash = 1, .init_pid = (uint64_t)getpid(), .init_start_ticks = 1}, &text);
  assert_int_equal(mkdir(directory, 0700), 0);
  CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT, 0600);
  assert_true(fd_write_all(fd, text.data, text.size));
  assert_int_equal(stage_observe(stage, stage_name(1)), PRESENCE_DEAD);
  assert_string_equal(stage->seen.platform_reason, EVIDENCE_REBOOTED);
}

static bool nothing_is_left(const struct stage *stage)
{
  return stage_files(stage, "evidence") == 0;
}

static void what_a_keeper_did_not_remove_before_it_died_is_removed(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 1);
  assert_int_equal(stage_launch(stage, stage_name(1), "end"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  backend_remove(stage->backend, stage_name(1)); /* the scripted keeper never removes anything */
  stage_turn(stage, 50);
  assert_int_equal(stage_files(stage, "evidence"), 1);
  kill(stage_keeper(stage), SIGKILL);
  stage_until(stage, nothing_is_left, "the removal");
}

static void when_all_is_quiet_the_loop_sleeps(void **state)
{
  struct stage *stage = *state;
  stage_open(stage, 2);
  assert_int_equal(stage_launch(stage, stage_name(1), "end"), LAUNCH_ACCEPTED);
  stage_await(stage, stage_name(1), PRESENCE_DEAD);
  stage_turn(stage, 1100);
  assert_int_equal(uv_backend_timeout(&stage->loop), -1);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(a_keeper_that_ends_one_gives_hint_record_and_slot),
    TEST(a_name_that_nobody_knows_is_absent),
    TEST(a_second_launch_adopts),
    TEST(without_a_free_slot_it_is_busy_until_there_is_room),
    TEST(a_slot_that_is_not_idle_again_is_put_aside_and_comes_back),
    TEST(a_plan_that_cannot_be_understood_is_the_requests_fault),
    TEST(a_refusal_for_want_of_something_rests_the_slot_instead_of_spinning),
    TEST(a_keeper_that_dies_before_it_started_anything_leaves_it_absent),
    TEST(a_keeper_that_dies_while_it_runs_one_leaves_it_dead_without_a_record),
    TEST(nonsense_ends_the_connection_and_not_the_evaluation),
    TEST(a_launch_that_is_never_answered_is_unknown_after_a_while),
    TEST(a_keeper_that_does_not_kill_is_killed),
    TEST(a_keeper_that_always_fails_is_started_less_and_less_often),
    TEST(a_backend_without_any_keeper_says_why),
    TEST(strict_refuses_less_than_full_isolation_and_says_what_is_missing),
    TEST(what_a_silent_keeper_might_run_is_unknown_and_not_absent),
    TEST(a_keeper_that_is_leaving_when_it_is_called_is_replaced_at_once),
    TEST(an_earlier_boot_is_dead),
    TEST(what_a_keeper_did_not_remove_before_it_died_is_removed),
    TEST(when_all_is_quiet_the_loop_sleeps),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
