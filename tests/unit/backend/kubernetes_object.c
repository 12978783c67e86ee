/* An attempt as a Job and Secrets. */

#include "backend/kubernetes/object.h"

#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "20261122_195800_0123abcd"
#define INSTANCE "0123456789abcdef"

static const struct object_settings settings = {.instance = INSTANCE,
                                                .keeper_image = "keeper:1",
                                                .cpus_milli = 500,
                                                .runtime_class = "gvisor",
                                                .node_selector = (const char *const[]){"disk=ssd", 0},
                                                .tolerations = (const char *const[]){"only=us:NoSchedule", "", 0}};

static json_t *parse(const struct blob *blob)
{
  json_t *json = json_loadb((const char *)blob->data, blob->size, 0, 0);
  assert_non_null(json);
  return json;
}

static json_t *make_job(void)
{
  struct plan plan = {.image = (char *)"python:3", .limits = limits_default()};
  struct error error;
  CLEANUP_BLOB struct blob *body = job_encode(name_make(ID, 2), &plan, 10, &settings, &error);
  assert_non_null(body);
  return parse(body);
}

static json_t *at(json_t *json, const char *path)
{
  CLEANUP_FREE char *copy = xstrdup(path);
  char *rest = 0;
  for (char *key = strtok_r(copy, "/", &rest); key; key = strtok_r(0, "/", &rest))
    json = *key >= '0' && *key <= '9' ? json_array_get(json, (size_t)(*key - '0')) : json_object_get(json, key);
  return json;
}

static void a_job_is_one_pod_that_nobody_starts_again_or_collects(void **state)
{
  (void)state;
  json_t *job = make_job();
  assert_string_equal(json_string_value(at(job, "metadata/name")), "assay-20261122-195800-0123abcd-2");
  assert_string_equal(json_string_value(at(job, "metadata/finalizers/0")), OBJECT_FINALIZER);
  assert_string_equal(json_string_value(at(job, "spec/template/metadata/finalizers/0")), OBJECT_FINALIZER);
  assert_int_equal(json_integer_value(at(job, "spec/backoffLimit")), 0);
  assert_string_equal(json_string_value(at(job, "spec/podFailurePolicy/rules/0/action")), "FailJob");
  assert_string_equal(json_string_value(at(job, "spec/podFailurePolicy/rules/0/onPodConditions/0/type")),
                      "DisruptionTarget");
  assert_string_equal(json_string_value(at(job, "spec/podReplacementPolicy")), "Failed");
  assert_string_equal(json_string_value(at(job, "spec/template/spec/restartPolicy")), "Never");
  assert_null(at(job, "spec/activeDeadlineSeconds"));
  assert_null(at(job, "spec/ttlSecondsAfterFinished"));
  assert_true(json_integer_value(at(job, "spec/template/spec/activeDeadlineSeconds")) > 3600);
  json_decref(job);
}

static void a_pod_has_no_rights(void **state)
{
  (void)state;
  json_t *job = make_job();
  static const char *const containers[] = {"spec/template/spec/containers/0", "spec/template/spec/initContainers/0"};
  for (int i = 0; i < 2; i++) {
    json_t *container = at(job, containers[i]);
    assert_true(json_is_true(at(container, "securityContext/readOnlyRootFilesystem")));
    assert_true(json_is_true(at(container, "securityContext/runAsNonRoot")));
    assert_true(json_integer_value(at(container, "securityContext/runAsUser")) > 0);
    assert_true(json_is_false(at(container, "securityContext/allowPrivilegeEscalation")));
    assert_string_equal(json_string_value(at(container, "securityContext/capabilities/drop/0")), "ALL");
    assert_true(json_equal(at(container, "resources/limits"), at(container, "resources/requests")));
    assert_string_equal(json_string_value(at(container, "resources/limits/cpu")), "500m");
  }
  json_t *spec = at(job, "spec/template/spec");
  assert_true(json_is_false(at(spec, "automountServiceAccountToken")));
  assert_string_equal(json_string_value(at(spec, "securityContext/seccompProfile/type")), "RuntimeDefault");
  assert_null(
    at(spec, "securityContext/runAsUser")); /* or its pause container would count as a process of the program's */
  json_decref(job);
}

static void the_operators_wishes_are_in_it(void **state)
{
  (void)state;
  json_t *job = make_job();
  json_t *spec = at(job, "spec/template/spec");
  assert_string_equal(json_string_value(at(spec, "runtimeClassName")), "gvisor");
  assert_string_equal(json_string_value(at(spec, "nodeSelector/disk")), "ssd");
  assert_string_equal(json_string_value(at(spec, "tolerations/0/key")), "only");
  assert_string_equal(json_string_value(at(spec, "tolerations/0/value")), "us");
  assert_string_equal(json_string_value(at(spec, "tolerations/0/effect")), "NoSchedule");
  assert_string_equal(json_string_value(at(spec, "tolerations/1/operator")), "Exists");
  assert_null(at(spec, "tolerations/1/key"));
  json_decref(job);
}

static void a_large_plan_comes_in_several_secrets(void **state)
{
  (void)state;
  CLEANUP_BLOB struct blob *plan = blob_create(0, SECRET_PLAN_BYTES_MAX + 3);
  static const unsigned char key[SEAL_KEY_BYTES];
  plan->data[SECRET_PLAN_BYTES_MAX] = 'x';
  assert_int_equal(secret_count(plan->size), 2);
  CLEANUP_BLOB struct blob *first = secret_encode(name_make(ID, 1), INSTANCE, 0, plan, key);
  CLEANUP_BLOB struct blob *second = secret_encode(name_make(ID, 1), INSTANCE, 1, plan, key);
  json_t *a = parse(first), *b = parse(second);
  assert_string_equal(json_string_value(at(b, "metadata/name")), "assay-20261122-195800-0123abcd-1.1");
  assert_non_null(at(a, "data/key"));
  assert_null(at(b, "data/key"));
  assert_string_equal(json_string_value(at(b, "data/plan.1")), "eAAA");
  assert_true(first->size < MIB(1));
  json_decref(a);
  json_decref(b);
}

static void ours_is_what_this_instance_made(void **state)
{
  (void)state;
  json_t *job = make_job();
  struct name name;
  assert_true(object_is_ours(job, INSTANCE, &name));
  assert_string_equal(name.text, "assay-" ID "-2");
  assert_false(object_is_ours(job, "another", &name));
  json_object_set_new(at(job, "metadata/labels"), LABEL_ATTEMPT, json_string("0"));
  assert_false(object_is_ours(job, INSTANCE, &name));
  json_decref(job);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_job_is_one_pod_that_nobody_starts_again_or_collects),
    cmocka_unit_test(a_pod_has_no_rights),
    cmocka_unit_test(the_operators_wishes_are_in_it),
    cmocka_unit_test(a_large_plan_comes_in_several_secrets),
    cmocka_unit_test(ours_is_what_this_instance_made),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, 0, 0);
}
