#include "cli/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef bool parser(const char *text, struct quantity *ret, struct error *error);

static void expect_taken(parser *parse, const char *text, uint64_t value)
{
  struct quantity quantity = {0};
  struct error error = {0};
  if (!parse(text, &quantity, &error))
    fail_msg("%s: %s", text, error.message);
  assert_true(quantity.given);
  assert_int_equal(quantity.value, value);
}

static void expect_refusal(parser *parse, const char *text)
{
  struct quantity quantity = {.value = 7};
  struct error error = {0};
  if (parse(text, &quantity, &error))
    fail_msg("\"%s\" was taken as %llu", text, (unsigned long long)quantity.value);
  assert_false(quantity.given);
  assert_int_equal(quantity.value, 7);
  assert_int_equal(error.kind, ERROR_INVALID);
  assert_non_null(strstr(error.message, text));
}

static void a_duration_is_a_whole_number_with_a_unit(void **state)
{
  (void)state;
  expect_taken(duration_parse, "1500ms", 1500);
  expect_taken(duration_parse, "10s", 10000);
  expect_taken(duration_parse, "2m", 120000);
  expect_taken(duration_parse, "1h", 3600000);
  expect_taken(duration_parse, "0s", 0);
}

static void a_duration_without_a_unit_or_with_anything_else_is_refused(void **state)
{
  (void)state;
  const char *const wrong[] = {"", "10", "s", "0.5s", "-1s", "+1s", " 1s", "1 s", "1s ", "1sec", "1S", "1d", "0x10s"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    expect_refusal(duration_parse, wrong[i]);
}

static void a_size_is_in_bytes_or_in_powers_of_1024(void **state)
{
  (void)state;
  expect_taken(size_parse, "0", 0);
  expect_taken(size_parse, "4096", 4096);
  expect_taken(size_parse, "12B", 12);
  expect_taken(size_parse, "64K", 64 << 10);
  expect_taken(size_parse, "256M", 256 << 20);
  expect_taken(size_parse, "1GiB", 1 << 30);
  expect_taken(size_parse, "2T", 2ull << 40);
}

static void a_size_with_another_unit_is_refused(void **state)
{
  (void)state;
  const char *const wrong[] = {"", "M", "1.5G", "-1", "1MB", "1m", "1 M", "256Mi"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    expect_refusal(size_parse, wrong[i]);
}

static void what_does_not_fit_into_a_json_integer_is_refused(void **state)
{
  (void)state;
  expect_taken(size_parse, "9223372036854775807", INT64_MAX);
  expect_refusal(size_parse, "9223372036854775808");
  expect_refusal(size_parse, "8388608T");
  expect_taken(size_parse, "8388607T", 8388607ull << 40);
  expect_refusal(duration_parse, "99999999999999999999999s");
  expect_refusal(duration_parse, "2562047788016h");
}

static void a_count_has_no_unit(void **state)
{
  (void)state;
  expect_taken(count_parse, "64", 64);
  expect_refusal(count_parse, "64K");
  expect_refusal(count_parse, "");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_duration_is_a_whole_number_with_a_unit),
    cmocka_unit_test(a_duration_without_a_unit_or_with_anything_else_is_refused),
    cmocka_unit_test(a_size_is_in_bytes_or_in_powers_of_1024),
    cmocka_unit_test(a_size_with_another_unit_is_refused),
    cmocka_unit_test(what_does_not_fit_into_a_json_integer_is_refused),
    cmocka_unit_test(a_count_has_no_unit),
  };
  return cmocka_run_group_tests_name("cli/quantity", tests, 0, 0);
}
