#include "cli/language.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_runtime(const char *path, const char *code, const char *expected)
{
  char *runtime = language_guess(path, code, strlen(code));
  if (expected && runtime)
    assert_string_equal(runtime, expected);
  else
    assert_ptr_equal(runtime, expected);
  free(runtime);
}

static void the_ending_tells_the_runtime(void **state)
{
  (void)state;
  expect_runtime("main.py", "", "python");
  expect_runtime("/some.where/x.cpp", "", "c++");
  expect_runtime("a.b.c", "", "c");
  expect_runtime("x.sh", "echo", "sh");
}

static void the_interpreter_line_comes_before_the_ending(void **state)
{
  (void)state;
  expect_runtime("x.sh", "#!/bin/bash\n", "bash");
  expect_runtime("tool", "#!/usr/bin/env python3\nprint()\n", "python");
  expect_runtime("tool", "#! /usr/bin/env -S python3.11 -u\r\n", "python");
  expect_runtime("tool", "#!/usr/bin/lua5.4", "lua");
  expect_runtime("tool", "#!/bin/dash\n", "sh");
}

static void a_language_unknown_here_is_passed_on(void **state)
{
  (void)state;
  expect_runtime("x.zig", "", "zig");
}

static void where_nothing_tells_there_is_no_guess(void **state)
{
  (void)state;
  expect_runtime("Makefile", "all:\n", 0);
  expect_runtime("dir.py/Makefile", "", 0);
  expect_runtime(".py", "", 0);
  expect_runtime("x.", "", 0);
  expect_runtime("x", "#!", 0);
  expect_runtime("x", "#!/usr/bin/env\n", 0);
  expect_runtime("x", "#", 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_ending_tells_the_runtime),
    cmocka_unit_test(the_interpreter_line_comes_before_the_ending),
    cmocka_unit_test(a_language_unknown_here_is_passed_on),
    cmocka_unit_test(where_nothing_tells_there_is_no_guess),
  };
  return cmocka_run_group_tests_name("cli/language", tests, 0, 0);
}
