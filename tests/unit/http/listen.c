/* Addresses and listening sockets. */

#include "base/fd.h"
#include "http/server_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/assay-listen-XXXXXX";
static char socket_path[64], socket_address[80];

static int enter_directory(void **state)
{
  (void)state;
  if (!mkdtemp(directory))
    return -1;
  snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
  snprintf(socket_address, sizeof socket_address, "unix:%s", socket_path);
  return 0;
}

static int leave_directory(void **state)
{
  (void)state;
  unlink(socket_path);
  return rmdir(directory);
}

static int remove_socket(void **state)
{
  (void)state;
  unlink(socket_path);
  return 0;
}

static int connect_to_socket(void)
{
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  snprintf(path.sun_path, sizeof path.sun_path, "%s", socket_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&path, sizeof path) == 0)
    return fd;
  fd_close(fd);
  return -1;
}

static void port_0_reports_the_real_one(void **state)
{
  (void)state;
  static const char *const addresses[] = {"127.0.0.1:0", "localhost:0"};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    struct listening listening;
    char name[256], end;
    unsigned port = 0;
    assert_true(listening_open(&listening, addresses[i], 0600, name, 0));
    assert_int_equal(sscanf(name, "127.0.0.1:%u%c", &port, &end), 1);
    assert_true(port > 0);
    listening_close(&listening);
  }
}

static void a_v6_address_stands_in_brackets(void **state)
{
  (void)state;
  struct listening listening;
  struct error error;
  char name[256];
  unsigned port = 0;
  if (!listening_open(&listening, "[::1]:0", 0600, name, &error)) {
    if (error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT)
      skip(); /* a host without IPv6 */
    fail_msg("%s", error.message);
  }
  assert_int_equal(sscanf(name, "[::1]:%u", &port), 1);
  assert_true(port > 0);
  listening_close(&listening);
}

static void a_malformed_address_is_refused(void **state)
{
  (void)state;
  static const char *const addresses[] = {
    "",         "127.0.0.1",       ":80",         "127.0.0.1:",    "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http",
    "::1:7117", "[::1:7117",       "[]:1",        "[127.0.0.1]:1", "example.org:80",  "1.2.3.4.5:1",  "unix:",
    "[::1]",    "127.0.0.1:7117 ", "256.0.0.1:1",
  };
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    struct listening listening;
    struct error error;
    char name[256];
    if (listening_open(&listening, addresses[i], 0600, name, &error))
      fail_msg("%s was taken for an address", addresses[i]);
    assert_int_equal(error.kind, ERROR_INVALID);
  }
}

static void an_address_in_use_is_an_error_that_names_it(void **state)
{
  (void)state;
  struct listening first, second;
  struct error error;
  char name[256], other[256];
  assert_true(listening_open(&first, "127.0.0.1:0", 0600, name, 0));
  assert_false(listening_open(&second, name, 0600, other, &error));
  assert_int_equal(error.code, EADDRINUSE);
  assert_non_null(strstr(error.message, name));
  listening_close(&first);
}

static void a_unix_socket_belongs_to_its_user_alone(void **state)
{
  (void)state;
  struct listening listening;
  char name[256];
  mode_t before = umask(0);
  assert_true(listening_open(&listening, socket_address, 0600, name, 0));
  umask(before);
  assert_string_equal(name, socket_address);
  struct stat status;
  assert_return_code(lstat(socket_path, &status), errno);
  assert_int_equal(status.st_mode, S_IFSOCK | 0600);
  listening_close(&listening);
  assert_int_equal(lstat(socket_path, &status), -1);
}

static void whom_the_mode_lets_in_may_connect_whatever_the_umask(void **state)
{
  (void)state;
  struct listening listening;
  char name[256];
  mode_t before = umask(0077);
  assert_true(listening_open(&listening, socket_address, 0660, name, 0));
  umask(before);
  struct stat status;
  assert_return_code(lstat(socket_path, &status), errno);
  assert_int_equal(status.st_mode, S_IFSOCK | 0660);
  listening_close(&listening);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
  (void)state;
  struct listening stale, fresh;
  char name[256];
  assert_true(listening_open(&stale, socket_address, 0600, name, 0));
  close(stale.fd); /* as a kill -9 does: the file stays */
  assert_true(listening_open(&fresh, socket_address, 0600, name, 0));
  int client = connect_to_socket();
  assert_true(client >= 0);
  close(client);
  listening_close(&fresh);
}

static void a_live_unix_socket_is_left_alone(void **state)
{
  (void)state;
  struct listening live, second;
  struct error error;
  char name[256];
  assert_true(listening_open(&live, socket_address, 0600, name, 0));
  assert_false(listening_open(&second, socket_address, 0600, name, &error));
  assert_int_equal(error.kind, ERROR_CONFLICT);
  int client = connect_to_socket();
  assert_true(client >= 0);
  close(client);
  listening_close(&live);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
  (void)state;
  int file = open(socket_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  close(file);
  struct listening listening;
  struct error error;
  char name[256];
  assert_false(listening_open(&listening, socket_address, 0600, name, &error));
  assert_int_equal(error.kind, ERROR_CONFLICT);
  struct stat status;
  assert_return_code(lstat(socket_path, &status), errno);
  assert_true(S_ISREG(status.st_mode));
}

static void the_socket_of_a_successor_is_not_removed(void **state)
{
  (void)state;
  struct listening first, successor;
  char name[256];
  assert_true(listening_open(&first, socket_address, 0600, name, 0));
  unlink(socket_path);
  assert_true(listening_open(&successor, socket_address, 0600, name, 0));
  listening_close(&first);
  int client = connect_to_socket();
  assert_true(client >= 0);
  close(client);
  listening_close(&successor);
}

static void a_path_too_long_says_how_long_it_may_be(void **state)
{
  (void)state;
  char address[200] = "unix:";
  memset(address + 5, 'x', 150);
  struct listening listening;
  struct error error;
  char name[256];
  assert_false(listening_open(&listening, address, 0600, name, &error));
  assert_int_equal(error.code, ENAMETOOLONG);
  assert_non_null(strstr(error.message, "150"));
  assert_non_null(strstr(error.message, "107"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(port_0_reports_the_real_one),
    cmocka_unit_test(a_v6_address_stands_in_brackets),
    cmocka_unit_test(a_malformed_address_is_refused),
    cmocka_unit_test(an_address_in_use_is_an_error_that_names_it),
    cmocka_unit_test_teardown(a_unix_socket_belongs_to_its_user_alone, remove_socket),
    cmocka_unit_test_teardown(whom_the_mode_lets_in_may_connect_whatever_the_umask, remove_socket),
    cmocka_unit_test_teardown(a_stale_unix_socket_is_replaced, remove_socket),
    cmocka_unit_test_teardown(a_live_unix_socket_is_left_alone, remove_socket),
    cmocka_unit_test_teardown(a_file_that_is_no_socket_is_left_alone, remove_socket),
    cmocka_unit_test_teardown(the_socket_of_a_successor_is_not_removed, remove_socket),
    cmocka_unit_test(a_path_too_long_says_how_long_it_may_be),
  };
  return cmocka_run_group_tests_name("http/listen", tests, enter_directory, leave_directory);
}
