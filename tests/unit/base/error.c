#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void setting_an_error_returns_false(void **state)
{
  (void)state;
  struct error error;
  assert_false(error_set(&error, ERROR_CONFLICT, EEXIST, "key %d is taken", 7));
  assert_int_equal(error.kind, ERROR_CONFLICT);
  assert_int_equal(error.code, EEXIST);
  assert_string_equal(error.message, "key 7 is taken");
}

static void a_system_error_says_what_the_kernel_said(void **state)
{
  (void)state;
  struct error error;
  errno = ENOENT;
  assert_false(error_errno(&error, "cannot open %s", "x"));
  assert_int_equal(error.kind, ERROR_INTERNAL);
  assert_int_equal(error.code, ENOENT);
  assert_string_equal(error.message, "cannot open x: No such file or directory");
}

static void wrapping_puts_the_context_in_front(void **state)
{
  (void)state;
  struct error error;
  error_set(&error, ERROR_NO_SPACE, ENOSPC, "disk full");
  assert_false(error_wrap(&error, "cannot save %s", "output"));
  assert_string_equal(error.message, "cannot save output: disk full");
  assert_int_equal(error.kind, ERROR_NO_SPACE);
  assert_int_equal(error.code, ENOSPC);
}

static void messages_are_cut_off_and_never_overflow(void **state)
{
  (void)state;
  char large[2 * ERROR_MESSAGE_SIZE];
  memset(large, 'a', sizeof large);
  large[sizeof large - 1] = 0;
  struct error error;
  error_set(&error, ERROR_INVALID, 0, "%s", large);
  assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
  errno = EIO;
  error_errno(&error, "%s", large);
  assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
  error_wrap(&error, "%s", "context");
  assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
  assert_memory_equal(error.message, "context: aaa", 12);
  error_wrap(&error, "%s", large);
  assert_int_equal(strlen(error.message), ERROR_MESSAGE_SIZE - 1);
}

static void a_caller_that_wants_no_error_gets_false_all_the_same(void **state)
{
  (void)state;
  assert_false(error_set(0, ERROR_INVALID, 0, "x"));
  assert_false(error_errno(0, "x"));
  assert_false(error_wrap(0, "x"));
}

static void every_kind_has_a_status_and_a_title(void **state)
{
  (void)state;
#define X(name, status, title)                                                                                         \
  assert_int_equal(error_http_status(ERROR_##name), status);                                                           \
  assert_true(status >= 400 && status <= 599);                                                                         \
  assert_string_equal(error_title(ERROR_##name), title);
  ERROR_KINDS(X)
#undef X
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(setting_an_error_returns_false),
    cmocka_unit_test(a_system_error_says_what_the_kernel_said),
    cmocka_unit_test(wrapping_puts_the_context_in_front),
    cmocka_unit_test(messages_are_cut_off_and_never_overflow),
    cmocka_unit_test(a_caller_that_wants_no_error_gets_false_all_the_same),
    cmocka_unit_test(every_kind_has_a_status_and_a_title),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
