/* The state directory: made private, and had by one daemon at a time. */

#include "support.h"

#include "base/fd.h"
#include "store/state_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
  *state = directory_make();
  return 0;
}

static int tear_down(void **state)
{
  directory_remove(*state);
  free(*state);
  return 0;
}

static void a_new_one_is_made_with_its_parents_for_the_owner_alone(void **state)
{
  static const char *const made[] = {"a", "a/b", "a/b/evidence", "a/b/outputs", "a/b/native"};
  CLEANUP_FREE char *path = path_in(*state, "a/b/");
  mode_t before = umask(0);
  CLEANUP_FD int lock = state_dir_open(path, 0);
  umask(before);
  assert_true(lock >= 0);
  assert_int_equal(fcntl(lock, F_GETFD), FD_CLOEXEC);
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
    CLEANUP_FREE char *directory = path_in(*state, made[i]);
    struct stat status;
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | 0700);
  }
}

static void a_second_one_is_refused_with_the_path_and_the_pid_of_the_first(void **state)
{
  const char *path = *state;
  struct error error = {0};
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t first = fork();
  if (first == 0) {
    char byte = state_dir_open(path, 0) >= 0;
    if (write(ready[1], &byte, 1) == 1)
      pause();
    _exit(0);
  }
  char taken;
  assert_int_equal(read(ready[0], &taken, 1), 1);
  assert_int_equal(taken, 1);
  assert_int_equal(state_dir_open(path, &error), -1);
  CLEANUP_FREE char *pid = xasprintf("(pid %ld)", (long)first);
  assert_non_null(strstr(error.message, path));
  assert_non_null(strstr(error.message, pid));

  kill(first, SIGKILL); /* and its death gives the directory up */
  waitpid(first, 0, 0);
  CLEANUP_FD int lock = state_dir_open(path, &error);
  assert_true(lock >= 0);
  close(ready[0]), close(ready[1]);
}

static void closing_the_lock_gives_the_directory_up(void **state)
{
  const char *path = *state;
  int first = state_dir_open(path, 0);
  assert_int_equal(state_dir_open(path, 0), -1);
  close(first);
  CLEANUP_FD int second = state_dir_open(path, 0);
  assert_true(second >= 0);
}

static void what_a_killed_daemon_was_starting_is_waited_for(void **state)
{
  const char *path = *state;
  int first = state_dir_open(path, 0);
  pid_t child = fork();
  if (child == 0) {
    usleep(300000);
    _exit(0);
  }
  close(first);
  CLEANUP_FD int second = state_dir_open(path, 0);
  assert_true(second >= 0);
  assert_int_equal(waitpid(child, 0, 0), child);
}

static void one_that_others_may_write_to_is_refused(void **state)
{
  const char *path = *state;
  struct error error = {0};
  chmod(path, 0770);
  assert_int_equal(state_dir_open(path, &error), -1);
  assert_non_null(strstr(error.message, "chmod 700"));
}

static void a_file_in_its_place_is_refused(void **state)
{
  CLEANUP_FREE char *path = path_in(*state, "file");
  CLEANUP_FD int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  struct error error = {0};
  assert_int_equal(state_dir_open(path, &error), -1);
  assert_non_null(strstr(error.message, path));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_new_one_is_made_with_its_parents_for_the_owner_alone, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_second_one_is_refused_with_the_path_and_the_pid_of_the_first, set_up, tear_down),
    cmocka_unit_test_setup_teardown(closing_the_lock_gives_the_directory_up, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_a_killed_daemon_was_starting_is_waited_for, set_up, tear_down),
    cmocka_unit_test_setup_teardown(one_that_others_may_write_to_is_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_file_in_its_place_is_refused, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
