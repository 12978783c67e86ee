#include "backend/native/tree.h"

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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct cgroup_layout no_cgroups;

static uint64_t boot_id_hash(void)
{
  CLEANUP_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
  char text[64];
  ssize_t got = read(fd, text, sizeof text);
  assert_true(got > 0);
  return digest_bytes(text, (size_t)got);
}

static uint64_t start_ticks(pid_t pid)
{
  char path[64], text[1024] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  CLEANUP_FD int fd = open(path, O_RDONLY);
  assert_true(read(fd, text, sizeof text - 1) > 0);
  char *field = strrchr(text, ')');
  for (int i = 2; i < 22; i++)
    field = strchr(field + 1, ' ');
  return strtoull(field, 0, 10);
}

/* A child that waits to be killed, and the marker of it. Its name has a blank and a parenthesis in it. */
static struct start_marker start_child(void)
{
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    CLEANUP_FD int comm = open("/proc/self/comm", O_WRONLY);
    (void)!write(comm, "a ) b", 5);
    (void)!write(ready[1], "", 1);
    for (;;)
      pause();
  }
  char byte;
  assert_int_equal(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  return (struct start_marker){
    .boot_id_hash = boot_id_hash(), .init_pid = (uint64_t)child, .init_start_ticks = start_ticks(child)};
}

static void a_living_first_process_is_alive_until_it_is_killed(void **state)
{
  (void)state;
  struct start_marker marker = start_child();
  assert_int_equal(tree_life(&no_cgroups, &marker), LIFE_ALIVE);
  tree_kill(&no_cgroups, &marker, -1);
  for (int i = 0; i < 1000 && tree_life(&no_cgroups, &marker) != LIFE_GONE; i++)
    usleep(1000);
  assert_int_equal(tree_life(&no_cgroups, &marker), LIFE_GONE); /* though it is a zombie still */
  int status;
  assert_int_equal(waitpid((pid_t)marker.init_pid, &status, 0), (pid_t)marker.init_pid);
  assert_int_equal(WTERMSIG(status), SIGKILL);
  assert_int_equal(tree_life(&no_cgroups, &marker), LIFE_GONE);
}

static void out_of_descriptors_nothing_is_called_gone(void **state)
{
  (void)state;
  struct start_marker marker = start_child();
  struct rlimit before;
  int free_fd = dup(STDIN_FILENO);
  close(free_fd);
  getrlimit(RLIMIT_NOFILE, &before);
  for (int left = 0; left <= 1; left++) { /* none, and one, which is taken when the process is looked at */
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = (rlim_t)(free_fd + left), .rlim_max = before.rlim_max});
    enum life life = tree_life(&no_cgroups, &marker);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(life, LIFE_UNKNOWN);
  }
  tree_kill(&no_cgroups, &marker, -1);
  assert_int_equal(waitpid((pid_t)marker.init_pid, 0, 0), (pid_t)marker.init_pid);
}

static void another_process_with_the_same_pid_is_neither_alive_nor_killed(void **state)
{
  (void)state;
  struct start_marker marker = start_child();
  struct start_marker earlier = marker;
  earlier.init_start_ticks--;
  assert_int_equal(tree_life(&no_cgroups, &earlier), LIFE_GONE);
  tree_kill(&no_cgroups, &earlier, -1);
  usleep(10000);
  assert_int_equal(tree_life(&no_cgroups, &marker), LIFE_ALIVE);
  tree_kill(&no_cgroups, &marker, -1);
  waitpid((pid_t)marker.init_pid, 0, 0);
}

static void a_process_of_another_boot_is_gone(void **state)
{
  (void)state;
  struct start_marker marker = {
    .boot_id_hash = boot_id_hash() + 1, .init_pid = (uint64_t)getpid(), .init_start_ticks = start_ticks(getpid())};
  assert_true(marker_of_another_boot(&marker));
  assert_int_equal(tree_life(&no_cgroups, &marker), LIFE_GONE);
}

static void without_a_marker_nothing_is_alive(void **state)
{
  (void)state;
  assert_int_equal(tree_life(&no_cgroups, 0), LIFE_GONE);
}

/* The first process is dead, and speaks for nothing; what is in the leaf that the marker names does. */
static void a_populated_cgroup_is_alive_until_it_is_killed(void **state)
{
  (void)state;
  struct cgroup_layout cgroups;
  char path[1024], pid[16];
  cgroup_detect("unit-test", NULL, &cgroups);
  if (!cgroups.v2_kill) {
    cgroup_release(&cgroups);
    skip();
  }
  const struct start_marker child = start_child();
  const struct start_marker marker = {.boot_id_hash = boot_id_hash(),
                                      .init_pid = child.init_pid,
                                      .init_start_ticks = child.init_start_ticks + 1,
                                      .cgroup = "slot-0.1"};
  snprintf(path, sizeof path, "%s/%s", cgroups.v2, marker.cgroup);
  assert_true(mkdir(path, 0755) == 0);
  assert_int_equal(tree_life(&cgroups, &marker), LIFE_GONE);
  snprintf(pid, sizeof pid, "%d", (int)child.init_pid);
  CLEANUP_FD int directory = open(path, O_RDONLY | O_DIRECTORY);
  assert_int_equal(file_write_once(directory, "cgroup.procs", pid), 0);
  assert_int_equal(tree_life(&cgroups, &marker), LIFE_ALIVE);
  tree_kill(&cgroups, &marker, -1);
  waitpid((pid_t)child.init_pid, 0, 0);
  assert_int_equal(tree_life(&cgroups, &marker), LIFE_GONE);
  assert_int_equal(rmdir(path), 0);
  cgroup_release(&cgroups);
  assert_int_equal(access(cgroups.v2, F_OK), -1);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_living_first_process_is_alive_until_it_is_killed),
    cmocka_unit_test(another_process_with_the_same_pid_is_neither_alive_nor_killed),
    cmocka_unit_test(out_of_descriptors_nothing_is_called_gone),
    cmocka_unit_test(a_process_of_another_boot_is_gone),
    cmocka_unit_test(without_a_marker_nothing_is_alive),
    cmocka_unit_test(a_populated_cgroup_is_alive_until_it_is_killed),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
