/* The attempt's directory, with the test itself, or a child of it, as the keeper that listens there. */

#include "backend/docker/attempt.h"

#include "backend/directory.h"
#include "base/fd.h"
#include "wire/control.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct site {
  char path[300]; /* longer than a socket's address has room for */
  int attempts_fd;
  struct name name;
};

static int set_up(void **state)
{
  struct site *site = xcalloc(1, sizeof *site);
  char root[] = "/tmp/assay-attempts-XXXXXX";
  assert_non_null(mkdtemp(root));
  snprintf(site->path, sizeof site->path, "%s/%0150d", root, 0);
  assert_int_equal(mkdir(site->path, 0700), 0);
  site->attempts_fd = open(site->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(site->attempts_fd >= 0);
  site->name = name_make("20261122_195800_0123abcd", 1);
  *state = site;
  return 0;
}

static int tear_down(void **state)
{
  struct site *site = *state;
  directory_remove(site->attempts_fd, site->name.text, DIRECTORY_OF_FILES);
  fd_close(site->attempts_fd);
  rmdir(site->path);
  *strrchr(site->path, '/') = 0;
  assert_int_equal(rmdir(site->path), 0);
  free(site);
  return 0;
}

static void make(struct site *site, const char *plan)
{
  CLEANUP_BLOB struct blob *bytes = blob_create(plan, strlen(plan));
  struct error error;
  assert_true(attempt_make(site->attempts_fd, site->name, bytes, &error));
}

static struct blob *read_back(const struct site *site, const char *file)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", site->name.text, file);
  return file_read(site->attempts_fd, path, 4096, 0);
}

static void put(const struct site *site, const char *file, const void *data, size_t size)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", site->name.text, file);
  CLEANUP_FD int fd = openat(site->attempts_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && fd_write_all(fd, data, size));
}

static int listen_as_keeper(const struct site *site)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", site->path, site->name.text);
  CLEANUP_FD int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" ATTEMPT_CONTROL, directory);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 1), 0);
  return fd;
}

static enum keeper_life keeper(const struct site *site)
{
  int pidfd;
  enum keeper_life life = attempt_keeper(site->attempts_fd, site->name, &pidfd);
  fd_close(pidfd);
  return life;
}

static void making_puts_the_plan_there_for_nobody_else(void **state)
{
  struct site *site = *state;
  make(site, "a plan");
  CLEANUP_BLOB struct blob *plan = read_back(site, ATTEMPT_PLAN);
  assert_non_null(plan);
  assert_string_equal((char *)plan->data, "a plan");
  struct stat status;
  assert_int_equal(fstatat(site->attempts_fd, site->name.text, &status, 0), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
}

static void making_it_again_keeps_what_is_there(void **state)
{
  struct site *site = *state;
  make(site, "a plan");
  put(site, "start", "marker", 6);
  make(site, "a plan");
  CLEANUP_BLOB struct blob *start = read_back(site, "start");
  assert_non_null(start);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
  struct site *site = *state;
  CLEANUP_BLOB struct blob *plan = blob_create("x", 1);
  struct error error;
  assert_int_equal(symlinkat("/tmp", site->attempts_fd, site->name.text), 0);
  assert_false(attempt_make(site->attempts_fd, site->name, plan, &error));
  assert_int_equal(keeper(site), KEEPER_UNKNOWN);
  assert_int_equal(unlinkat(site->attempts_fd, site->name.text, 0), 0);
}

static void a_revoked_plan_is_gone_until_it_is_made_again(void **state)
{
  struct site *site = *state;
  attempt_revoke(site->attempts_fd, site->name); /* nothing there: nothing happens */
  make(site, "a plan");
  attempt_revoke(site->attempts_fd, site->name);
  CLEANUP_BLOB struct blob *gone = read_back(site, ATTEMPT_PLAN);
  assert_null(gone);
  make(site, "a plan");
  CLEANUP_BLOB struct blob *again = read_back(site, ATTEMPT_PLAN);
  assert_non_null(again);
}

static void a_keeper_is_unseen_alive_and_dead(void **state)
{
  struct site *site = *state;
  assert_int_equal(keeper(site), KEEPER_UNSEEN); /* no directory */
  make(site, "a plan");
  assert_int_equal(keeper(site), KEEPER_UNSEEN); /* no socket */
  int listener = listen_as_keeper(site);
  assert_int_equal(keeper(site), KEEPER_ALIVE);
  fd_close(listener);
  assert_int_equal(keeper(site), KEEPER_DEAD);
}

static void a_keeper_that_takes_no_more_connections_is_alive(void **state)
{
  struct site *site = *state;
  make(site, "a plan");
  CLEANUP_FD int listener = listen_as_keeper(site);
  for (int i = 0; i < 10; i++)
    assert_int_equal(keeper(site), KEEPER_ALIVE);
}

static void what_cannot_be_a_socket_says_nothing(void **state)
{
  struct site *site = *state;
  make(site, "a plan");
  CLEANUP_FREE char *path = xasprintf("%s/%s", site->name.text, ATTEMPT_CONTROL);
  assert_int_equal(mkdirat(site->attempts_fd, path, 0700), 0);
  enum keeper_life life = keeper(site);
  assert_true(life == KEEPER_UNKNOWN || life == KEEPER_DEAD); /* connect(2) says ECONNREFUSED of what is no socket */
  assert_int_equal(unlinkat(site->attempts_fd, path, AT_REMOVEDIR), 0);
}

static void a_kill_reaches_the_keeper_with_its_reason(void **state)
{
  struct site *site = *state;
  make(site, "a plan");
  CLEANUP_FD int listener = listen_as_keeper(site);
  attempt_kill(site->attempts_fd, site->name, KILLED_CANCELLED);
  CLEANUP_FD int connection = accept4(listener, 0, 0, SOCK_CLOEXEC); /* only now: the sender has closed its end */
  struct control_message message;
  int fd;
  assert_int_equal(control_receive(connection, &message, &fd), 1);
  assert_int_equal(message.type, CONTROL_KILL);
  assert_int_equal(message.value, KILLED_CANCELLED);
  assert_string_equal(message.name.text, site->name.text);
}

static void a_kill_of_nobody_does_nothing(void **state)
{
  struct site *site = *state;
  attempt_kill(site->attempts_fd, site->name, KILLED_CANCELLED);
  make(site, "a plan");
  fd_close(listen_as_keeper(site));
  attempt_kill(site->attempts_fd, site->name, KILLED_CANCELLED);
  assert_int_equal(keeper(site), KEEPER_DEAD);
}

/* Another process. */
static pid_t begin_keeper(const struct site *site)
{
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (!child) {
    (void)listen_as_keeper(site);
    (void)!write(ready[1], "r", 1);
    for (;;)
      pause();
  }
  char byte;
  assert_int_equal(read(ready[0], &byte, 1), 1);
  fd_close(ready[0]);
  fd_close(ready[1]);
  return child;
}

static void the_keepers_process_is_found(void **state)
{
  struct site *site = *state;
  make(site, "a plan");
  pid_t child = begin_keeper(site);
  int found;
  assert_int_equal(attempt_keeper(site->attempts_fd, site->name, &found), KEEPER_ALIVE);
  CLEANUP_FD int pidfd = found;
  assert_true(pidfd >= 0);
  assert_int_equal(pidfd_send_signal(pidfd, SIGKILL, 0, 0), 0);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  assert_int_equal(attempt_keeper(site->attempts_fd, site->name, &found), KEEPER_DEAD);
  assert_int_equal(found, -1);
}

static void the_keepers_words_are_made_fit_for_a_line(void **state)
{
  struct site *site = *state;
  char text[REASON_SIZE] = "x";
  attempt_failure(site->attempts_fd, site->name, text);
  assert_string_equal(text, "");
  make(site, "a plan");
  attempt_failure(site->attempts_fd, site->name, text);
  assert_string_equal(text, "");
  static const char words[] = "no\nsuch\x1b thing\n";
  put(site, ATTEMPT_FAILURE, words, sizeof words - 1);
  attempt_failure(site->attempts_fd, site->name, text);
  assert_string_equal(text, "no such  thing");
  char many[2 * REASON_SIZE];
  memset(many, 'a', sizeof many);
  put(site, ATTEMPT_FAILURE, many, sizeof many);
  attempt_failure(site->attempts_fd, site->name, text);
  assert_int_equal(strlen(text), REASON_SIZE - 1);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(making_puts_the_plan_there_for_nobody_else),
    TEST(making_it_again_keeps_what_is_there),
    TEST(a_link_in_its_place_is_not_followed),
    TEST(a_revoked_plan_is_gone_until_it_is_made_again),
    TEST(a_keeper_is_unseen_alive_and_dead),
    TEST(a_keeper_that_takes_no_more_connections_is_alive),
    TEST(what_cannot_be_a_socket_says_nothing),
    TEST(a_kill_reaches_the_keeper_with_its_reason),
    TEST(a_kill_of_nobody_does_nothing),
    TEST(the_keepers_process_is_found),
    TEST(the_keepers_words_are_made_fit_for_a_line),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
