#include "cli/outcome.h"

#include "cli/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int status_of(const char *verdict)
{
  json_t *evaluation = json_pack("{s:o}", "verdict", json_loads(verdict, 0, 0));
  assert_non_null(evaluation);
  int status = outcome_status(evaluation);
  json_decref(evaluation);
  return status;
}

static void a_programs_exit_code_is_ours(void **state)
{
  (void)state;
  assert_int_equal(status_of("{\"kind\": \"completed\", \"exit_code\": 0, \"signal\": null}"), 0);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": 3, \"signal\": null}"), 3);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": 255}"), 255);
}

static void a_programs_signal_is_128_and_its_number(void **state)
{
  (void)state;
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": null, \"signal\": \"SIGSEGV\"}"), 139);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": null, \"signal\": \"SIGKILL\"}"), 137);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": null, \"signal\": \"SIG35\"}"), 163);
}

static void a_verdict_of_ours_has_a_status_of_its_own(void **state)
{
  (void)state;
  /* The exit code of what was killed says nothing then. */
  assert_int_equal(status_of("{\"kind\": \"timed_out\", \"signal\": \"SIGKILL\"}"), 124);
  assert_int_equal(status_of("{\"kind\": \"out_of_memory\", \"exit_code\": 1}"), 137);
  assert_int_equal(status_of("{\"kind\": \"output_exceeded\", \"signal\": \"SIGKILL\"}"), 153);
  assert_int_equal(status_of("{\"kind\": \"cancelled\", \"signal\": \"SIGKILL\"}"), 125);
  assert_int_equal(status_of("{\"kind\": \"not_started\"}"), 125);
  assert_int_equal(status_of("{\"kind\": \"lost\"}"), 125);
}

static void nonsense_is_never_success(void **state)
{
  (void)state;
  assert_int_equal(status_of("{}"), 125);
  assert_int_equal(status_of("{\"kind\": \"splendid\", \"exit_code\": 0}"), 125);
  assert_int_equal(status_of("{\"kind\": \"completed\"}"), 125);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": 256}"), 125);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"exit_code\": \"0\"}"), 125);
  assert_int_equal(status_of("{\"kind\": \"failed\", \"signal\": \"SIGNONSENSE\"}"), 125);
}

static void expect_shown(show_function *show, json_t *value, const char *expected)
{
  char *text = show(value);
  assert_string_equal(text, expected);
  free(text);
  json_decref(value);
}

static void values_are_shown_with_units_that_a_person_reads(void **state)
{
  (void)state;
  expect_shown(show_duration, json_integer(12), "12 ms");
  expect_shown(show_duration, json_integer(61005), "61.005 s");
  expect_shown(show_size, json_integer(1023), "1023 B");
  expect_shown(show_size, json_integer(9 << 20), "9.0 MiB");
  expect_shown(show_plain, json_integer(-3), "-3");
  expect_shown(show_pairs, json_pack("{s:s, s:s}", "run", "42", "set", "b"), "run=42 set=b");
}

static void what_is_not_there_is_shown_as_nothing(void **state)
{
  (void)state;
  expect_shown(show_plain, 0, "");
  expect_shown(show_duration, json_null(), "");
  expect_shown(show_size, 0, "");
  expect_shown(show_pairs, json_object(), "");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_programs_exit_code_is_ours),
    cmocka_unit_test(a_programs_signal_is_128_and_its_number),
    cmocka_unit_test(a_verdict_of_ours_has_a_status_of_its_own),
    cmocka_unit_test(nonsense_is_never_success),
    cmocka_unit_test(values_are_shown_with_units_that_a_person_reads),
    cmocka_unit_test(what_is_not_there_is_shown_as_nothing),
  };
  return cmocka_run_group_tests_name("cli/outcome", tests, 0, 0);
}
