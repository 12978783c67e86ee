#include "keeper/connection.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const char name[] = "assay-20261122_195800_0123abcd-1";

struct fixture {
  char path[64];
  int directory;
  struct connection keeper;
};

static int fixture_create(void **state)
{
  struct fixture *fixture = calloc(1, sizeof *fixture);
  strcpy(fixture->path, "/tmp/assay-connection-XXXXXX");
  if (!mkdtemp(fixture->path))
    return -1;
  fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fixture->keeper = CONNECTION_NONE;
  *state = fixture;
  return connection_listen(&fixture->keeper, fixture->directory, "socket", 0) ? 0 : -1;
}

static int fixture_destroy(void **state)
{
  struct fixture *fixture = *state;
  connection_hang_up(&fixture->keeper);
  fd_close(fixture->keeper.listener);
  unlinkat(fixture->directory, "socket", 0);
  fd_close(fixture->directory);
  int result = rmdir(fixture->path);
  free(fixture);
  return result;
}

static int call(const struct fixture *fixture)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", fixture->path);
  int socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(socket_fd, (struct sockaddr *)&address, sizeof address), 0);
  return socket_fd;
}

static bool is_hung_up(int caller)
{
  char byte;
  return recv(caller, &byte, 1, MSG_DONTWAIT) == 0;
}

static void say(int caller, enum control_type type)
{
  const struct control_message message = control_make(type, name);
  assert_int_equal(control_send(caller, &message, -1), 0);
}

static void the_newest_caller_counts(void **state)
{
  struct fixture *fixture = *state;
  struct control_message message;
  int fd;
  CLEANUP_FD int first = call(fixture), second = call(fixture);
  assert_false(connection_receive(&fixture->keeper, &message, &fd));
  assert_true(connection_accept(&fixture->keeper));
  assert_false(is_hung_up(first));
  assert_true(connection_accept(&fixture->keeper));
  assert_true(is_hung_up(first));
  assert_false(is_hung_up(second));
  assert_false(connection_accept(&fixture->keeper)); /* nobody else is there, and the caller stays */
  say(second, CONTROL_REMOVE);
  assert_true(connection_receive(&fixture->keeper, &message, &fd));
  assert_int_equal(message.type, CONTROL_REMOVE);
  assert_int_equal(fd, -1);
}

static void nonsense_and_an_end_hang_up(void **state)
{
  struct fixture *fixture = *state;
  struct control_message message;
  int fd;
  CLEANUP_FD int caller = call(fixture);
  assert_true(connection_accept(&fixture->keeper));
  assert_int_equal(send(caller, "nonsense", 8, 0), 8);
  assert_false(connection_receive(&fixture->keeper, &message, &fd));
  assert_true(is_hung_up(caller));
  assert_int_equal(fixture->keeper.socket, -1);
  int other = call(fixture);
  assert_true(connection_accept(&fixture->keeper));
  assert_false(connection_receive(&fixture->keeper, &message, &fd));
  assert_true(fixture->keeper.socket >= 0); /* merely silent */
  close(other);
  assert_false(connection_receive(&fixture->keeper, &message, &fd));
  assert_int_equal(fixture->keeper.socket, -1);
}

static void who_has_gone_is_not_spoken_to(void **state)
{
  struct fixture *fixture = *state;
  const struct control_message idle = control_make(CONTROL_IDLE, 0);
  connection_send(&fixture->keeper, &idle, -1);
  int caller = call(fixture);
  assert_true(connection_accept(&fixture->keeper));
  close(caller);
  connection_send(&fixture->keeper, &idle, -1);
  assert_int_equal(fixture->keeper.socket, -1);
}

static void what_an_earlier_keeper_left_is_replaced(void **state)
{
  struct fixture *fixture = *state;
  struct connection next = CONNECTION_NONE;
  assert_true(connection_listen(&next, fixture->directory, "socket", 0));
  CLEANUP_FD int caller = call(fixture);
  assert_true(connection_accept(&next));
  assert_false(is_hung_up(caller));
  assert_false(connection_accept(&fixture->keeper));
  connection_hang_up(&next);
  fd_close(next.listener);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, fixture_create, fixture_destroy)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_fixture(the_newest_caller_counts),
    with_fixture(nonsense_and_an_end_hang_up),
    with_fixture(who_has_gone_is_not_spoken_to),
    with_fixture(what_an_earlier_keeper_left_is_replaced),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
