#include "backend/docker/facts.h"

#include "wire/isolation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* As the engines say it, without what nobody reads. */
static const char docker_version[] =
  "{\"Platform\":{\"Name\":\"\"},\"Components\":[{\"Name\":\"Engine\",\"Version\":\"20.10.24+dfsg1\",\"Details\":"
  "{\"ApiVersion\":\"1.41\"}},{\"Name\":\"containerd\",\"Version\":\"1.6.20\"}],\"Version\":\"20.10.24+dfsg1\","
  "\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\",\"Os\":\"linux\"}\n";
static const char docker_info[] =
  "{\"ID\":\"XBXX\",\"Containers\":0,\"Driver\":\"overlay2\",\"DriverStatus\":[[\"Backing Filesystem\",\"extfs\"]],"
  "\"MemoryLimit\":true,\"SwapLimit\":true,\"CpuCfsQuota\":true,\"PidsLimit\":true,\"CgroupDriver\":\"systemd\","
  "\"CgroupVersion\":\"2\",\"OSType\":\"linux\",\"Architecture\":\"x86_64\",\"NCPU\":2,\"MemTotal\":25274793984,"
  "\"GenericResources\":null,"
  "\"LiveRestoreEnabled\":true,\"SecurityOptions\":[\"name=apparmor\",\"name=seccomp,profile=builtin\","
  "\"name=cgroupns\",\"name=userns\"],\"Warnings\":null}\n";
static const char podman_version[] =
  "{\"Platform\":{\"Name\":\"linux/amd64/debian-12\"},\"Components\":[{\"Name\":\"Podman "
  "Engine\",\"Version\":\"4.3.1\","
  "\"Details\":{\"APIVersion\":\"4.3.1\",\"MinAPIVersion\":\"4.0.0\"}},{\"Name\":\"Conmon\"}],\"Version\":\"4.3.1\","
  "\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.24\"}\n";
static const char podman_info[] =
  "{\"Driver\":\"overlay\",\"MemoryLimit\":true,\"SwapLimit\":true,\"PidsLimit\":true,\"CpuCfsQuota\":false,"
  "\"CgroupVersion\":\"2\",\"OSType\":\"linux\",\"NCPU\":8,\"SecurityOptions\":[\"name=seccomp,profile=default\","
  "\"name=rootless\"]}";

static bool decode(const char *version, const char *info, struct engine_facts *ret, struct error *error)
{
  return engine_facts_decode(version, strlen(version), info, info ? strlen(info) : 0, ret, error);
}

static void docker_is_understood(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode(docker_version, docker_info, &facts, 0));
  assert_string_equal(facts.version, "20.10.24+dfsg1");
  assert_int_equal(facts.api_major, 1);
  assert_int_equal(facts.api_minor, 41);
  assert_int_equal(facts.api_minor_min, 12);
  assert_false(facts.podman);
  assert_string_equal(facts.storage, "overlay2");
  assert_string_equal(facts.os, "linux");
  assert_string_equal(facts.architecture, "x86_64");
  assert_int_equal(facts.cgroup_version, 2);
  assert_int_equal(facts.cpus, 2);
  assert_int_equal(facts.memory_bytes, 25274793984);
  assert_true(facts.limits_memory && facts.limits_swap && facts.limits_processes && facts.limits_cpu);
  assert_true(facts.seccomp && facts.apparmor && facts.cgroup_namespace && facts.user_namespace);
  assert_false(facts.selinux || facts.rootless);
  assert_true(facts.live_restore);
}

static void podman_is_told_from_docker(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode(podman_version, podman_info, &facts, 0));
  assert_true(facts.podman);
  assert_string_equal(facts.version, "4.3.1");
  assert_int_equal(facts.api_minor, 41);
  assert_true(facts.rootless && facts.seccomp);
  assert_false(facts.user_namespace || facts.limits_cpu || facts.live_restore);
}

static void what_was_not_asked_is_not_known(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode("{\"ApiVersion\": \"1.51\"}", 0, &facts, 0));
  assert_int_equal(facts.api_minor, 51);
  assert_int_equal(facts.api_minor_min, 0);
  assert_string_equal(facts.version, "");
  assert_string_equal(facts.storage, "");
  assert_false(facts.limits_memory);
}

static void a_filter_that_is_switched_off_is_none(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode(docker_version, "{\"SecurityOptions\": [\"name=seccomp,profile=unconfined\"]}", &facts, 0));
  assert_false(facts.seccomp);
  assert_true(
    decode(docker_version, "{\"SecurityOptions\": [\"name=seccomp2\", \"seccomp\", \"\", 5, null]}", &facts, 0));
  assert_false(facts.seccomp);
}

static void nonsense_is_refused_and_named(void **state)
{
  (void)state;
  static const struct {
    const char *version, *info, *part;
  } cases[] = {
    {"", 0, "version"},
    {"[]", 0, "version"},
    {"{}", 0, "API"},
    {"{\"ApiVersion\": \"\"}", 0, "API"},
    {"{\"ApiVersion\": \"1\"}", 0, "API"},
    {"{\"ApiVersion\": \"1.\"}", 0, "API"},
    {"{\"ApiVersion\": \"1.41.0\"}", 0, "API"},
    {"{\"ApiVersion\": \"-1.41\"}", 0, "API"},
    {"{\"ApiVersion\": \"1.99999999999999999999\"}", 0, "API"},
    {"{\"ApiVersion\": 1.41}", 0, "API"},
    {"{\"ApiVersion\": \"1.41\", \"ApiVersion\": \"1.41\"}", 0, "version"},
    {"{\"ApiVersion\": \"1.41\", \"MinAPIVersion\": \"2.0\"}", 0, "oldest"},
    {"{\"ApiVersion\": \"1.41\", \"Version\": []}", 0, "Version"},
    {docker_version, "", "abilities"},
    {docker_version, "null", "abilities"},
    {docker_version, "{\"NCPU\": \"2\"}", "NCPU"},
    {docker_version, "{\"MemoryLimit\": 1}", "MemoryLimit"},
    {docker_version, "{\"CgroupVersion\": 2}", "CgroupVersion"},
    {docker_version, "{\"CgroupVersion\": \"3\"}", "cgroups"},
    {docker_version, "{\"CgroupVersion\": \"0\"}", "cgroups"},
    {docker_version, "{\"SecurityOptions\": \"name=seccomp\"}", "SecurityOptions"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct engine_facts facts = {.cpus = 77};
    struct error error = {0};
    if (decode(cases[i].version, cases[i].info, &facts, &error))
      fail_msg("%s %s is taken", cases[i].version, cases[i].info);
    if (!strstr(error.message, cases[i].part))
      fail_msg("\"%s\" does not say \"%s\"", error.message, cases[i].part);
    assert_int_equal(facts.cpus, 77);
  }
}

static void numbers_beyond_reason_are_cut(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode(docker_version, "{\"NCPU\": 9223372036854775807, \"MemTotal\": -1}", &facts, 0));
  assert_int_equal(facts.cpus, 65536);
  assert_int_equal(facts.memory_bytes, 0);
}

static void texts_are_printable_and_short(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode("{\"ApiVersion\": \"1.41\", \"Version\": \"a\\u001b[31m\\n\\u00e9"
                     "0123456789012345678901234567890123456789012345678901234567890123456789\"}",
                     0, &facts, 0));
  assert_int_equal(strlen(facts.version), ENGINE_VERSION_SIZE - 1);
  assert_int_equal(strncmp(facts.version, "a?[31m???0123", 13), 0);
}

static void isolation_is_what_the_engine_can_limit(void **state)
{
  (void)state;
  struct engine_facts facts;
  assert_true(decode(docker_version, docker_info, &facts, 0));
  assert_int_equal(isolation_level(engine_isolation(&facts)), ISOLATION_LEVEL_FULL);
  assert_true(engine_isolation(&facts) & ISOLATION_USER_NAMESPACE);
  facts.limits_memory = false;
  assert_int_equal(isolation_level(engine_isolation(&facts)), ISOLATION_LEVEL_PARTIAL);
  facts.limits_memory = true;
  facts.limits_processes = false;
  assert_int_equal(isolation_level(engine_isolation(&facts)), ISOLATION_LEVEL_PARTIAL);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(docker_is_understood),
    cmocka_unit_test(podman_is_told_from_docker),
    cmocka_unit_test(what_was_not_asked_is_not_known),
    cmocka_unit_test(a_filter_that_is_switched_off_is_none),
    cmocka_unit_test(nonsense_is_refused_and_named),
    cmocka_unit_test(numbers_beyond_reason_are_cut),
    cmocka_unit_test(texts_are_printable_and_short),
    cmocka_unit_test(isolation_is_what_the_engine_can_limit),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
