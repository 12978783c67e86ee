#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void decimal_digits_are_a_number(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    uint64_t value;
  } cases[] = {{"0", 0}, {"7", 7}, {"007", 7}, {"42", 42}, {"18446744073709551615", UINT64_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t value;
    assert_true(parse_u64_text(cases[i].text, UINT64_MAX, &value));
    assert_true(value == cases[i].value);
  }
}

static void everything_else_is_refused_and_leaves_the_output_alone(void **state)
{
  (void)state;
  static const char *const wrong[] = {
    "",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1.0",
    "0x1",
    "1e3",
    "1_0",
    "1\n",
    "\xd9\xa3",
    "18446744073709551616",
    "99999999999999999999",
    "000000000000000000001",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    uint64_t value = 12345;
    assert_false(parse_u64_text(wrong[i], UINT64_MAX, &value));
    assert_int_equal(value, 12345);
  }
}

static void the_maximum_is_the_last_that_is_accepted(void **state)
{
  (void)state;
  uint64_t value;
  assert_true(parse_u64_text("255", 255, &value));
  assert_false(parse_u64_text("256", 255, &value));
  assert_true(parse_u64_text("0", 0, &value));
  assert_false(parse_u64_text("1", 0, &value));
}

static void exactly_the_given_length_is_read(void **state)
{
  (void)state;
  uint64_t value;
  assert_true(parse_u64("123456", 3, UINT64_MAX, &value));
  assert_int_equal(value, 123);
  assert_false(parse_u64("12\0", 3, UINT64_MAX, &value));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(decimal_digits_are_a_number),
    cmocka_unit_test(everything_else_is_refused_and_leaves_the_output_alone),
    cmocka_unit_test(the_maximum_is_the_last_that_is_accepted),
    cmocka_unit_test(exactly_the_given_length_is_read),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
