#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { GROUPS_RUN = GROUP_COMMON | GROUP_SUBMISSION };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void parse(const char *const *arguments, unsigned groups, bool program_follows, struct options *ret)
{
  struct error error = {0};
  if (!options_parse(arguments, groups, program_follows, ret, &error))
    fail_msg("%s", error.message);
}

static void expect_refusal(const char *const *arguments, unsigned groups, const char *message)
{
  CLEANUP_OPTIONS struct options options = {0};
  struct error error = {0};
  assert_false(options_parse(arguments, groups, false, &options, &error));
  assert_string_equal(error.message, message);
}

static void a_value_follows_as_a_word_or_behind_an_equals_sign(void **state)
{
  (void)state;
  CLEANUP_OPTIONS struct options options = {0};
  parse(ARGUMENTS("--runtime", "python", "--memory=64M", "--env=A=b=c", "--json"), GROUPS_RUN, false, &options);
  assert_string_equal(options.runtime, "python");
  assert_int_equal(options.memory.value, 64 << 20);
  assert_string_equal(options.environment.items[0], "A=b=c");
  assert_true(options.json);
  assert_false(options.cpu_time.given);
}

static void a_repeated_option_is_a_list_in_order(void **state)
{
  (void)state;
  CLEANUP_OPTIONS struct options options = {0};
  parse(ARGUMENTS("--label", "a=1", "--label", "b=", "--file", "x", "--file=y=z"), GROUPS_RUN, false, &options);
  assert_int_equal(options.labels.count, 2);
  assert_string_equal(options.labels.items[0], "a=1");
  assert_string_equal(options.labels.items[1], "b=");
  assert_int_equal(options.files.count, 2);
  assert_string_equal(options.files.items[1], "y=z");
}

static void options_may_stand_behind_operands(void **state)
{
  (void)state;
  CLEANUP_OPTIONS struct options options = {0};
  parse(ARGUMENTS("some-id", "-f", "--stream", "stderr"), GROUP_COMMON | GROUP_LOGS, false, &options);
  assert_int_equal(options.operands.count, 1);
  assert_true(options.follow);
  assert_string_equal(options.stream, "stderr");
}

static void a_programs_own_options_are_left_alone(void **state)
{
  (void)state;
  CLEANUP_OPTIONS struct options options = {0};
  parse(ARGUMENTS("--json", "main.py", "--help", "--wall-time", "never", "--"), GROUPS_RUN, true, &options);
  assert_true(options.json);
  assert_false(options.help);
  assert_int_equal(options.operands.count, 5);
  assert_string_equal(options.operands.items[1], "--help");
  assert_string_equal(options.operands.items[4], "--");
}

static void everything_behind_two_dashes_is_an_operand(void **state)
{
  (void)state;
  CLEANUP_OPTIONS struct options options = {0};
  parse(ARGUMENTS("--command", "--", "--odd", "-x"), GROUPS_RUN, true, &options);
  assert_true(options.command);
  assert_int_equal(options.operands.count, 2);
  assert_string_equal(options.operands.items[0], "--odd");
}

static void a_lone_dash_is_an_operand(void **state)
{
  (void)state;
  CLEANUP_OPTIONS struct options options = {0};
  parse(ARGUMENTS("-", "--stdin", "-"), GROUPS_RUN, false, &options);
  assert_string_equal(options.operands.items[0], "-");
  assert_string_equal(options.input, "-");
}

static void an_unknown_option_is_refused(void **state)
{
  (void)state;
  expect_refusal(ARGUMENTS("--nonsense"), GROUPS_RUN, "unknown option --nonsense");
  expect_refusal(ARGUMENTS("--jso"), GROUPS_RUN, "unknown option --jso");
  expect_refusal(ARGUMENTS("-x"), GROUPS_RUN, "unknown option -x");
  expect_refusal(ARGUMENTS("-hh"), GROUPS_RUN, "unknown option -hh");
}

static void an_option_of_another_command_is_unknown(void **state)
{
  (void)state;
  expect_refusal(ARGUMENTS("--memory", "1M"), GROUP_COMMON | GROUP_LIST, "unknown option --memory");
  expect_refusal(ARGUMENTS("-f"), GROUPS_RUN, "unknown option -f");
}

static void a_missing_or_needless_value_is_refused(void **state)
{
  (void)state;
  expect_refusal(ARGUMENTS("--runtime"), GROUPS_RUN, "--runtime needs a value: NAME");
  expect_refusal(ARGUMENTS("--json=yes"), GROUPS_RUN, "--json takes no value");
}

static void a_wrong_value_is_named_with_its_option(void **state)
{
  (void)state;
  expect_refusal(ARGUMENTS("--processes", "many"), GROUPS_RUN, "--processes: \"many\" is not a whole number");
  expect_refusal(ARGUMENTS("--env", "A"), GROUPS_RUN, "--env: \"A\" is not NAME=VALUE");
  expect_refusal(ARGUMENTS("--env", "=A"), GROUPS_RUN, "--env: \"=A\" is not NAME=VALUE");
  expect_refusal(ARGUMENTS("--stream", "std"), GROUP_LOGS, "--stream: \"std\" is none of output|stdout|stderr|compile");
  expect_refusal(ARGUMENTS("--stream", ""), GROUP_LOGS, "--stream: \"\" is none of output|stdout|stderr|compile");
}

static void the_help_holds_the_options_of_its_groups_alone(void **state)
{
  (void)state;
  char text[8192] = "";
  FILE *stream = fmemopen(text, sizeof text, "w");
  options_print_help(GROUP_COMMON | GROUP_LOGS, stream);
  fclose(stream);
  assert_non_null(strstr(text, "-f, --follow"));
  assert_non_null(strstr(text, "-h, --help"));
  assert_null(strstr(text, "--memory"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_value_follows_as_a_word_or_behind_an_equals_sign),
    cmocka_unit_test(a_repeated_option_is_a_list_in_order),
    cmocka_unit_test(options_may_stand_behind_operands),
    cmocka_unit_test(a_programs_own_options_are_left_alone),
    cmocka_unit_test(everything_behind_two_dashes_is_an_operand),
    cmocka_unit_test(a_lone_dash_is_an_operand),
    cmocka_unit_test(an_unknown_option_is_refused),
    cmocka_unit_test(an_option_of_another_command_is_unknown),
    cmocka_unit_test(a_missing_or_needless_value_is_refused),
    cmocka_unit_test(a_wrong_value_is_named_with_its_option),
    cmocka_unit_test(the_help_holds_the_options_of_its_groups_alone),
  };
  return cmocka_run_group_tests_name("cli/options", tests, 0, 0);
}
