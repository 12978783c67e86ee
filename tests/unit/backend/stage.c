#include "stage.h"

#include "wire/plan.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The notebook. */

static void on_launched(void *context, struct name name, enum launch_result result, const char *reason)
{
  struct stage *stage = context;
  if (stage->launching.text[0] && strcmp(stage->launching.text, name.text) != 0)
    return; /* the answer to another one, that nobody waits for */
  stage->launches++;
  stage->launch_result = result;
  snprintf(stage->launch_reason, sizeof stage->launch_reason, "%s", reason ? reason : "");
}

static void on_observed(void *context, struct name name, const struct observation *observation)
{
  struct stage *stage = context;
  (void)name;
  stage->looks++;
  outputs_unref(stage->seen.outputs);
  stage->seen.presence = observation->presence;
  stage->seen.started = observation->started;
  stage->seen.recorded = observation->record != 0;
  if (observation->record)
    stage->seen.record = *observation->record;
  stage->seen.outputs = outputs_ref(observation->outputs);
  snprintf(stage->seen.platform_reason, sizeof stage->seen.platform_reason, "%s",
           observation->platform_reason ? observation->platform_reason : "");
  snprintf(stage->seen.progress, sizeof stage->seen.progress, "%s", observation->progress ? observation->progress : "");
}

static void on_hint(void *context, struct name name)
{
  struct stage *stage = context;
  stage->hints++;
  stage->hinted = name;
}

static void on_capacity(void *context, const char *backend, unsigned slots)
{
  struct stage *stage = context;
  assert_string_equal(backend, backend_name(stage->backend));
  stage->capacities++;
  stage->capacity = slots;
}

static void on_found(void *context, const char *backend, struct name name)
{
  struct stage *stage = context;
  assert_string_equal(backend, backend_name(stage->backend));
  stage->listed++;
  stage->found = name;
  if (!stage->clears)
    return;
  backend_kill(stage->backend, name, KILLED_CANCELLED);
  backend_remove(stage->backend, name);
}

/* Time. */

static void on_timer(uv_timer_t *timer)
{
  uv_stop(timer->loop);
}

static void on_closed(uv_handle_t *handle)
{
  free(handle);
}

void stage_turn(struct stage *stage, unsigned ms)
{
  uv_timer_t *timer = xcalloc(1, sizeof *timer);
  uv_timer_init(&stage->loop, timer);
  uv_update_time(&stage->loop);
  uv_timer_start(timer, on_timer, ms, 0);
  uv_run(&stage->loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)timer, on_closed);
  uv_run(&stage->loop, UV_RUN_NOWAIT);
}

void stage_until(struct stage *stage, bool (*done)(const struct stage *stage), const char *what)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (!done(stage)) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long: %s", what);
    stage_turn(stage, 2);
  }
}

/* The stage itself. */

void stage_set_up(struct stage *stage, const char *keeper_path)
{
  *stage = (struct stage){.keeper_path = keeper_path};
  strcpy(stage->state_dir, "/tmp/assay-stage-XXXXXX");
  assert_non_null(mkdtemp(stage->state_dir));
}

static void remove_tree(const char *path)
{
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    CLEANUP_FREE char *inner = xasprintf("%s/%s", path, entry->d_name);
    struct stat status;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || lstat(inner, &status) < 0)
      continue;
    if (S_ISDIR(status.st_mode))
      remove_tree(inner);
    else
      unlink(inner);
  }
  if (directory)
    closedir(directory);
  rmdir(path);
}

unsigned stage_list(struct stage *stage)
{
  stage->listed = 0;
  backend_list(stage->backend);
  stage_turn(stage, 5);
  return stage->listed;
}

void stage_tear_down(struct stage *stage)
{
  if (stage->backend && stage->create) {
    stage_close(stage);
  } else if (stage->backend) {
    struct cgroup_layout cgroups = *native_cgroups(stage->backend);
    stage->clears = true;
    backend_list(stage->backend);
    stage_turn(stage, 20);
    stage_close(stage);
    cgroup_release(&cgroups); /* scripted keepers may have stayed, but make no cgroups */
  }
  remove_tree(stage->state_dir);
}

static struct backend *create_native(struct stage *stage, unsigned slots, const struct backend_events *events,
                                     struct error *error)
{
  return native_create(
    &stage->loop,
    &(struct native_config){.keeper_path = stage->keeper_path, .state_dir = stage->state_dir, .slots = slots}, events,
    error);
}

static bool create(struct stage *stage, unsigned slots, struct error *error)
{
  struct backend_events events = {stage, on_launched, on_observed, on_hint, on_capacity, on_found};
  stage->backend = (stage->create ? stage->create : create_native)(stage, slots, &events, error);
  return stage->backend != 0;
}

bool stage_try_open(struct stage *stage, unsigned slots, struct error *error)
{
  assert_int_equal(uv_loop_init(&stage->loop), 0);
  return create(stage, slots, error);
}

void stage_restart(struct stage *stage, unsigned slots)
{
  struct error error = {0};
  backend_destroy(stage->backend);
  uv_run(&stage->loop, UV_RUN_NOWAIT);
  stage->capacity = stage->capacities = 0;
  if (!create(stage, slots, &error))
    fail_msg("no backend: %s", error.message);
}

void stage_open(struct stage *stage, unsigned slots)
{
  struct error error = {0};
  if (!stage_try_open(stage, slots, &error))
    fail_msg("no backend: %s", error.message);
}

void stage_close(struct stage *stage)
{
  if (!stage->backend)
    return;
  backend_destroy(stage->backend);
  stage->backend = 0;
  uv_run(&stage->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&stage->loop), 0); /* no handle was forgotten */
  outputs_unref(stage->seen.outputs);
  stage->seen.outputs = 0;
}

/* What is asked of the backend. */

enum launch_result stage_launch_plan(struct stage *stage, struct name name, struct blob *plan)
{
  unsigned before = stage->launches;
  stage->launching = name;
  backend_launch(stage->backend, name, plan);
  assert_int_equal(stage->launches, before); /* never from inside the call */
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (stage->launches == before && mono_now().us < deadline.us)
    stage_turn(stage, 1);
  assert_int_equal(stage->launches, before + 1);
  stage->launching = (struct name){0};
  return stage->launch_result;
}

enum launch_result stage_launch(struct stage *stage, struct name name, const char *script)
{
  CLEANUP_BLOB struct blob *plan = stage_plan(script);
  return stage_launch_plan(stage, name, plan);
}

enum presence stage_observe(struct stage *stage, struct name name)
{
  unsigned before = stage->looks;
  backend_observe(stage->backend, name);
  assert_int_equal(stage->looks, before);
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (stage->looks == before && mono_now().us < deadline.us)
    stage_turn(stage, 1);
  assert_int_equal(stage->looks, before + 1);
  return stage->seen.presence;
}

void stage_await(struct stage *stage, struct name name, enum presence presence)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (stage_observe(stage, name) != presence) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long for it to be %s; it is %s", presence_name(presence),
               presence_name(stage->seen.presence));
    stage_turn(stage, 5);
  }
}

void stage_await_output(struct stage *stage, struct name name)
{
  CLEANUP_FREE char *path = xasprintf("%s/evidence/%s/stdout", stage->state_dir, name.text);
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  struct stat status;
  while (stat(path, &status) < 0 || !status.st_size) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long for output");
    stage_turn(stage, 2);
  }
}

void stage_await_capacity(struct stage *stage, unsigned slots)
{
  struct mono deadline = mono_add_ms(mono_now(), STAGE_MS_MAX);
  while (stage->capacity != slots || !stage->capacities) {
    if (mono_now().us > deadline.us)
      fail_msg("waited too long for %u slots; there are %u", slots, stage->capacity);
    stage_turn(stage, 2);
  }
}

struct name stage_name(unsigned number)
{
  char id[ID_SIZE];
  id_make(id, (struct wall){1795377480000}, number);
  return name_make(id, 1);
}

struct blob *stage_plan(const char *script)
{
  char *command[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, 0}, *none[] = {0};
  struct plan plan = {.command = command, .environment = none, .limits = limits_default()};
  return plan_encode(&plan);
}

static bool is_keeper(const struct stage *stage, const char *pid)
{
  const char *wanted = strrchr(stage->keeper_path, '/') + 1;
  CLEANUP_FREE char *path = xasprintf("/proc/%s/comm", pid);
  FILE *comm = fopen(path, "re");
  char name[32] = "";
  bool found = comm && fgets(name, sizeof name, comm) && !strncmp(name, wanted, strcspn(name, "\n"));
  if (comm)
    fclose(comm);
  return found;
}

pid_t stage_keeper(const struct stage *stage)
{
  FILE *children = fopen("/proc/thread-self/children", "re");
  char text[1024] = "", *rest = text;
  assert_non_null(children);
  (void)!fgets(text, sizeof text, children);
  fclose(children);
  pid_t youngest = 0;
  for (char *pid; (pid = strsep(&rest, " "));)
    if (*pid && is_keeper(stage, pid))
      youngest = (pid_t)strtol(pid, 0, 10);
  return youngest;
}

unsigned stage_files(const struct stage *stage, const char *directory)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", stage->state_dir, directory);
  DIR *stream = opendir(path);
  unsigned count = 0;
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    count += entry->d_name[0] != '.';
  if (stream)
    closedir(stream);
  return count;
}
