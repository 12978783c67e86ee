/* The Docker backend against a scripted engine, which behaves badly on demand: see scripted_engine.h for the words. */

#include "backend/docker/docker.h"
#include "base/fd.h"
#include "scripted_engine.h"
#include "stage.h"
#include "wire/plan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define IMAGE "local/python:3.11"

struct scene {
  struct stage stage; /* first: its hooks are given it */
  struct scripted_engine *engine;
  enum docker_pull pull;
  enum docker_evidence evidence;
  unsigned grace_ms;
  char socket_path[100], host[120];
};

static struct backend *create_docker(struct stage *stage, unsigned slots, const struct backend_events *events,
                                     struct error *error)
{
  struct scene *scene = (struct scene *)stage;
  if (!scene->engine)
    scene->engine = scripted_engine_create(&stage->loop, scene->socket_path);
  return docker_create(&stage->loop,
                       &(struct docker_config){.keeper_path = stage->keeper_path,
                                               .state_dir = stage->state_dir,
                                               .slots = slots,
                                               .host = scene->host,
                                               .evidence = scene->evidence,
                                               .grace_ms = scene->grace_ms,
                                               .pull = scene->pull,
                                               .pull_ms_max = 5000},
                       events, error);
}

static int set_up(void **state)
{
  struct scene *scene = xcalloc(1, sizeof *scene);
  stage_set_up(&scene->stage, getenv("SCRIPTED_KEEPER")); /* any file will do */
  scene->stage.create = create_docker;
  snprintf(scene->socket_path, sizeof scene->socket_path, "%s/docker.sock", scene->stage.state_dir);
  snprintf(scene->host, sizeof scene->host, "unix://%s", scene->socket_path);
  *state = scene;
  return 0;
}

static int tear_down(void **state)
{
  struct scene *scene = *state;
  if (scene->engine)
    scripted_engine_destroy(scene->engine);
  stage_tear_down(&scene->stage);
  free(scene);
  return 0;
}

/* Words. */

static void open_ready(struct scene *scene, unsigned slots)
{
  stage_open(&scene->stage, slots);
  stage_await_capacity(&scene->stage, slots);
}

static struct blob *plan_of(const char *word, const char *image)
{
  char *command[] = {(char *)"/bin/sh", (char *)"-c", (char *)word, 0}, *none[] = {0};
  struct plan plan = {.command = command, .environment = none, .limits = limits_default(), .image = image};
  return plan_encode(&plan);
}

static enum launch_result launch(struct scene *scene, struct name name, const char *word)
{
  CLEANUP_BLOB struct blob *plan = plan_of(word, IMAGE);
  return stage_launch_plan(&scene->stage, name, plan);
}

static enum presence look(struct scene *scene, struct name name)
{
  return stage_observe(&scene->stage, name);
}

static void await(struct scene *scene, struct name name, enum presence presence)
{
  stage_await(&scene->stage, name, presence);
}

/* As the core does it: whatever the answer, look, and launch again what is absent. */
static void lead_to_its_end(struct scene *scene, struct name name, const char *word)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (mono_now().us < deadline.us) {
    (void)launch(scene, name, word);
    enum presence presence;
    while ((presence = look(scene, name)) != PRESENCE_ABSENT) {
      if (presence == PRESENCE_DEAD)
        return;
      if (mono_now().us > deadline.us)
        break;
      stage_turn(&scene->stage, 5);
    }
  }
  fail_msg("waited too long; it is %s: %s", presence_name(scene->stage.seen.presence),
           scene->stage.seen.platform_reason);
}

static bool directory_exists(const struct scene *scene, struct name name)
{
  CLEANUP_FREE char *path = xasprintf("%s/docker/attempts/%s", scene->stage.state_dir, name.text);
  return access(path, F_OK) == 0;
}

static void await_gone(struct scene *scene, struct name name)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (scripted_container_exists(scene->engine, name) || directory_exists(scene, name)) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long for it to be removed");
    stage_turn(&scene->stage, 2);
  }
}

static void await_calls(struct scene *scene, const char *word, unsigned calls)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (scripted_engine_calls(scene->engine, word) < calls) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long for %u calls of %s", calls, word);
    stage_turn(&scene->stage, 2);
  }
}

static void assert_completed(const struct scene *scene)
{
  assert_int_equal(scene->stage.seen.presence, PRESENCE_DEAD);
  assert_true(scene->stage.seen.recorded);
  assert_int_equal(scene->stage.seen.record.kind, EXIT_CODE);
  assert_non_null(scene->stage.seen.outputs);
  assert_int_equal(scene->stage.seen.outputs->stream[STREAM_STDOUT].bytes, 4);
}

static void assert_dead_without_record(const struct scene *scene, const char *reason)
{
  assert_int_equal(scene->stage.seen.presence, PRESENCE_DEAD);
  assert_false(scene->stage.seen.recorded);
  assert_string_equal(scene->stage.seen.platform_reason, reason);
}

/* The usual way. */

static void what_ends_at_once_is_dead_with_its_record_and_output(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_completed(scene);
  assert_true(scene->stage.hints > 0);
}

static void what_has_a_record_is_told_without_the_engine(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  unsigned inspections = scripted_engine_calls(scene->engine, "inspect");
  scripted_engine_leave(scene->engine);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_completed(scene);
  assert_int_equal(scripted_engine_calls(scene->engine, "inspect"), inspections);
}

static void what_runs_is_running_and_killed_by_its_keeper(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
  assert_true(scene->stage.seen.started);
  assert_null(scene->stage.seen.outputs);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_true(scene->stage.seen.recorded);
  assert_int_equal(scene->stage.seen.record.killed, KILLED_CANCELLED);
  assert_int_equal(scripted_engine_calls(scene->engine, "kill"), 0);
}

static void what_has_not_started_its_program_is_pending(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "wait"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_PENDING);
  unsigned hints = scene->stage.hints;
  scripted_keeper_go(scene->engine, stage_name(1));
  await(scene, stage_name(1), PRESENCE_RUNNING);
  assert_true(scene->stage.hints > hints);
}

static void a_name_that_nobody_knows_is_absent(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
}

static void removing_leaves_neither_container_nor_directory(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_true(directory_exists(scene, stage_name(1)));
  backend_remove(scene->stage.backend, stage_name(1));
  await_gone(scene, stage_name(1));
  backend_remove(scene->stage.backend, stage_name(1)); /* once more changes nothing */
  await_calls(scene, "inspect", 1);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
}

/* At most one start. */

static void a_second_launch_adopts(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(scripted_engine_calls(scene->engine, "create"), 1);
  assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(1)), 1);
}

static void a_container_that_was_made_and_not_started_is_started(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "create", FAULT_LOST, 0, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_UNKNOWN);
  assert_true(scripted_container_exists(scene->engine, stage_name(1)));
  lead_to_its_end(scene, stage_name(1), "end");
  assert_completed(scene);
  assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(1)), 1);
}

static void a_lost_answer_to_the_start_does_not_start_it_twice(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "start", FAULT_LOST, 0, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_UNKNOWN);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(1)), 1);
}

static void a_container_said_to_be_merely_created_although_it_ran_is_not_run_again(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_CREATED, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_false(scene->stage.seen.recorded);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(1)), 1);
}

static void an_invented_exit_0_is_no_success(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_EXITED, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its container ended (exit code 0) and left no record");
  assert_int_equal(scene->stage.seen.outputs->stream[STREAM_STDOUT].bytes, 4); /* what it wrote by then is kept */
}

static void an_exit_that_is_invented_for_what_lives_does_not_make_it_dead(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_EXITED, 137);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
}

static void a_created_container_that_is_said_to_have_started_and_has_not_is_launched_again(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "start", FAULT_PRETEND, 0, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
  lead_to_its_end(scene, stage_name(1), "end");
  assert_completed(scene);
}

/* Names and strangers. */

static void a_name_that_a_stranger_has_is_the_platforms_fault(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_container_add(scene->engine, stage_name(1).text, 0);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_UNKNOWN);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
  assert_string_equal(scene->stage.seen.platform_reason, "its name is taken by a container that is not ours");
  assert_int_equal(scripted_container_stage(scene->engine, stage_name(1)), STAGE_CREATED);
}

static void a_stranger_is_neither_killed_nor_removed(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  for (enum container_stage stage = STAGE_CREATED; stage <= STAGE_EXITED; stage++) {
    struct name name = stage_name(1 + (unsigned)stage);
    scripted_container_add(scene->engine, name.text, stage == STAGE_RUNNING ? "ffffffffffffffff" : 0);
    scripted_container_set_stage(scene->engine, name, stage, 0);
    backend_kill(scene->stage.backend, name, KILLED_CANCELLED);
    unsigned inspections = scripted_engine_calls(scene->engine, "inspect");
    await_calls(scene, "inspect", inspections + 1);
    stage_turn(&scene->stage, 20);
    backend_remove(scene->stage.backend, name);
    await_calls(scene, "inspect", inspections + 2);
    stage_turn(&scene->stage, 20);
    assert_int_equal(scripted_container_stage(scene->engine, name), stage);
  }
  assert_int_equal(scripted_engine_calls(scene->engine, "remove"), 0);
  assert_int_equal(scripted_engine_calls(scene->engine, "kill"), 0);
}

/* Errors say nothing. */

static void errors_of_the_engine_make_nothing_absent_and_nothing_dead(void **state)
{
  struct scene *scene = *state;
  static const struct {
    enum engine_fault fault;
    int status;
  } faults[] = {{FAULT_STATUS, 500}, {FAULT_STATUS, 503}, {FAULT_STATUS, 400}, {FAULT_STATUS, 403}, {FAULT_STATUS, 409},
                {FAULT_STATUS, 418}, {FAULT_GARBAGE, 0},  {FAULT_NONSENSE, 0}, {FAULT_LOST, 0},     {FAULT_CUT, 0}};
  open_ready(scene, 1);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    await(scene, stage_name(1), PRESENCE_ABSENT); /* the engine is here again */
    /* Often: what breaks off on a connection that was used before is sent once more. */
    scripted_engine_spoil(scene->engine, "inspect", faults[i].fault, faults[i].status, 10);
    assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
    assert_true(scene->stage.seen.platform_reason[0]);
    scripted_engine_spoil(scene->engine, "inspect", faults[i].fault, 0, 0);
  }
  await(scene, stage_name(1), PRESENCE_ABSENT);
}

static void an_engine_that_hangs_is_unknown_in_time(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "inspect", FAULT_HANG, 0, 1);
  struct mono before = mono_now();
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  assert_true(mono_now().us < mono_add_ms(before, RECONCILE_MS).us);
}

static void errors_at_every_step_of_a_launch_are_got_over(void **state)
{
  struct scene *scene = *state;
  static const char *const words[] = {"create", "start", "inspect", "image"};
  static const struct {
    enum engine_fault fault;
    int status;
  } faults[] = {{FAULT_STATUS, 500}, {FAULT_STATUS, 409}, {FAULT_LOST, 0}, {FAULT_CUT, 0}};
  open_ready(scene, 1);
  unsigned number = 0;
  for (size_t w = 0; w < sizeof words / sizeof *words; w++)
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
      stage_await_capacity(&scene->stage, 1);
      scripted_engine_spoil(scene->engine, words[w], faults[f].fault, faults[f].status, 1);
      lead_to_its_end(scene, stage_name(++number), "end");
      assert_completed(scene);
      assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(number)), 1);
    }
}

static void what_cannot_be_started_keeps_its_reason_and_is_tried_less_and_less_often(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "start", FAULT_STATUS, 500, 1000);
  struct mono deadline = mono_add_ms(mono_now(), 1000);
  while (mono_now().us < deadline.us) {
    assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_UNKNOWN);
    assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
  }
  assert_string_equal(scene->stage.seen.platform_reason, "Docker cannot start its container: spoilt");
  assert_true(scripted_engine_calls(scene->engine, "start") <= 5);
  assert_false(scripted_container_exists(scene->engine, stage_name(1)));
}

static void a_keeper_that_cannot_start_anything_is_heard(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "fail"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
  assert_string_equal(scene->stage.seen.platform_reason, "no plan for today");
  assert_false(scripted_container_exists(scene->engine, stage_name(1)));
}

static void a_container_that_ended_before_its_program_is_removed_and_absent(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "vanish"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
  assert_string_equal(scene->stage.seen.platform_reason,
                      "its container ended (exit code 125) before the program was started");
  assert_false(scripted_container_exists(scene->engine, stage_name(1)));
}

/* Death without a record. */

static void a_killed_keeper_is_dead_and_docker_says_why(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its container was killed by somebody else");
}

static void an_engine_that_has_not_heard_of_the_end_is_given_a_moment(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_RUNNING, 0);
  unsigned inspections = scripted_engine_calls(scene->engine, "inspect"), looks = scene->stage.looks;
  backend_observe(scene->stage.backend, stage_name(1));
  await_calls(scene, "inspect", inspections + 2);
  assert_int_equal(scene->stage.looks, looks);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_EXITED, 137);
  await_calls(scene, "inspect", inspections + 3);
  stage_turn(&scene->stage, 20);
  assert_int_equal(scene->stage.looks, looks + 1);
  assert_dead_without_record(scene, "its container was killed by somebody else");
}

static void a_container_that_was_removed_is_dead_and_its_output_kept(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  scripted_container_drop(scene->engine, stage_name(1));
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its container was removed by somebody else");
  assert_int_equal(scene->stage.seen.outputs->stream[STREAM_STDOUT].bytes, 4);
}

static void a_killed_keeper_is_dead_also_while_the_engine_is_away(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  scripted_engine_leave(scene->engine);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its keeper was killed");
}

static void without_its_socket_only_the_engine_can_say_that_it_is_dead(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  CLEANUP_FREE char *path = xasprintf("%s/docker/attempts/%s/control", scene->stage.state_dir, stage_name(1).text);
  assert_int_equal(unlink(path), 0);
  scripted_engine_spoil(scene->engine, "inspect", FAULT_STATUS, 500, 1);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_CREATED, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_RUNNING, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_EXITED, 137);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
}

/* Killing. */

static void a_keeper_that_does_not_react_is_killed(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "deaf"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_DEADLINE);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its keeper did not react and had to be killed");
}

static void a_keeper_that_does_not_react_is_killed_also_while_the_engine_hangs(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "deaf"), LAUNCH_ACCEPTED);
  static const char *const words[] = {"inspect", "kill", "unpause", "version", "list"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    scripted_engine_spoil(scene->engine, words[i], FAULT_HANG, 0, 1000);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_DEADLINE);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its keeper did not react and had to be killed");
}

static void a_paused_container_runs_until_it_is_killed_and_then_says_so(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "deaf"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_PAUSED, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_DEADLINE);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its container was paused");
}

static void a_paused_container_is_thawed_for_a_client_who_cancels(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_PAUSED, 0);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_true(scene->stage.seen.recorded);
  assert_int_equal(scene->stage.seen.record.killed, KILLED_CANCELLED);
}

static void a_launch_that_is_put_off_is_answered_by_a_kill(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "start", FAULT_STATUS, 500, 1000);
  for (int i = 0; i < 3; i++)
    assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_UNKNOWN);
  unsigned starts = scripted_engine_calls(scene->engine, "start"), launches = scene->stage.launches;
  CLEANUP_BLOB struct blob *plan = plan_of("end", IMAGE);
  backend_launch(scene->stage.backend, stage_name(1), plan);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  stage_turn(&scene->stage, 5);
  assert_int_equal(scene->stage.launches, launches + 1);
  assert_int_equal(scripted_engine_calls(scene->engine, "start"), starts);
}

static void what_was_made_and_not_started_is_removed_by_a_kill(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "start", FAULT_PRETEND, 0, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  await(scene, stage_name(1), PRESENCE_ABSENT);
  await_calls(scene, "remove", 1);
  stage_turn(&scene->stage, 20);
  assert_false(scripted_container_exists(scene->engine, stage_name(1)));
}

static void a_start_that_comes_after_the_kill_has_nothing_to_run(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "start", FAULT_PRETEND, 0, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  scripted_engine_spoil(scene->engine, "remove", FAULT_STATUS, 500, 1000);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  await_calls(scene, "remove", 1);
  CLEANUP_FREE char *path = xasprintf("%s/docker/attempts/%s/plan", scene->stage.state_dir, stage_name(1).text);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void what_is_about_to_start_is_killed_when_it_can_be_asked(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "wait"), LAUNCH_ACCEPTED);
  scripted_keeper_go(scene->engine, stage_name(1));
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_true(scene->stage.seen.recorded);
  assert_int_equal(scene->stage.seen.record.killed, KILLED_CANCELLED);
}

/* The engine comes and goes. */

static void one_call_that_is_not_answered_takes_no_slots_away(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  unsigned capacities = scene->stage.capacities;
  scripted_engine_spoil(scene->engine, "inspect", FAULT_LOST, 0, 10);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  await_calls(scene, "version", 2);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(scene->stage.capacities, capacities);
}

static void an_engine_that_answers_nothing_has_no_slots(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "inspect", FAULT_LOST, 0, 10);
  scripted_engine_spoil(scene->engine, "version", FAULT_STATUS, 500, 1000);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  stage_await_capacity(&scene->stage, 0);
  scripted_engine_spoil(scene->engine, "version", FAULT_STATUS, 500, 0);
  stage_await_capacity(&scene->stage, 1);
}

static void while_the_engine_is_away_there_are_no_slots(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 2);
  scripted_engine_leave(scene->engine);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_BUSY);
  stage_await_capacity(&scene->stage, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  scripted_engine_come(scene->engine);
  stage_await_capacity(&scene->stage, 2);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
}

static void a_backend_may_begin_before_its_engine(void **state)
{
  struct scene *scene = *state;
  stage_open(&scene->stage, 1);
  scripted_engine_leave(scene->engine);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_BUSY);
  scripted_engine_come(scene->engine);
  stage_await_capacity(&scene->stage, 1);
}

static void an_engine_that_hangs_when_met_is_asked_again(void **state)
{
  struct scene *scene = *state;
  stage_open(&scene->stage, 1);
  scripted_engine_spoil(scene->engine, "version", FAULT_STATUS, 500, 2);
  scripted_engine_spoil(scene->engine, "info", FAULT_GARBAGE, 0, 1);
  stage_await_capacity(&scene->stage, 1);
}

static void an_engine_of_another_age_is_not_used(void **state)
{
  struct scene *scene = *state;
  stage_open(&scene->stage, 1);
  scripted_engine_set_version(scene->engine, "1.24", "1.12");
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_BUSY);
  await_calls(scene, "version", 2);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_BUSY);
  assert_non_null(strstr(scene->stage.launch_reason, "too old"));
  scripted_engine_set_version(scene->engine, "1.99", "1.90");
  await_calls(scene, "version", 4);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_BUSY);
  assert_non_null(strstr(scene->stage.launch_reason, "too new"));
  assert_int_equal(scene->stage.capacity, 0);
  scripted_engine_set_version(scene->engine, "1.99", "1.24");
  stage_await_capacity(&scene->stage, 1);
}

static void removals_wait_for_the_engine(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  scripted_engine_leave(scene->engine);
  backend_remove(scene->stage.backend, stage_name(1));
  stage_await_capacity(&scene->stage, 0);
  assert_true(directory_exists(scene, stage_name(1))); /* the container first */
  scripted_engine_come(scene->engine);
  await_gone(scene, stage_name(1));
}

static void removals_are_tried_until_they_are_done(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  scripted_engine_spoil(scene->engine, "remove", FAULT_STATUS, 409, 3);
  backend_remove(scene->stage.backend, stage_name(1));
  await_gone(scene, stage_name(1));
  assert_int_equal(scripted_engine_calls(scene->engine, "remove"), 4);
}

static void while_too_much_waits_to_be_removed_nothing_is_launched(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_spoil(scene->engine, "remove", FAULT_HANG, 0, 1000);
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(launch(scene, stage_name(i), "end"), LAUNCH_ACCEPTED);
    backend_remove(scene->stage.backend, stage_name(i));
  }
  assert_int_equal(launch(scene, stage_name(9), "end"), LAUNCH_BUSY);
  unsigned capacities = scene->stage.capacities;
  scripted_engine_spoil(scene->engine, "remove", FAULT_HANG, 0, 0);
  scripted_engine_leave(scene->engine); /* so that those that hang are over */
  scripted_engine_come(scene->engine);
  await_gone(scene, stage_name(1));
  await_gone(scene, stage_name(2));
  await_gone(scene, stage_name(3));
  stage_await_capacity(&scene->stage, 1);
  assert_true(scene->stage.capacities > capacities);
  assert_int_equal(launch(scene, stage_name(9), "end"), LAUNCH_ACCEPTED);
}

/* The engine of these tests has two processors: eight launches at once. */
static void launches_that_the_engine_has_no_processors_for_wait_until_others_are_done(void **state)
{
  enum { AT_ONCE = 8 };
  struct scene *scene = *state;
  open_ready(scene, 2 * AT_ONCE);
  CLEANUP_BLOB struct blob *plan = plan_of("run", IMAGE);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED); /* so that the image is known to be there */
  scripted_engine_spoil(scene->engine, "create", FAULT_HANG, 0, AT_ONCE - 1);
  for (unsigned i = 2; i <= AT_ONCE; i++)
    backend_launch(scene->stage.backend, stage_name(i), plan);
  backend_launch(scene->stage.backend, stage_name(20), plan);
  unsigned capacities = scene->stage.capacities;
  assert_int_equal(launch(scene, stage_name(30), "end"), LAUNCH_BUSY);
  assert_string_equal(scene->stage.launch_reason, "other containers have to be started first");
  await(scene, stage_name(20), PRESENCE_RUNNING);
  assert_true(scene->stage.capacities > capacities); /* which lets the core try again */
  assert_int_equal(launch(scene, stage_name(30), "end"), LAUNCH_ACCEPTED);
}

/* Events and lists. */

static void await_listener(struct scene *scene)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (!scripted_engine_listeners(scene->engine)) {
    assert_true(mono_now().us < deadline.us);
    stage_turn(&scene->stage, 2);
  }
}

static void await_hint(struct scene *scene, unsigned hints)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (scene->stage.hints <= hints) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long for a hint");
    stage_turn(&scene->stage, 2);
  }
}

static void an_event_is_a_hint(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  await_listener(scene);
  stage_turn(&scene->stage, 20);
  unsigned hints = scene->stage.hints;
  scripted_engine_send_event(scene->engine, "die", stage_name(1));
  await_hint(scene, hints);
  assert_string_equal(scene->stage.hinted.text, stage_name(1).text);
}

static void nonsense_among_events_makes_it_look_at_everything(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  await_listener(scene);
  unsigned lists = scripted_engine_calls(scene->engine, "list");
  scripted_engine_send_bytes(scene->engine, "{\"Type\":\x02\n", 10);
  await_calls(scene, "list", lists + 1);
  scripted_engine_send_event(scene->engine, "die", stage_name(1));
  await_hint(scene, scene->stage.hints);
}

static void a_stream_that_breaks_is_opened_again_and_everything_looked_at(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  await_listener(scene);
  unsigned lists = scripted_engine_calls(scene->engine, "list");
  scripted_engine_break_events(scene->engine);
  await_calls(scene, "events", 2);
  await_calls(scene, "list", lists + 1);
  await_listener(scene);
}

static void what_lies_there_without_a_container_is_found(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "run"), LAUNCH_ACCEPTED);
  scripted_container_drop(scene->engine, stage_name(2));
  scene->stage.listed = 0;
  stage_restart(&scene->stage, 1);
  unsigned lists = scripted_engine_calls(scene->engine, "list");
  await_calls(scene, "list", lists + 1);
  stage_turn(&scene->stage, 50);
  assert_int_equal(scene->stage.listed, 1); /* the other one is too young to be nobody's */
  assert_string_equal(scene->stage.found.text, stage_name(2).text);
}

static void a_container_that_nobody_has_known_for_a_while_is_found(void **state)
{
  struct scene *scene = *state;
  scene->grace_ms = 200;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  stage_restart(&scene->stage, 1); /* and nobody asks for it */
  stage_await_capacity(&scene->stage, 1);
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (!scene->stage.listed && mono_now().us < deadline.us) {
    backend_list(scene->stage.backend);
    stage_turn(&scene->stage, 20);
  }
  assert_string_equal(scene->stage.found.text, stage_name(1).text);
  backend_remove(scene->stage.backend, stage_name(1));
  await_gone(scene, stage_name(1));
}

static void containers_of_others_are_never_told_of(void **state)
{
  struct scene *scene = *state;
  scene->grace_ms = 1;
  open_ready(scene, 1);
  scripted_container_add(scene->engine, stage_name(1).text, 0);
  scripted_container_add(scene->engine, stage_name(2).text, "ffffffffffffffff");
  scripted_container_add(scene->engine, "somebody-elses", 0);
  for (int i = 0; i < 3; i++) {
    unsigned lists = scripted_engine_calls(scene->engine, "list");
    backend_list(scene->stage.backend);
    await_calls(scene, "list", lists + 1);
    stage_turn(&scene->stage, 20);
  }
  assert_int_equal(scene->stage.hints, 0);
  assert_int_equal(scene->stage.listed, 0);
}

/* A daemon that starts again knows nothing, and finds everything. */

static void another_daemon_finds_each_attempt_as_it_is(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 8);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(3), "die"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(4), "wait"), LAUNCH_ACCEPTED);
  scripted_engine_spoil(scene->engine, "start", FAULT_PRETEND, 0, 1);
  assert_int_equal(launch(scene, stage_name(5), "end"), LAUNCH_ACCEPTED);
  stage_restart(&scene->stage, 8);
  stage_await_capacity(&scene->stage, 8);

  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_completed(scene);
  await(scene, stage_name(2), PRESENCE_RUNNING);
  await(scene, stage_name(3), PRESENCE_DEAD);
  assert_false(scene->stage.seen.recorded);
  await(scene, stage_name(4), PRESENCE_PENDING);
  await(scene, stage_name(5), PRESENCE_ABSENT);
  await(scene, stage_name(6), PRESENCE_ABSENT);
  assert_int_equal(launch(scene, stage_name(5), "end"), LAUNCH_ACCEPTED); /* adopted, and started */
  assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(5)), 1);

  unsigned hints = scene->stage.hints;
  scripted_keeper_go(scene->engine, stage_name(4)); /* its directory is watched again */
  await_hint(scene, hints);
  backend_kill(scene->stage.backend, stage_name(2), KILLED_CANCELLED);
  await(scene, stage_name(2), PRESENCE_DEAD);
  assert_int_equal(scene->stage.seen.record.killed, KILLED_CANCELLED);
}

static void the_instance_is_kept(void **state)
{
  struct scene *scene = *state;
  char before[64];
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  snprintf(before, sizeof before, "%s", scripted_engine_instance(scene->engine));
  assert_int_equal(strlen(before), 16);
  stage_restart(&scene->stage, 1);
  stage_await_capacity(&scene->stage, 1);
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_ACCEPTED);
  assert_string_equal(scripted_engine_instance(scene->engine), before);
}

/* Images. */

static void a_missing_image_is_refused_by_name_where_none_is_pulled(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  scripted_engine_drop_image(scene->engine);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_REFUSED);
  assert_non_null(strstr(scene->stage.launch_reason, IMAGE));
  assert_int_equal(scripted_engine_calls(scene->engine, "pull"), 0);
}

static void a_plan_without_an_image_is_refused(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 1);
  CLEANUP_BLOB struct blob *plan = plan_of("end", 0), *nonsense = blob_create("nonsense", 8);
  assert_int_equal(stage_launch_plan(&scene->stage, stage_name(1), plan), LAUNCH_REFUSED);
  assert_int_equal(stage_launch_plan(&scene->stage, stage_name(2), nonsense), LAUNCH_REFUSED);
}

static void a_missing_image_is_pulled_once_for_all_who_wait(void **state)
{
  struct scene *scene = *state;
  scene->pull = DOCKER_PULL_MISSING;
  open_ready(scene, 2);
  scripted_engine_drop_image(scene->engine);
  scripted_engine_script_pull(scene->engine, 0);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_PREPARING);
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_PREPARING);
  await_calls(scene, "pull", 1);
  stage_turn(&scene->stage, 20);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_PENDING);
  assert_non_null(strstr(scene->stage.seen.progress, IMAGE));
  assert_int_equal(look(scene, stage_name(2)), PRESENCE_PENDING);
  unsigned hints = scene->stage.hints;
  scripted_engine_finish_pulls(scene->engine);
  await_hint(scene, hints + 1);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_ABSENT);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(scripted_engine_calls(scene->engine, "pull"), 1);
}

static void a_pull_that_fails_refuses_all_who_wait_and_is_not_tried_again_at_once(void **state)
{
  struct scene *scene = *state;
  scene->pull = DOCKER_PULL_MISSING;
  open_ready(scene, 2);
  scripted_engine_drop_image(scene->engine);
  scripted_engine_script_pull(
    scene->engine, "{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"manifest unknown\"}\r\n");
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_PREPARING);
  await(scene, stage_name(1), PRESENCE_ABSENT);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_REFUSED);
  assert_non_null(strstr(scene->stage.launch_reason, IMAGE));
  assert_non_null(strstr(scene->stage.launch_reason, "manifest unknown"));
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_REFUSED);
  assert_int_equal(scripted_engine_calls(scene->engine, "pull"), 1);
}

static void a_pull_that_breaks_off_is_no_refusal(void **state)
{
  struct scene *scene = *state;
  scene->pull = DOCKER_PULL_MISSING;
  open_ready(scene, 1);
  scripted_engine_drop_image(scene->engine);
  scripted_engine_script_pull(scene->engine, 0);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_PREPARING);
  await_calls(scene, "pull", 1);
  scripted_engine_leave(scene->engine);
  await(scene, stage_name(1), PRESENCE_UNKNOWN);
  scripted_engine_script_pull(scene->engine, "{\"status\":\"done\"}\r\n");
  scripted_engine_come(scene->engine);
  stage_await_capacity(&scene->stage, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_PREPARING);
  await(scene, stage_name(1), PRESENCE_ABSENT);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
}

static void an_image_that_vanished_is_noticed_when_it_is_needed(void **state)
{
  struct scene *scene = *state;
  scene->pull = DOCKER_PULL_MISSING;
  open_ready(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED); /* it is known to be there */
  scripted_engine_drop_image(scene->engine);
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_PREPARING);
  await(scene, stage_name(2), PRESENCE_ABSENT);
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_ACCEPTED);
}

/* An engine that does not see this host's files: what differs. */

static void open_remote(struct scene *scene, unsigned slots)
{
  scene->evidence = DOCKER_EVIDENCE_VOLUME;
  open_ready(scene, slots);
}

static void evidence_comes_out_of_a_volume(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_completed(scene);
  unsigned archives = scripted_engine_calls(scene->engine, "archive");
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD); /* what is here already is not fetched again */
  assert_completed(scene);
  assert_int_equal(scripted_engine_calls(scene->engine, "archive"), archives);
}

static void what_runs_far_away_is_running_and_killed_by_its_keeper(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_RUNNING);
  assert_true(scene->stage.seen.started);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_CANCELLED);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_true(scene->stage.seen.recorded);
  assert_int_equal(scene->stage.seen.record.killed, KILLED_CANCELLED);
}

static void what_does_not_react_far_away_is_killed(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "deaf"), LAUNCH_ACCEPTED);
  backend_kill(scene->stage.backend, stage_name(1), KILLED_DEADLINE);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its keeper did not react and had to be killed");
  assert_int_equal(scene->stage.seen.outputs->stream[STREAM_STDOUT].bytes, 4);
}

static void a_removed_container_leaves_its_volume_to_be_read(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 2);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "end"), LAUNCH_ACCEPTED);
  scripted_container_drop(scene->engine, stage_name(1));
  scripted_container_drop(scene->engine, stage_name(2));
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_dead_without_record(scene, "its container was removed by somebody else");
  assert_int_equal(scene->stage.seen.outputs->stream[STREAM_STDOUT].bytes, 4);
  assert_int_equal(look(scene, stage_name(2)), PRESENCE_DEAD);
  assert_completed(scene);
}

static void errors_while_evidence_is_fetched_say_nothing(void **state)
{
  struct scene *scene = *state;
  static const struct {
    enum engine_fault fault;
    int status;
  } faults[] = {{FAULT_STATUS, 500}, {FAULT_STATUS, 403}, {FAULT_GARBAGE, 0},
                {FAULT_NONSENSE, 0}, {FAULT_LOST, 0},     {FAULT_CUT, 0}};
  open_remote(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    scripted_engine_spoil(scene->engine, "archive", faults[i].fault, faults[i].status, 10);
    assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
    scripted_engine_spoil(scene->engine, "archive", faults[i].fault, 0, 0);
    stage_turn(&scene->stage, 300); /* an engine that was lost is met again */
  }
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_completed(scene);
}

static void errors_while_a_volume_is_read_say_nothing(void **state)
{
  struct scene *scene = *state;
  static const char *const words[] = {"volume", "images", "create", "archive"};
  open_remote(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  scripted_container_drop(scene->engine, stage_name(1));
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    scripted_engine_spoil(scene->engine, words[i], FAULT_STATUS, 500, 1);
    assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN);
  }
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_DEAD);
  assert_int_equal(scene->stage.seen.outputs->stream[STREAM_STDOUT].bytes, 4);
}

static void a_container_far_away_that_only_seems_not_to_have_run_is_not_run_again(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 1);
  assert_int_equal(launch(scene, stage_name(1), "die"), LAUNCH_ACCEPTED);
  scripted_container_set_stage(scene->engine, stage_name(1), STAGE_CREATED, 0);
  assert_int_equal(look(scene, stage_name(1)), PRESENCE_UNKNOWN); /* it may live: the engine is wrong about it */
  (void)launch(scene, stage_name(1), "die");
  assert_int_equal(scripted_keeper_starts(scene->engine, stage_name(1)), 1);
}

static void what_is_launched_far_away_gets_over_errors(void **state)
{
  struct scene *scene = *state;
  static const char *const words[] = {"create", "archive", "start"};
  open_remote(scene, 1);
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
    scripted_engine_spoil(scene->engine, words[i], FAULT_STATUS, 500, 1);
    lead_to_its_end(scene, stage_name(i), "end");
    assert_completed(scene);
  }
}

static void removing_takes_the_volume_too(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 2);
  assert_int_equal(launch(scene, stage_name(1), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "run"), LAUNCH_ACCEPTED);
  scripted_container_drop(scene->engine, stage_name(2));
  assert_int_equal(look(scene, stage_name(2)), PRESENCE_DEAD);
  assert_true(scripted_volume_exists(scene->engine, stage_name(1)));
  for (unsigned i = 1; i <= 2; i++) {
    backend_remove(scene->stage.backend, stage_name(i));
    await_gone(scene, stage_name(i));
    assert_false(scripted_volume_exists(scene->engine, stage_name(i)));
  }
}

static void another_daemon_finds_what_is_far_away(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 4);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(3), "die"), LAUNCH_ACCEPTED);
  stage_restart(&scene->stage, 4);
  stage_await_capacity(&scene->stage, 4);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_completed(scene);
  await(scene, stage_name(2), PRESENCE_RUNNING);
  await(scene, stage_name(3), PRESENCE_DEAD);
  assert_false(scene->stage.seen.recorded);
  await(scene, stage_name(4), PRESENCE_ABSENT);
}

static void a_changed_configuration_does_not_hide_what_lies_in_volumes(void **state)
{
  struct scene *scene = *state;
  open_remote(scene, 4);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(3), "end"), LAUNCH_ACCEPTED);
  scripted_container_drop(scene->engine, stage_name(3));
  scene->evidence = DOCKER_EVIDENCE_BIND;
  stage_restart(&scene->stage, 4);
  stage_await_capacity(&scene->stage, 4);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_completed(scene);
  await(scene, stage_name(2), PRESENCE_RUNNING);
  backend_kill(scene->stage.backend, stage_name(2), KILLED_CANCELLED);
  await(scene, stage_name(2), PRESENCE_DEAD);
  assert_int_equal(scene->stage.seen.record.killed, KILLED_CANCELLED);
  await(scene, stage_name(3), PRESENCE_DEAD);
  assert_completed(scene);
  for (unsigned i = 1; i <= 3; i++) {
    backend_remove(scene->stage.backend, stage_name(i));
    await_gone(scene, stage_name(i));
    assert_false(scripted_volume_exists(scene->engine, stage_name(i)));
  }
}

static void a_changed_configuration_does_not_hide_what_lies_here(void **state)
{
  struct scene *scene = *state;
  open_ready(scene, 4);
  assert_int_equal(launch(scene, stage_name(1), "end"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(2), "run"), LAUNCH_ACCEPTED);
  assert_int_equal(launch(scene, stage_name(3), "die"), LAUNCH_ACCEPTED);
  scene->evidence = DOCKER_EVIDENCE_VOLUME;
  stage_restart(&scene->stage, 4);
  stage_await_capacity(&scene->stage, 4);
  await(scene, stage_name(1), PRESENCE_DEAD);
  assert_completed(scene);
  await(scene, stage_name(2), PRESENCE_RUNNING);
  scripted_container_set_stage(scene->engine, stage_name(2), STAGE_EXITED, 0); /* a lie: its keeper can be asked */
  await(scene, stage_name(2), PRESENCE_RUNNING);
  await(scene, stage_name(3), PRESENCE_DEAD);
  assert_false(scene->stage.seen.recorded);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(what_ends_at_once_is_dead_with_its_record_and_output),
    TEST(what_has_a_record_is_told_without_the_engine),
    TEST(what_runs_is_running_and_killed_by_its_keeper),
    TEST(what_has_not_started_its_program_is_pending),
    TEST(a_name_that_nobody_knows_is_absent),
    TEST(removing_leaves_neither_container_nor_directory),
    TEST(a_second_launch_adopts),
    TEST(a_container_that_was_made_and_not_started_is_started),
    TEST(a_lost_answer_to_the_start_does_not_start_it_twice),
    TEST(a_container_said_to_be_merely_created_although_it_ran_is_not_run_again),
    TEST(an_invented_exit_0_is_no_success),
    TEST(an_exit_that_is_invented_for_what_lives_does_not_make_it_dead),
    TEST(a_created_container_that_is_said_to_have_started_and_has_not_is_launched_again),
    TEST(a_name_that_a_stranger_has_is_the_platforms_fault),
    TEST(a_stranger_is_neither_killed_nor_removed),
    TEST(errors_of_the_engine_make_nothing_absent_and_nothing_dead),
    TEST(an_engine_that_hangs_is_unknown_in_time),
    TEST(errors_at_every_step_of_a_launch_are_got_over),
    TEST(what_cannot_be_started_keeps_its_reason_and_is_tried_less_and_less_often),
    TEST(a_keeper_that_cannot_start_anything_is_heard),
    TEST(a_container_that_ended_before_its_program_is_removed_and_absent),
    TEST(a_killed_keeper_is_dead_and_docker_says_why),
    TEST(an_engine_that_has_not_heard_of_the_end_is_given_a_moment),
    TEST(a_container_that_was_removed_is_dead_and_its_output_kept),
    TEST(a_killed_keeper_is_dead_also_while_the_engine_is_away),
    TEST(without_its_socket_only_the_engine_can_say_that_it_is_dead),
    TEST(a_keeper_that_does_not_react_is_killed),
    TEST(a_keeper_that_does_not_react_is_killed_also_while_the_engine_hangs),
    TEST(a_paused_container_runs_until_it_is_killed_and_then_says_so),
    TEST(a_paused_container_is_thawed_for_a_client_who_cancels),
    TEST(a_launch_that_is_put_off_is_answered_by_a_kill),
    TEST(what_was_made_and_not_started_is_removed_by_a_kill),
    TEST(a_start_that_comes_after_the_kill_has_nothing_to_run),
    TEST(what_is_about_to_start_is_killed_when_it_can_be_asked),
    TEST(one_call_that_is_not_answered_takes_no_slots_away),
    TEST(an_engine_that_answers_nothing_has_no_slots),
    TEST(while_the_engine_is_away_there_are_no_slots),
    TEST(a_backend_may_begin_before_its_engine),
    TEST(an_engine_that_hangs_when_met_is_asked_again),
    TEST(an_engine_of_another_age_is_not_used),
    TEST(removals_wait_for_the_engine),
    TEST(removals_are_tried_until_they_are_done),
    TEST(while_too_much_waits_to_be_removed_nothing_is_launched),
    TEST(launches_that_the_engine_has_no_processors_for_wait_until_others_are_done),
    TEST(an_event_is_a_hint),
    TEST(nonsense_among_events_makes_it_look_at_everything),
    TEST(a_stream_that_breaks_is_opened_again_and_everything_looked_at),
    TEST(what_lies_there_without_a_container_is_found),
    TEST(a_container_that_nobody_has_known_for_a_while_is_found),
    TEST(containers_of_others_are_never_told_of),
    TEST(another_daemon_finds_each_attempt_as_it_is),
    TEST(the_instance_is_kept),
    TEST(a_missing_image_is_refused_by_name_where_none_is_pulled),
    TEST(a_plan_without_an_image_is_refused),
    TEST(a_missing_image_is_pulled_once_for_all_who_wait),
    TEST(a_pull_that_fails_refuses_all_who_wait_and_is_not_tried_again_at_once),
    TEST(a_pull_that_breaks_off_is_no_refusal),
    TEST(an_image_that_vanished_is_noticed_when_it_is_needed),
    TEST(evidence_comes_out_of_a_volume),
    TEST(what_runs_far_away_is_running_and_killed_by_its_keeper),
    TEST(what_does_not_react_far_away_is_killed),
    TEST(a_removed_container_leaves_its_volume_to_be_read),
    TEST(errors_while_evidence_is_fetched_say_nothing),
    TEST(errors_while_a_volume_is_read_say_nothing),
    TEST(a_container_far_away_that_only_seems_not_to_have_run_is_not_run_again),
    TEST(what_is_launched_far_away_gets_over_errors),
    TEST(removing_takes_the_volume_too),
    TEST(another_daemon_finds_what_is_far_away),
    TEST(a_changed_configuration_does_not_hide_what_lies_in_volumes),
    TEST(a_changed_configuration_does_not_hide_what_lies_here),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
