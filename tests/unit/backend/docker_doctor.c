#include "backend/docker/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char address[] = "unix:///var/run/docker.sock", found_by[] = "DOCKER_HOST";
static const struct endpoint some_endpoint = {.address = address, .found_by = found_by};

static struct engine_facts good_facts(void)
{
  return (struct engine_facts){
    .version = "24.0.7",
    .api_major = 1,
    .api_minor = 43,
    .storage = "overlay2",
    .os = "linux",
    .cgroup_version = 2,
    .cpus = 4,
    .limits_memory = true,
    .limits_swap = true,
    .limits_processes = true,
    .limits_cpu = true,
    .seccomp = true,
    .live_restore = true,
    .rootless = true,
  };
}

static struct doctor_check examine(const struct docker_subject *subject, unsigned index)
{
  struct doctor_check checks[DOCKER_CHECK_COUNT];
  docker_doctor(subject, checks);
  for (unsigned i = 0; i < DOCKER_CHECK_COUNT; i++) {
    assert_int_equal(strncmp(checks[i].name, "docker_", 7), 0);
    assert_true(checks[i].purpose[0] && checks[i].explanation[0]);
    assert_non_null(check_status_name(checks[i].status));
  }
  return checks[index];
}

static void assert_check(const struct docker_subject *subject, unsigned index, enum check_status status,
                         const char *part)
{
  const struct doctor_check check = examine(subject, index);
  if (check.status != status || !strstr(check.explanation, part))
    fail_msg("%s: %s, \"%s\"", check.name, check_status_name(check.status), check.explanation);
}

static void a_good_engine_has_nothing_to_complain_of(void **state)
{
  (void)state;
  struct engine_facts facts = good_facts();
  struct docker_subject subject = {.endpoint = &some_endpoint, .facts = &facts, .bind = true};
  for (unsigned i = 0; i < DOCKER_CHECK_COUNT; i++)
    assert_check(&subject, i, CHECK_OK, "");
  assert_check(&subject, DOCKER_CHECK_engine, CHECK_OK, "unix:///var/run/docker.sock, found by DOCKER_HOST");
  assert_check(&subject, DOCKER_CHECK_version, CHECK_OK, "24.0.7 with API 1.43");
  assert_check(&subject, DOCKER_CHECK_isolation, CHECK_OK, "full");
}

static void an_engine_that_is_away_says_why_and_the_rest_is_not_known(void **state)
{
  (void)state;
  struct docker_subject subject = {.endpoint = &some_endpoint, .failure = "connection refused"};
  assert_check(&subject, DOCKER_CHECK_engine, CHECK_MISSING,
               "unix:///var/run/docker.sock, found by DOCKER_HOST: connection refused");
  for (unsigned i = 0; i < DOCKER_CHECK_COUNT; i++)
    if (i != DOCKER_CHECK_engine)
      assert_check(&subject, i, CHECK_WARNING, "not known");
  subject = (struct docker_subject){.failure = "ssh:// is not spoken"};
  assert_check(&subject, DOCKER_CHECK_engine, CHECK_MISSING, "ssh:// is not spoken");
}

static void old_engines_are_named(void **state)
{
  (void)state;
  static const struct {
    unsigned major, minor;
    bool podman;
    enum check_status expected;
  } cases[] = {
    {1, 40, false, CHECK_MISSING}, {1, 41, false, CHECK_OK},      {1, 40, true, CHECK_OK},
    {1, 39, true, CHECK_MISSING},  {0, 99, false, CHECK_MISSING}, {2, 0, false, CHECK_OK},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct engine_facts facts = good_facts();
    facts.api_major = cases[i].major, facts.api_minor = cases[i].minor, facts.podman = cases[i].podman;
    struct docker_subject subject = {.endpoint = &some_endpoint, .facts = &facts};
    assert_check(&subject, DOCKER_CHECK_version, cases[i].expected, cases[i].expected == CHECK_OK ? "" : "too old");
  }
}

/* Changes one fact of a good engine and expects one check to tell. */
#define ASSERT_FACT(change, index, status, part)                                                                       \
  do {                                                                                                                 \
    struct engine_facts facts = good_facts();                                                                          \
    struct docker_subject subject = {.endpoint = &some_endpoint, .facts = &facts, .bind = true};                       \
    change;                                                                                                            \
    assert_check(&subject, DOCKER_CHECK_##index, status, part);                                                        \
  } while (0)

static void what_is_missing_is_named_with_what_would_help(void **state)
{
  (void)state;
  ASSERT_FACT(strcpy(facts.os, "windows"), platform, CHECK_MISSING, "windows");
  ASSERT_FACT(strcpy(facts.architecture, "s390x"), platform, CHECK_MISSING, "s390x");
  ASSERT_FACT(facts.cgroup_version = 1, cgroups, CHECK_OK, "version 1");
  ASSERT_FACT(facts.cgroup_version = 0, cgroups, CHECK_WARNING, "not say");
  ASSERT_FACT(facts.limits_memory = false, memory, CHECK_MISSING, "cgroup_enable=memory");
  ASSERT_FACT(facts.limits_swap = false, memory, CHECK_WARNING, "swapaccount=1");
  ASSERT_FACT(facts.limits_processes = false, processes, CHECK_MISSING, "pids");
  ASSERT_FACT(facts.seccomp = false, seccomp, CHECK_WARNING, "keeper's own");
  ASSERT_FACT(facts.rootless = false, users, CHECK_WARNING, "userns-remap");
  ASSERT_FACT(strcpy(facts.storage, "vfs"), storage, CHECK_WARNING, "overlay2");
  ASSERT_FACT(facts.live_restore = false, live_restore, CHECK_WARNING, "daemon.json");
  ASSERT_FACT((facts.live_restore = false, facts.podman = true), live_restore, CHECK_OK, "Podman");
}

static void evidence_that_cannot_be_written_is_told_of_before_it_is_lost(void **state)
{
  (void)state;
  ASSERT_FACT(subject.bind = false, evidence, CHECK_OK, "volume");
  ASSERT_FACT((facts.rootless = false, facts.user_namespace = true), evidence, CHECK_MISSING, "volumes");
  ASSERT_FACT(subject.privileged = true, evidence, CHECK_MISSING, "run assayd as that user");
  ASSERT_FACT(facts.selinux = true, evidence, CHECK_WARNING, "SELinux");
  ASSERT_FACT((subject.bind = false, facts.user_namespace = true), evidence, CHECK_OK, "volume");
}

static void isolation_names_what_full_isolation_needs(void **state)
{
  (void)state;
  ASSERT_FACT(facts.limits_memory = false, isolation, CHECK_WARNING,
              "partial; memory is watched by sampling, not limited by a cgroup");
  struct engine_facts facts = good_facts();
  facts.limits_memory = facts.limits_processes = false;
  struct docker_subject subject = {.endpoint = &some_endpoint, .facts = &facts};
  assert_null(strstr(examine(&subject, DOCKER_CHECK_isolation).explanation, "landlock"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_good_engine_has_nothing_to_complain_of),
    cmocka_unit_test(an_engine_that_is_away_says_why_and_the_rest_is_not_known),
    cmocka_unit_test(old_engines_are_named),
    cmocka_unit_test(what_is_missing_is_named_with_what_would_help),
    cmocka_unit_test(evidence_that_cannot_be_written_is_told_of_before_it_is_lost),
    cmocka_unit_test(isolation_names_what_full_isolation_needs),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
