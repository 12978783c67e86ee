#include "api/utf8.h"

#include "testing.h"

#include <string.h>

struct utf8_case {
  const char *name, *bytes;
  bool valid;
  size_t length;
};

static void run(void **state)
{
  const struct utf8_case *the_case = *state;
  size_t length = 99;
  assert_int_equal(utf8_next((const unsigned char *)the_case->bytes, strlen(the_case->bytes), &length),
                   the_case->valid);
  assert_int_equal(length, the_case->length);
}

/* The ill-formed ones are those of Unicode 15, tables 3-8 to 3-11. */
static const struct utf8_case cases[] = {
  {"ascii_is_one_byte", "a", true, 1},
  {"two_bytes", "\xc3\xa9!", true, 2},
  {"three_bytes", "\xe2\x82\xac!", true, 3},
  {"four_bytes", "\xf0\x9f\x98\x80!", true, 4},
  {"the_last_code_point", "\xf4\x8f\xbf\xbf", true, 4},
  {"beyond_the_last_code_point", "\xf4\x90\x80\x80", false, 1},
  {"a_surrogate_is_none", "\xed\xa0\x80", false, 1},
  {"an_overlong_slash", "\xc0\xaf", false, 1},
  {"an_overlong_three", "\xe0\x9f\xbf", false, 1},
  {"an_overlong_four", "\xf0\x8f\xbf\xbf", false, 1},
  {"a_lone_continuation", "\x80", false, 1},
  {"a_lead_that_does_not_exist", "\xf5\x80\x80\x80", false, 1},
  {"cut_after_one_of_two", "\xc3", false, 1},
  {"cut_after_two_of_three_is_one_subpart", "\xe2\x82", false, 2},
  {"cut_after_three_of_four_is_one_subpart", "\xf0\x9f\x98", false, 3},
  {"broken_off_by_a_letter", "\xf0\x9f\x98!", false, 3},
  {"broken_off_at_once", "\xe2!", false, 1},
};
enum { CASES = sizeof cases / sizeof *cases };

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  struct CMUnitTest tests[CASES];
  for (size_t i = 0; i < CASES; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, run, NULL, NULL, (void *)&cases[i]};
  return _cmocka_run_group_tests("utf8", tests, CASES, NULL, NULL);
}
