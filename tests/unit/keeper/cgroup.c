/* A container's own cgroup (cgroup.h), with a directory of plain files in its place. */

#include "keeper/cgroup.h"

#include "base/fd.h"
#include "wire/container.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct limits limits = {.memory_bytes = MIB(64), .processes = 10};

struct fixture {
  char path[64];
  int directory;
  struct cgroup_places places;
  struct cgroups groups;
};

static int fixture_create(void **state)
{
  struct fixture *fixture = calloc(1, sizeof *fixture);
  strcpy(fixture->path, "/tmp/assay-cgroup-XXXXXX");
  if (!mkdtemp(fixture->path))
    return -1;
  fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *state = fixture;
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
  (void)status, (void)flag, (void)walk;
  return remove(path);
}

static void close_groups(struct fixture *fixture)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    fd_close(fixture->groups.directory[i]);
}

static int fixture_destroy(void **state)
{
  struct fixture *fixture = *state;
  close_groups(fixture);
  fd_close(fixture->directory);
  int result = nftw(fixture->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(fixture);
  return result;
}

static void put(const struct fixture *fixture, const char *file, const char *text)
{
  CLEANUP_FD int fd = openat(fixture->directory, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)));
}

static void put_number(const struct fixture *fixture, const char *file, uint64_t number)
{
  char text[24];
  snprintf(text, sizeof text, "%llu\n", (unsigned long long)number);
  put(fixture, file, text);
}

static void open_v2(struct fixture *fixture)
{
  snprintf(fixture->places.v2_own, sizeof fixture->places.v2_own, "%s", fixture->path);
  cgroups_open_contained(&fixture->groups, &fixture->places, &limits);
}

static bool has(const struct fixture *fixture, enum controller controller)
{
  return cgroups_have(&fixture->groups, controller);
}

static void a_limit_counts_up_to_the_plans_with_room_for_the_keeper(void **state)
{
  struct fixture *fixture = *state;
  put_number(fixture, "memory.max", limits.memory_bytes + CONTAINER_MEMORY_BYTES);
  put_number(fixture, "memory.swap.max", 0);
  put_number(fixture, "pids.max", limits.processes + CONTAINER_PROCESSES);
  put(fixture, "cpu.stat", "usage_usec 5\nuser_usec 5\n");
  open_v2(fixture);
  assert_true(has(fixture, CONTROLLER_MEMORY) && has(fixture, CONTROLLER_PIDS) && has(fixture, CONTROLLER_CPU));
  assert_false(cgroups_kill_whole(&fixture->groups));
  close_groups(fixture);
  put_number(fixture, "memory.max", limits.memory_bytes + CONTAINER_MEMORY_BYTES + 1);
  put_number(fixture, "pids.max", limits.processes + CONTAINER_PROCESSES + 1);
  open_v2(fixture);
  assert_false(has(fixture, CONTROLLER_MEMORY) || has(fixture, CONTROLLER_PIDS));
}

static void no_limit_is_none_and_neither_is_memory_with_swap(void **state)
{
  struct fixture *fixture = *state;
  put(fixture, "memory.max", "max\n");
  put(fixture, "pids.max", "max\n");
  open_v2(fixture);
  assert_false(has(fixture, CONTROLLER_MEMORY) || has(fixture, CONTROLLER_PIDS) || has(fixture, CONTROLLER_CPU));
  close_groups(fixture);
  put_number(fixture, "memory.max", limits.memory_bytes);
  put(fixture, "memory.swap.max", "max\n");
  open_v2(fixture);
  assert_false(has(fixture, CONTROLLER_MEMORY));
  close_groups(fixture);
  assert_int_equal(unlinkat(fixture->directory, "memory.swap.max", 0), 0);
  open_v2(fixture);
  assert_true(has(fixture, CONTROLLER_MEMORY));
}

static void version_one_limits_memory_and_swap_together(void **state)
{
  struct fixture *fixture = *state;
  snprintf(fixture->places.v1_memory, sizeof fixture->places.v1_memory, "%s", fixture->path);
  put_number(fixture, "memory.limit_in_bytes", limits.memory_bytes + CONTAINER_MEMORY_BYTES);
  put_number(fixture, "memory.memsw.limit_in_bytes", limits.memory_bytes + CONTAINER_MEMORY_BYTES);
  cgroups_open_contained(&fixture->groups, &fixture->places, &limits);
  assert_true(has(fixture, CONTROLLER_MEMORY));
  close_groups(fixture);
  put_number(fixture, "memory.memsw.limit_in_bytes", 2 * limits.memory_bytes + CONTAINER_MEMORY_BYTES);
  cgroups_open_contained(&fixture->groups, &fixture->places, &limits);
  assert_false(has(fixture, CONTROLLER_MEMORY));
}

static void put_counters(const struct fixture *fixture, uint64_t memory_peak, uint64_t pids_peak, uint64_t cpu_us,
                         const char *memory_events, const char *pids_events)
{
  put_number(fixture, "memory.peak", memory_peak);
  put_number(fixture, "pids.peak", pids_peak);
  char text[64];
  snprintf(text, sizeof text, "usage_usec %llu\n", (unsigned long long)cpu_us);
  put(fixture, "cpu.stat", text);
  put(fixture, "memory.events", memory_events);
  put(fixture, "pids.events", pids_events);
}

static struct cgroup begin(struct fixture *fixture)
{
  struct cgroup cgroup;
  put_number(fixture, "memory.max", limits.memory_bytes);
  put_number(fixture, "pids.max", limits.processes);
  put_number(fixture, "memory.current", MIB(3));
  put_counters(fixture, MIB(20), 8, 1000000, "oom 1\noom_kill 1\n", "max 4\n");
  open_v2(fixture);
  assert_true(cgroup_create(&cgroup, &fixture->groups, 0));
  return cgroup;
}

static void what_was_counted_before_is_not_the_programs(void **state)
{
  struct fixture *fixture = *state;
  struct cgroup cgroup = begin(fixture);
  struct cgroup_usage usage;
  put_counters(fixture, MIB(30), 9, 61000000, "oom 3\noom_kill 3\n", "max 6\n");
  cgroup_measure(&cgroup, &usage);
  assert_int_equal(usage.memory_peak_bytes, MIB(27));
  assert_int_equal(usage.processes_peak, 9 - CONTAINER_PROCESSES);
  assert_int_equal(usage.oom_kills, 2);
  assert_int_equal(usage.pids_refused, 2);
  assert_in_range(usage.cpu_us, 59000000, 60000000); /* less what this very process has used meanwhile */
  cgroup_release(&cgroup);
}

static void a_peak_that_did_not_grow_is_not_known(void **state)
{
  struct fixture *fixture = *state;
  struct cgroup cgroup = begin(fixture);
  struct cgroup_usage usage;
  cgroup_measure(&cgroup, &usage);
  assert_int_equal(usage.memory_peak_bytes, 0);
  assert_int_equal(usage.processes_peak, 0);
  assert_int_equal(usage.oom_kills, 0);
  cgroup_release(&cgroup);
}

static void what_the_keeper_uses_is_not_the_programs(void **state)
{
  struct fixture *fixture = *state;
  struct cgroup cgroup = begin(fixture);
  struct timespec used;
  do
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  while (used.tv_sec == 0 && used.tv_nsec < 300000000);
  put_counters(fixture, MIB(20), 8, 1100000, "oom_kill 1\n", "max 4\n"); /* less than this loop took */
  assert_int_equal(cgroup_cpu_us(&cgroup), 0);
  cgroup_release(&cgroup);
}

/* As Kubernetes sets it up since 1.28: the keeper dies of the program's hunger, unless it is first. */
static void the_room_until_all_of_it_is_killed_is_known(void **state)
{
  struct fixture *fixture = *state;
  const uint64_t most = limits.memory_bytes + CONTAINER_MEMORY_BYTES;
  struct cgroup cgroup;
  put_number(fixture, "memory.max", most);
  put_number(fixture, "memory.current", MIB(10));
  put_number(fixture, "memory.oom.group", 0);
  open_v2(fixture);
  assert_true(cgroup_create(&cgroup, &fixture->groups, 0));
  assert_true(cgroup_memory_room(&cgroup) == UINT64_MAX);
  cgroup_release(&cgroup);

  put_number(fixture, "memory.oom.group", 1);
  close_groups(fixture);
  open_v2(fixture);
  assert_true(cgroup_create(&cgroup, &fixture->groups, 0));
  assert_int_equal(cgroup_memory_room(&cgroup), most - CONTAINER_MEMORY_BYTES / 2 - MIB(10));
  put_number(fixture, "memory.current", most - 1);
  put(fixture, "memory.stat", "anon 1\ninactive_file 0\nactive_file 0\nslab_reclaimable 0\n");
  assert_int_equal(cgroup_memory_room(&cgroup), 0);
  put(fixture, "memory.stat", "anon 1\ninactive_file 4194304\nactive_file 4194304\nslab_reclaimable 4194304\n");
  assert_true(cgroup_memory_room(&cgroup) >= MIB(4)); /* files that were read are given back */
  cgroup_release(&cgroup);
}

static void nothing_is_made_limited_entered_or_killed(void **state)
{
  struct fixture *fixture = *state;
  struct cgroup cgroup = begin(fixture);
  struct cgroup_doors doors;
  put_number(fixture, "memory.max", 1);
  put(fixture, "cgroup.kill", "");
  put(fixture, "cgroup.events", "populated 1\n");
  assert_true(cgroup_limit(&cgroup, &limits, 0));
  assert_true(cgroup_open_doors(&cgroup, &doors, 0));
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    assert_int_equal(doors.tasks[i], -1);
  assert_int_equal(cgroup_clone_fd(&cgroup), -1);
  cgroup_kill(&cgroup);
  assert_true(cgroup_is_empty(&cgroup)); /* it never is, and nobody waits for that */
  struct stat status;
  assert_int_equal(fstatat(fixture->directory, "cgroup.kill", &status, 0), 0);
  assert_int_equal(status.st_size, 0);
  CLEANUP_BLOB struct blob *limit = file_read(fixture->directory, "memory.max", 100, 0);
  assert_string_equal((char *)limit->data, "1\n");
  cgroup_release(&cgroup);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, fixture_create, fixture_destroy)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_fixture(a_limit_counts_up_to_the_plans_with_room_for_the_keeper),
    with_fixture(no_limit_is_none_and_neither_is_memory_with_swap),
    with_fixture(version_one_limits_memory_and_swap_together),
    with_fixture(what_was_counted_before_is_not_the_programs),
    with_fixture(a_peak_that_did_not_grow_is_not_known),
    with_fixture(what_the_keeper_uses_is_not_the_programs),
    with_fixture(the_room_until_all_of_it_is_killed_is_known),
    with_fixture(nothing_is_made_limited_entered_or_killed),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
