#include "backend/native/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t all_features = (1u << ISOLATION_FEATURE_COUNT) - 1;

static struct doctor_check examine(unsigned index, const struct cgroup_layout *cgroups, uint32_t features,
                                   const char *state_dir)
{
  struct doctor_check checks[DOCTOR_CHECK_COUNT];
  native_doctor(&(struct doctor_subject){cgroups, features, state_dir}, checks);
  for (unsigned i = 0; i < DOCTOR_CHECK_COUNT; i++) {
    assert_true(checks[i].name[0] && checks[i].purpose[0] && checks[i].explanation[0]);
    assert_non_null(check_status_name(checks[i].status));
  }
  return checks[index];
}

static void full_isolation_is_ok(void **state)
{
  (void)state;
  struct cgroup_layout cgroups = {.v2 = "/c", .v2_memory = true, .v2_pids = true, .v2_kill = true};
  struct doctor_check check = examine(DOCTOR_INDEX_isolation, &cgroups, all_features, "/tmp");
  assert_string_equal(check.name, "isolation");
  assert_int_equal(check.status, CHECK_OK);
  assert_string_equal(check.explanation, "full");
}

static void each_missing_feature_is_named(void **state)
{
  (void)state;
  struct cgroup_layout cgroups = {0};
  struct doctor_check check = examine(DOCTOR_INDEX_isolation, &cgroups,
                                      all_features & ~(uint32_t)(ISOLATION_MEMORY | ISOLATION_LANDLOCK), "/tmp");
  assert_int_equal(check.status, CHECK_WARNING);
  assert_non_null(strstr(check.explanation, isolation_feature_missing(ISOLATION_INDEX_MEMORY)));
  assert_non_null(strstr(check.explanation, isolation_feature_missing(ISOLATION_INDEX_LANDLOCK)));
  assert_null(strstr(check.explanation, isolation_feature_missing(ISOLATION_INDEX_SECCOMP)));
}

static void missing_cgroups_are_explained(void **state)
{
  (void)state;
  struct cgroup_layout cgroups = {.explanation = "no cgroup limits memory"};
  struct doctor_check check = examine(DOCTOR_INDEX_cgroups, &cgroups, 0, "/tmp");
  assert_int_equal(check.status, CHECK_MISSING);
  assert_string_equal(check.explanation, "none; no cgroup limits memory");
}

static void a_state_directory_that_is_not_there_is_missing(void **state)
{
  (void)state;
  struct cgroup_layout cgroups = {0};
  assert_int_equal(examine(DOCTOR_INDEX_disk, &cgroups, 0, "/nonexistent").status, CHECK_MISSING);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(full_isolation_is_ok),
    cmocka_unit_test(each_missing_feature_is_named),
    cmocka_unit_test(missing_cgroups_are_explained),
    cmocka_unit_test(a_state_directory_that_is_not_there_is_missing),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
