#include "wire/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void default_limits_lie_in_their_ranges(void **state)
{
  (void)state;
  struct limits limits = limits_default();
#define X(field, name, standard, least, most)                                                                          \
  assert_true(limits.field == (standard));                                                                             \
  assert_true(limits.field + 1 > (least) && limits.field <= (most));                                                   \
  assert_string_equal(limit_name(LIMIT_##name), #field);
  LIMITS(X)
#undef X
  assert_null(limit_name(LIMIT_NONE));
}

static void each_limit_is_found_by_its_name_and_its_field(void **state)
{
  (void)state;
  struct limits limits = limits_default();
#define X(field, name, standard, low, high)                                                                            \
  assert_int_equal(limit_from_name(#field), LIMIT_##name);                                                             \
  limit_set(&limits, LIMIT_##name, (low) + 1);                                                                         \
  assert_true(limits.field == (low) + 1);                                                                              \
  assert_true(limit_value(&limits, LIMIT_##name) == (low) + 1);                                                        \
  assert_true(limit_rule(LIMIT_##name)->least == (low) && limit_rule(LIMIT_##name)->most == (high));
  LIMITS(X)
#undef X
  assert_int_equal(limit_from_name("memory"), LIMIT_NONE);
  assert_int_equal(limit_from_name(""), LIMIT_NONE);
  assert_int_equal(limit_value(&limits, LIMIT_NONE), 0);
}

static void only_what_is_above_the_most_is_lowered(void **state)
{
  (void)state;
  struct limits limits = limits_default(), most = limits_most();
  limits_lower(&limits, &most);
  struct limits standard = limits_default();
  assert_memory_equal(&limits, &standard, sizeof limits);
  most.memory_bytes = standard.memory_bytes - 1;
  most.processes = 0;
  limits_lower(&limits, &most);
  assert_true(limits.memory_bytes == standard.memory_bytes - 1);
  assert_true(limits.processes == 0);
  assert_true(limits.wall_time_ms == standard.wall_time_ms);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(default_limits_lie_in_their_ranges),
    cmocka_unit_test(each_limit_is_found_by_its_name_and_its_field),
    cmocka_unit_test(only_what_is_above_the_most_is_lowered),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
