#include "backend/docker/container.h"

#include "base/memory.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char some_name[] = "assay-20261122_195800_0123abcd-7";

static struct plan some_plan(void)
{
  return (struct plan){.limits = limits_default()};
}

static struct container_settings bound(const struct engine_facts *facts)
{
  return (struct container_settings){
    .image = "python:3.11",
    .instance = "an instance",
    .deadline = {1795390000123},
    .facts = facts,
    .keeper_path = "/state/docker/keeper",
    .attempt_path = "/state/docker/attempts/a:b,c",
  };
}

static json_t *encode(const struct plan *plan, const struct container_settings *settings)
{
  CLEANUP_BUFFER struct buffer text = {0};
  struct error error = {0};
  struct name name;
  strcpy(name.text, some_name);
  if (!container_encode(plan, name, settings, &text, &error))
    fail_msg("%s", error.message);
  json_t *body = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, 0);
  assert_non_null(body);
  return body;
}

/* The value at a path of keys and numbers, in their JSON form. */
static void assert_at(const json_t *value, const char *path, const char *expected)
{
  CLEANUP_FREE char *keys = xstrdup(path);
  char *rest = 0;
  for (char *key = strtok_r(keys, " ", &rest); key; key = strtok_r(0, " ", &rest))
    value = json_is_array(value) ? json_array_get(value, (size_t)(*key - '0')) : json_object_get(value, key);
  if (!value)
    fail_msg("%s is missing", path);
  CLEANUP_FREE char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
  if (strcmp(text, expected) != 0)
    fail_msg("%s is %s, not %s", path, text, expected);
}

static void the_keeper_is_the_first_process_whatever_the_image_says(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "Image", "\"python:3.11\"");
  assert_at(body, "Entrypoint", "[\"/assay/keeper\"]");
  assert_at(body, "Cmd", "[\"--container\", \"/assay/attempt\", \"--name\", \"assay-20261122_195800_0123abcd-7\"]");
  assert_at(body, "Env", "[]");
  assert_at(body, "User", "\"0:0\"");
  assert_at(body, "WorkingDir", "\"/\"");
  assert_at(body, "Healthcheck Test", "[\"NONE\"]");
  assert_at(body, "StopSignal", "\"SIGTERM\"");
  assert_at(body, "HostConfig Init", "false");
  json_decref(body);
}

static void labels_say_whose_it_is_and_until_when(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "Labels",
            "{\"assay.attempt\": \"7\", \"assay.deadline\": \"2026-11-22T23:26:40.123Z\", "
            "\"assay.evaluation\": \"20261122_195800_0123abcd\", \"assay.instance\": \"an instance\"}");
  json_decref(body);
}

static void it_can_reach_nothing_and_has_no_rights(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "NetworkDisabled", "true");
  assert_at(body, "HostConfig NetworkMode", "\"none\"");
  assert_at(body, "HostConfig IpcMode", "\"private\"");
  assert_at(body, "HostConfig CgroupnsMode", "\"private\"");
  assert_at(body, "HostConfig PidMode", "\"\"");
  assert_at(body, "HostConfig UTSMode", "\"\"");
  assert_at(body, "HostConfig UsernsMode", "\"\"");
  assert_at(body, "HostConfig Privileged", "false");
  assert_at(body, "HostConfig CapDrop", "[\"ALL\"]");
  assert_at(body, "HostConfig CapAdd", "[\"SETUID\", \"SETGID\", \"KILL\"]");
  assert_at(body, "HostConfig SecurityOpt", "[\"no-new-privileges\"]");
  assert_at(body, "HostConfig ReadonlyRootfs", "true");
  json_decref(body);
}

static void the_engine_neither_removes_nor_restarts_nor_logs_it(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "HostConfig AutoRemove", "false");
  assert_at(body, "HostConfig RestartPolicy Name", "\"no\"");
  assert_at(body, "HostConfig LogConfig Type", "\"none\"");
  json_decref(body);
}

static void the_limits_are_the_plans_and_what_the_keeper_needs(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  plan.limits.memory_bytes = MIB(64);
  plan.limits.processes = 10;
  plan.limits.disk_bytes = MIB(32);
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "HostConfig Memory", "75497472");
  assert_at(body, "HostConfig MemorySwap", "75497472");
  assert_at(body, "HostConfig PidsLimit", "12");
  assert_at(body, "HostConfig NanoCpus", "0");
  assert_at(body, "HostConfig Ulimits",
            "[{\"Hard\": 4096, \"Name\": \"nofile\", \"Soft\": 4096}, {\"Hard\": 0, \"Name\": \"core\", \"Soft\": 0}]");
  assert_at(body, "HostConfig ShmSize", "33554432");
  assert_at(body, "HostConfig Tmpfs /box", "\"rw,exec,nosuid,nodev,mode=1777,size=33554432,nr_inodes=8192\"");
  assert_at(body, "HostConfig Tmpfs /tmp", "\"rw,exec,nosuid,nodev,mode=1777,size=33554432,nr_inodes=8192\"");
  json_decref(body);
}

static void the_largest_limits_fit(void **state)
{
  (void)state;
  struct plan plan = some_plan();
#define X(field, name, standard, least, most) plan.limits.field = most;
  LIMITS(X)
#undef X
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "HostConfig Memory", "1099520016384");
  assert_at(body, "HostConfig PidsLimit", "32770");
  json_decref(body);
}

static void processors_are_never_more_than_the_engine_has(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  static const struct {
    unsigned wanted_milli, cpus;
    const char *expected;
  } cases[] = {
    {1500, 2, "1500000000"}, {5000, 2, "2000000000"}, {5000, 0, "5000000000"}, {1, 2, "10000000"}, {0, 2, "0"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct engine_facts facts = {.cpus = cases[i].cpus};
    struct container_settings settings = bound(&facts);
    settings.cpus_milli = cases[i].wanted_milli;
    json_t *body = encode(&plan, &settings);
    assert_at(body, "HostConfig NanoCpus", cases[i].expected);
    json_decref(body);
  }
}

static void directories_of_the_host_lie_behind_a_door_for_root(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "HostConfig Mounts",
            "[{\"BindOptions\": {\"Propagation\": \"rprivate\"}, \"ReadOnly\": true, "
            "\"Source\": \"/state/docker/keeper\", \"Target\": \"/assay/keeper\", \"Type\": \"bind\"}, "
            "{\"BindOptions\": {\"Propagation\": \"rprivate\"}, \"ReadOnly\": false, "
            "\"Source\": \"/state/docker/attempts/a:b,c\", \"Target\": \"/assay/attempt\", \"Type\": \"bind\"}]");
  assert_at(body, "HostConfig Tmpfs /assay", "\"rw,noexec,nosuid,nodev,mode=0700,size=65536,nr_inodes=1024\"");
  json_decref(body);
}

static void a_volume_holds_keeper_and_attempt(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  settings.keeper_path = settings.attempt_path = 0;
  settings.volume = some_name;
  json_t *body = encode(&plan, &settings);
  assert_at(body, "HostConfig Mounts 0 Type", "\"volume\"");
  assert_at(body, "HostConfig Mounts 0 Source", "\"assay-20261122_195800_0123abcd-7\"");
  assert_at(body, "HostConfig Mounts 0 Target", "\"/assay\"");
  assert_at(body, "HostConfig Mounts 0 VolumeOptions NoCopy", "true");
  assert_at(body, "HostConfig Mounts 0 VolumeOptions Labels assay.instance", "\"an instance\"");
  json_t *config = json_object_get(body, "HostConfig");
  assert_int_equal(json_array_size(json_object_get(config, "Mounts")), 1);
  assert_null(json_object_get(json_object_get(config, "Tmpfs"), "/assay"));
  json_decref(body);
}

/* Its service refuses options that it does not know. */
static void podman_gets_the_options_that_it_knows(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  plan.limits.disk_bytes = MIB(1);
  struct engine_facts facts = {.podman = true};
  struct container_settings settings = bound(&facts);
  json_t *body = encode(&plan, &settings);
  assert_at(body, "HostConfig Tmpfs /tmp", "\"rw,exec,nosuid,nodev,mode=1777,size=1048576,notmpcopyup\"");
  json_decref(body);
}

static void an_images_volumes_have_a_limit(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  plan.limits.disk_bytes = MIB(1);
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  static const char *const volumes[] = {"/data/", "/srv/a b", "/assay/attempt", "/assay", "/tmp", 0};
  settings.image_volumes = volumes;
  json_t *body = encode(&plan, &settings);
  json_t *tmpfs = json_object_get(json_object_get(body, "HostConfig"), "Tmpfs");
  assert_int_equal(json_object_size(tmpfs), 5);
  const char expected[] = "rw,exec,nosuid,nodev,mode=1777,size=1048576,nr_inodes=1024";
  static const char *const covered[] = {"/box", "/tmp", "/data", "/srv/a b"};
  for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
    assert_string_equal(json_string_value(json_object_get(tmpfs, covered[i])), expected);
  assert_non_null(json_object_get(tmpfs, "/assay"));
  json_decref(body);
}

static void volumes_that_cannot_be_covered_refuse_the_image(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  static const char *const strange[] = {"", "/", "data", "/a/../b", "/a//b", "/a:b", "/a\xff"};
  struct name name;
  strcpy(name.text, some_name);
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
    struct container_settings settings = bound(&facts);
    settings.image_volumes = (const char *const[]){"/fine", strange[i], 0};
    CLEANUP_BUFFER struct buffer text = {0};
    struct error error = {0};
    if (container_encode(&plan, name, &settings, &text, &error))
      fail_msg("a volume \"%s\" is taken", strange[i]);
    assert_true(error.message[0]);
    assert_int_equal(text.size, 0);
  }

  const char *many[IMAGE_VOLUMES_MAX + 2] = {0};
  for (size_t i = 0; i <= IMAGE_VOLUMES_MAX; i++)
    many[i] = "/data";
  struct container_settings settings = bound(&facts);
  settings.image_volumes = many;
  CLEANUP_BUFFER struct buffer text = {0};
  assert_false(container_encode(&plan, name, &settings, &text, 0));
  many[IMAGE_VOLUMES_MAX] = 0;
  assert_true(container_encode(&plan, name, &settings, &text, 0));
}

static void what_is_not_utf8_is_refused(void **state)
{
  (void)state;
  struct plan plan = some_plan();
  struct engine_facts facts = {0};
  struct container_settings settings = bound(&facts);
  settings.attempt_path = "/state/\xff";
  struct name name;
  strcpy(name.text, some_name);
  CLEANUP_BUFFER struct buffer text = {0};
  struct error error = {0};
  assert_false(container_encode(&plan, name, &settings, &text, &error));
  assert_non_null(strstr(error.message, "UTF-8"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_keeper_is_the_first_process_whatever_the_image_says),
    cmocka_unit_test(labels_say_whose_it_is_and_until_when),
    cmocka_unit_test(it_can_reach_nothing_and_has_no_rights),
    cmocka_unit_test(the_engine_neither_removes_nor_restarts_nor_logs_it),
    cmocka_unit_test(the_limits_are_the_plans_and_what_the_keeper_needs),
    cmocka_unit_test(the_largest_limits_fit),
    cmocka_unit_test(processors_are_never_more_than_the_engine_has),
    cmocka_unit_test(directories_of_the_host_lie_behind_a_door_for_root),
    cmocka_unit_test(a_volume_holds_keeper_and_attempt),
    cmocka_unit_test(podman_gets_the_options_that_it_knows),
    cmocka_unit_test(an_images_volumes_have_a_limit),
    cmocka_unit_test(volumes_that_cannot_be_covered_refuse_the_image),
    cmocka_unit_test(what_is_not_utf8_is_refused),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
