#include "api/range.h"

#include "testing.h"

struct range_case {
  const char *name, *field;
  uint64_t size;
  enum range_result result;
  uint64_t offset, length;
};

static void run(void **state)
{
  const struct range_case *the_case = *state;
  uint64_t offset = 1234, length = 5678;
  assert_int_equal(range_parse(the_case->field, the_case->size, &offset, &length), the_case->result);
  assert_int_equal(offset, the_case->result == RANGE_PART ? the_case->offset : 1234);
  assert_int_equal(length, the_case->result == RANGE_PART ? the_case->length : 5678);
}

static const struct range_case cases[] = {
  {"no_field", NULL, 10, RANGE_NONE, 0, 0},
  {"first_to_last", "bytes=2-4", 10, RANGE_PART, 2, 3},
  {"one_byte", "bytes=0-0", 10, RANGE_PART, 0, 1},
  {"from_a_place_to_the_end", "bytes=7-", 10, RANGE_PART, 7, 3},
  {"the_last_bytes", "bytes=-4", 10, RANGE_PART, 6, 4},
  {"more_last_bytes_than_there_are", "bytes=-40", 10, RANGE_PART, 0, 10},
  {"a_last_beyond_the_end_is_cut", "bytes=5-500", 10, RANGE_PART, 5, 5},
  {"the_greatest_last_is_cut_too", "bytes=5-18446744073709551614", 10, RANGE_PART, 5, 5},
  {"a_first_at_the_end", "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
  {"no_last_bytes", "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
  {"anything_of_nothing", "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
  {"last_bytes_of_nothing", "bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0},
  {"several_ranges_are_ignored", "bytes=0-1,4-5", 10, RANGE_NONE, 0, 0},
  {"another_unit_is_ignored", "lines=0-1", 10, RANGE_NONE, 0, 0},
  {"backwards_is_ignored", "bytes=4-2", 10, RANGE_NONE, 0, 0},
  {"a_lone_dash_is_ignored", "bytes=-", 10, RANGE_NONE, 0, 0},
  {"no_dash_is_ignored", "bytes=4", 10, RANGE_NONE, 0, 0},
  {"a_sign_is_ignored", "bytes=+1-2", 10, RANGE_NONE, 0, 0},
  {"an_overflow_is_ignored", "bytes=0-99999999999999999999", 10, RANGE_NONE, 0, 0},
  {"trailing_nonsense_is_ignored", "bytes=0-1x", 10, RANGE_NONE, 0, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  struct CMUnitTest tests[CASES];
  for (size_t i = 0; i < CASES; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, run, NULL, NULL, (void *)&cases[i]};
  return _cmocka_run_group_tests("range", tests, CASES, NULL, NULL);
}
