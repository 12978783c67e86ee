#include "wire/isolation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t all = (1u << ISOLATION_FEATURE_COUNT) - 1;

static void everything_is_full_and_nothing_is_none(void **state)
{
  (void)state;
  assert_int_equal(isolation_level(all), ISOLATION_LEVEL_FULL);
  assert_int_equal(isolation_level(0), ISOLATION_LEVEL_NONE);
}

static void exactly_the_needed_features_decide_whether_it_is_full(void **state)
{
  (void)state;
  for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++) {
    enum isolation_level without = isolation_level(all & ~(1u << i));
    if (isolation_feature_needed(i))
      assert_int_not_equal(without, ISOLATION_LEVEL_FULL);
    else
      assert_int_equal(without, ISOLATION_LEVEL_FULL);
  }
}

/* A container's program has a user id of the host, without a capability there. */
static void a_container_without_a_user_namespace_is_full(void **state)
{
  (void)state;
  assert_false(isolation_feature_needed(ISOLATION_INDEX_USER_NAMESPACE));
  assert_int_equal(isolation_level(all & ~(uint32_t)(ISOLATION_USER_NAMESPACE | ISOLATION_KILL | ISOLATION_LANDLOCK)),
                   ISOLATION_LEVEL_FULL);
}

static void without_namespaces_or_a_private_root_it_is_none(void **state)
{
  (void)state;
  assert_int_equal(isolation_level(all & ~(uint32_t)ISOLATION_NAMESPACES), ISOLATION_LEVEL_NONE);
  assert_int_equal(isolation_level(all & ~(uint32_t)ISOLATION_ROOT), ISOLATION_LEVEL_NONE);
  assert_int_equal(isolation_level(ISOLATION_NAMESPACES | ISOLATION_ROOT), ISOLATION_LEVEL_PARTIAL);
}

static void more_features_never_lower_the_level(void **state)
{
  (void)state;
  for (uint32_t features = 0; features <= all; features++)
    for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++)
      assert_true(isolation_level(features | 1u << i) >= isolation_level(features));
}

static void each_feature_has_a_key_of_its_own_and_a_text_for_people(void **state)
{
  (void)state;
  for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++) {
    assert_true(strlen(isolation_feature_key(i)) > 0);
    assert_true(strlen(isolation_feature_missing(i)) > 0);
    for (unsigned other = 0; other < i; other++)
      assert_string_not_equal(isolation_feature_key(i), isolation_feature_key(other));
  }
}

static void levels_have_the_names_of_the_api(void **state)
{
  (void)state;
  assert_string_equal(isolation_level_name(ISOLATION_LEVEL_FULL), "full");
  assert_string_equal(isolation_level_name(ISOLATION_LEVEL_PARTIAL), "partial");
  assert_string_equal(isolation_level_name(ISOLATION_LEVEL_NONE), "none");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_is_full_and_nothing_is_none),
    cmocka_unit_test(exactly_the_needed_features_decide_whether_it_is_full),
    cmocka_unit_test(a_container_without_a_user_namespace_is_full),
    cmocka_unit_test(without_namespaces_or_a_private_root_it_is_none),
    cmocka_unit_test(more_features_never_lower_the_level),
    cmocka_unit_test(each_feature_has_a_key_of_its_own_and_a_text_for_people),
    cmocka_unit_test(levels_have_the_names_of_the_api),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
