#include "keeper/stall.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t waited_us_by(const char *text)
{
  char path[] = "/tmp/assay-stall-XXXXXX";
  assert_non_null(mkdtemp(path));
  CLEANUP_FD int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal(mkdirat(proc, "self", 0700), 0);
  CLEANUP_FD int file = openat(proc, "self/schedstat", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(file >= 0 && fd_write_all(file, text, strlen(text)));
  const uint64_t waited_us = stall_waited_us(proc);
  assert_int_equal(unlinkat(proc, "self/schedstat", 0) | unlinkat(proc, "self", AT_REMOVEDIR) | rmdir(path), 0);
  return waited_us;
}

static void the_second_number_is_the_time_waited(void **state)
{
  (void)state;
  assert_int_equal(waited_us_by("9000000 5400000 17\n"), 5400);
  assert_int_equal(waited_us_by("0 1999 1\n"), 1);
}

static void where_nothing_is_told_nobody_waited(void **state)
{
  (void)state;
  assert_int_equal(stall_waited_us(-1), 0);
  assert_int_equal(waited_us_by(""), 0);
  assert_int_equal(waited_us_by("12"), 0);
  assert_int_equal(waited_us_by("1 much 2\n"), 0);
}

static void what_was_not_waited_for_was_a_stall_if_it_was_long(void **state)
{
  (void)state;
  assert_false(stall_was_one(1900000, 0));
  assert_true(stall_was_one(2100000, 0));
  assert_false(stall_was_one(2100000, 200000));
  assert_true(stall_was_one(9000000, 200000));
  assert_false(stall_was_one(9000000, 20000000)); /* it waited before, too */
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_second_number_is_the_time_waited),
    cmocka_unit_test(where_nothing_is_told_nobody_waited),
    cmocka_unit_test(what_was_not_waited_for_was_a_stall_if_it_was_long),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
