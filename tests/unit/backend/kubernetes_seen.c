/* What a cluster says of pods and Jobs, right and wrong; and the lines of a watch. */

#include "backend/kubernetes/seen.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define METADATA "\"metadata\":{\"name\":\"p-1\",\"uid\":\"u-1\",\"finalizers\":[\"assay/verdict\"]}"
#define POD(status) "{" METADATA ",\"spec\":{\"nodeName\":\"n\"},\"status\":" status "}"
#define PROGRAM(state) "\"containerStatuses\":[{\"name\":\"program\",\"state\":" state "}]"
#define INSTALL(state) "\"initContainerStatuses\":[{\"name\":\"install\",\"state\":" state "}]"

static json_t *parse(const char *text)
{
  json_t *json = json_loads(text, JSON_DECODE_ANY, 0);
  assert_non_null(json);
  return json;
}

static bool inspect(const char *text, struct pod_seen *ret)
{
  json_t *json = parse(text);
  struct error error;
  bool done = pod_inspect(json, ret, &error);
  json_decref(json);
  return done;
}

static void a_pods_state_is_that_of_the_programs_container(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    enum pod_state state;
    enum pod_wait waits_for;
  } rows[] = {
    {POD("{\"phase\":\"Pending\"}"), POD_WAITING, WAITS_NORMALLY},
    {POD("{\"phase\":\"Pending\"," PROGRAM("{\"waiting\":{\"reason\":\"PodInitializing\"}}") "}"), POD_WAITING,
     WAITS_NORMALLY},
    {POD("{\"phase\":\"Pending\"," PROGRAM("{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}") "}"), POD_WAITING,
     WAITS_FOR_IMAGE},
    {POD("{\"phase\":\"Pending\"," INSTALL("{\"waiting\":{\"reason\":\"ErrImageNeverPull\"}}") "}"), POD_WAITING,
     WAITS_FOR_KEEPER_IMAGE},
    {POD("{\"phase\":\"Pending\"," PROGRAM("{\"waiting\":{\"reason\":\"CreateContainerError\"}}") "}"), POD_WAITING,
     WAITS_FOR_CONTAINER},
    {POD("{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":"
         "\"Unschedulable\"}]}"),
     POD_WAITING, WAITS_FOR_NODE},
    {POD("{\"phase\":\"Running\"," PROGRAM("{\"running\":{}}") "}"), POD_RUNNING, WAITS_NORMALLY},
    {POD("{\"phase\":\"Succeeded\"," PROGRAM("{\"terminated\":{\"exitCode\":0}}") "}"), POD_ENDED, WAITS_NORMALLY},
    {POD("{\"phase\":\"Failed\"," INSTALL("{\"terminated\":{\"exitCode\":125}}") "}"), POD_UNSTARTED, WAITS_NORMALLY},
    /* Evicted before or after it ran: its containers' states are gone with it. */
    {POD("{\"phase\":\"Failed\",\"reason\":\"Evicted\"}"), POD_UNSTARTED, WAITS_NORMALLY},
    {POD("{\"phase\":\"Failed\",\"reason\":\"Evicted\"," INSTALL("{\"terminated\":{\"exitCode\":0}}") "}"), POD_ENDED,
     WAITS_NORMALLY},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pod_seen seen;
    assert_true(inspect(rows[i].text, &seen));
    if (seen.state != rows[i].state || seen.waits_for != rows[i].waits_for)
      fail_msg("%s: %d, %d", rows[i].text, seen.state, seen.waits_for);
    assert_true(seen.ours_alone);
    pod_seen_release(&seen);
  }
}

static void a_termination_message_is_handed_on(void **state)
{
  (void)state;
  struct pod_seen seen;
  assert_true(inspect(POD("{\"phase\":\"Failed\"," PROGRAM(
                        "{\"terminated\":{\"exitCode\":7,\"reason\":\"OOMKilled\",\"message\":\"x y\"}}") "}"),
                      &seen));
  assert_int_equal(seen.exit_code, 7);
  assert_true(seen.killed);
  assert_string_equal(seen.message, "x y");
  pod_seen_release(&seen);
}

static void a_pod_is_of_the_job_that_owns_it(void **state)
{
  (void)state;
  struct pod_seen pod;
  assert_true(
    inspect("{\"metadata\":{\"name\":\"p-1\",\"uid\":\"u-1\",\"ownerReferences\":[{\"kind\":\"Node\",\"uid\":\"n-1\"},"
            "{\"kind\":\"Job\",\"uid\":\"j-1\"}]},\"status\":{}}",
            &pod));
  assert_string_equal(pod.job_uid, "j-1");
  assert_true(inspect(POD("{}"), &pod));
  assert_string_equal(pod.job_uid, "");
}

static void names_that_could_not_stand_in_a_path_are_refused(void **state)
{
  (void)state;
  static const char *const texts[] = {
    "{}",
    "{\"metadata\":{\"name\":\"a/b\",\"uid\":\"u\"},\"status\":{}}",
    "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\\\"\"},\"status\":{}}",
    "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"status\":7}",
    "[]",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct pod_seen seen;
    if (inspect(texts[i], &seen))
      fail_msg("%s was taken", texts[i]);
  }
}

static void of_several_pods_one_counts_and_once_one_is_granted_no_other(void **state)
{
  (void)state;
  json_t *list = parse(
    "{\"items\":["
    "{\"metadata\":{\"name\":\"a\",\"uid\":\"a\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},"
    "\"status\":{\"phase\":\"Pending\"}},"
    "{\"metadata\":{\"name\":\"b\",\"uid\":\"b\",\"creationTimestamp\":\"2026-01-03T00:00:00Z\"},"
    "\"status\":{\"phase\":\"Running\"," PROGRAM(
      "{\"running\":{}}") "}},"
                          "{\"metadata\":{\"name\":\"c\",\"uid\":\"c\",\"creationTimestamp\":\"2026-01-02T00:00:00Z\"},"
                          "\"status\":{\"phase\":\"Running\"," PROGRAM("{\"running\":{}}") "}}]}");
  struct pod_seen seen;
  struct error error;
  unsigned count;
  assert_true(pods_choose(list, 0, &seen, &count, &error));
  assert_int_equal(count, 3);
  assert_string_equal(seen.name, "a");
  pod_seen_release(&seen);
  assert_true(pods_choose(list, &(struct kube_memory){.granted = "c"}, &seen, &count, &error));
  assert_int_equal(count, 1);
  assert_string_equal(seen.name, "c");
  pod_seen_release(&seen);
  assert_true(pods_choose(list, &(struct kube_memory){.granted = "gone"}, &seen, &count, &error));
  assert_int_equal(count, 0);
  json_decref(list);
}

static void only_complete_and_failed_end_a_job(void **state)
{
  (void)state;
  static const struct {
    const char *type;
    bool complete, failed;
  } rows[] = {{"Complete", true, false},
              {"Failed", false, true},
              {"FailureTarget", false, false},
              {"SuccessCriteriaMet", false, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    CLEANUP_FREE char *text =
      xasprintf("{\"metadata\":{\"uid\":\"u\"},\"status\":{\"conditions\":[{\"type\":\"%s\",\"status\":\"True\"}]}}",
                rows[i].type);
    json_t *job = parse(text);
    struct job_seen seen;
    assert_true(job_inspect(job, &seen, 0));
    assert_int_equal(seen.complete, rows[i].complete);
    assert_int_equal(seen.failed, rows[i].failed);
    json_decref(job);
  }
}

static void a_fingerprint_changes_with_what_matters_alone(void **state)
{
  (void)state;
  json_t *a = parse(POD("{\"phase\":\"Running\"," PROGRAM("{\"running\":{}}") "}"));
  json_t *b = parse(POD("{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"," PROGRAM("{\"running\":{}}") "}"));
  json_t *c = parse(POD("{\"phase\":\"Failed\"," PROGRAM("{\"terminated\":{\"exitCode\":1}}") "}"));
  assert_true(pod_fingerprint(a) == pod_fingerprint(b));
  assert_true(pod_fingerprint(a) != pod_fingerprint(c));
  json_decref(a);
  json_decref(b);
  json_decref(c);
}

static void lines_of_a_watch_are_told_apart(void **state)
{
  (void)state;
#define OBJECT "\"object\":{\"metadata\":{\"resourceVersion\":\"42\"}}"
  static const struct {
    const char *text;
    enum watch_kind kind;
    bool gone;
    const char *version;
  } rows[] = {
    {"{\"type\":\"ADDED\"," OBJECT "}", WATCH_CHANGED, false, "42"},
    {"{\"type\":\"MODIFIED\"," OBJECT "}", WATCH_CHANGED, false, "42"},
    {"{\"type\":\"DELETED\"," OBJECT "}", WATCH_CHANGED, true, "42"},
    {"{\"type\":\"BOOKMARK\"," OBJECT "}", WATCH_BOOKMARK, false, "42"},
    {"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}", WATCH_EXPIRED, false, ""},
    {"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}", WATCH_ERROR, false, ""},
    {"{\"type\":\"ADDED\",\"object\":{}}", WATCH_NONSENSE, false, ""},
    {"{\"type\":\"ELSE\"," OBJECT "}", WATCH_NONSENSE, false, "42"},
    {"[]", WATCH_NONSENSE, false, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    json_t *line = parse(rows[i].text);
    struct watch_event event;
    watch_event_read(line, &event);
    if (event.kind != rows[i].kind || event.gone != rows[i].gone || strcmp(event.version, rows[i].version) != 0)
      fail_msg("%s: %d", rows[i].text, event.kind);
    json_decref(line);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pods_state_is_that_of_the_programs_container),
    cmocka_unit_test(a_termination_message_is_handed_on),
    cmocka_unit_test(a_pod_is_of_the_job_that_owns_it),
    cmocka_unit_test(names_that_could_not_stand_in_a_path_are_refused),
    cmocka_unit_test(of_several_pods_one_counts_and_once_one_is_granted_no_other),
    cmocka_unit_test(only_complete_and_failed_end_a_job),
    cmocka_unit_test(a_fingerprint_changes_with_what_matters_alone),
    cmocka_unit_test(lines_of_a_watch_are_told_apart),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, 0, 0);
}
