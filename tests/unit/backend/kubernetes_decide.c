/* How an attempt stands, by what Kubernetes says of it: each row of the table, and how long each thing is waited for. */

#include "backend/kubernetes/decide.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_S = 1000, SCHEDULE_MS = 300 * 1000, PULL_MS = 600 * 1000 };

static struct mono seconds(unsigned s)
{
  return (struct mono){(uint64_t)s * 1000000};
}

/* A look that has just begun, of which nothing is known. */
static struct kube_view view_of_nothing(void)
{
  return (struct kube_view){
    .now = seconds(NOW_S),
    .begun = seconds(NOW_S),
    .schedule_ms_max = SCHEDULE_MS,
    .pull_ms_max = PULL_MS,
    .reason = "",
    .trouble = "the API server says nothing",
    .log.failure = "",
  };
}

static struct kube_view view_of_pod(enum pod_state state)
{
  struct kube_view view = view_of_nothing();
  view.pods = KUBE_SEEN;
  view.pod.state = state;
  view.pod.scheduled = view.pod.granted = true;
  strcpy(view.pod.uid, "first");
  strcpy(view.memory.granted, "first");
  view.log.message_read = true;
  return view;
}

static struct kube_view view_of_job(void)
{
  struct kube_view view = view_of_nothing();
  view.pods = KUBE_ABSENT;
  view.job = KUBE_SEEN;
  return view;
}

static struct kube_decision decide(const struct kube_view *view)
{
  struct kube_decision decision;
  kube_decide(view, &decision);
  return decision;
}

#define assert_step(view, wanted) assert_int_equal(decide(view).step, wanted)
#define assert_told(view, wanted)                                                                                      \
  do {                                                                                                                 \
    assert_step(view, KUBE_TELL);                                                                                      \
    assert_string_equal(presence_name(decide(view).presence), presence_name(wanted));                                  \
  } while (0)
#define assert_says(view, words) assert_non_null(strstr(decide(view).text, words))

static void a_record_is_asked_nothing_about(void **state)
{
  (void)state;
  struct kube_view view = view_of_nothing();
  view.recorded = view.withdrawn = true;
  assert_told(&view, PRESENCE_DEAD);
}

static void what_is_being_withdrawn_is_pending(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.withdrawn = true;
  assert_told(&view, PRESENCE_PENDING);
  assert_says(&view, "withdrawn");
  view.reason = "no node has taken its pod";
  assert_says(&view, "no node");
}

static void pods_are_asked_for_first_and_the_job_where_there_is_none(void **state)
{
  (void)state;
  struct kube_view view = view_of_nothing();
  assert_step(&view, KUBE_ASK_PODS);
  view.pods = KUBE_ABSENT;
  assert_step(&view, KUBE_ASK_JOB);
}

static void a_pod_that_is_due_is_not_looked_for_until_a_watch_tells_of_it(void **state)
{
  (void)state;
  struct kube_view view = view_of_nothing();
  view.memory.made = seconds(NOW_S - 2);
  assert_step(&view, KUBE_ASK_PODS);
  view.untold = true;
  assert_told(&view, PRESENCE_PENDING);
  assert_says(&view, "being made");
  view.memory.made = seconds(NOW_S - 4);
  assert_step(&view, KUBE_ASK_PODS);
  view.memory.made = seconds(NOW_S - 2);
  strcpy(view.memory.granted, "first");
  assert_step(&view, KUBE_ASK_PODS);
}

static void an_error_says_nothing_even_of_what_ran(void **state)
{
  (void)state;
  struct kube_view view = view_of_nothing();
  view.memory.ran = view.memory.given_up = true;
  view.pods = KUBE_ERROR;
  assert_told(&view, PRESENCE_UNKNOWN);
  assert_says(&view, "says nothing");
  view.pods = KUBE_ABSENT;
  view.job = KUBE_ERROR;
  assert_told(&view, PRESENCE_UNKNOWN);
}

static void a_pod_that_runs_is_running_whatever_its_job_says(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_RUNNING);
  view.job = KUBE_SEEN;
  view.job_seen.failed = view.job_seen.complete = view.job_seen.deleted = true;
  assert_told(&view, PRESENCE_RUNNING);
  assert_true(decide(&view).memory.ran);
  view.pod.deleted = true; /* its keeper is about to write its record */
  assert_told(&view, PRESENCE_RUNNING);
}

static void what_runs_on_a_node_that_is_gone_is_dead_after_a_while(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_RUNNING);
  view.pod.deleted = view.pod.node_done = true;
  assert_told(&view, PRESENCE_RUNNING);
  view.memory = decide(&view).memory;
  view.now = mono_add_ms(view.now, 59 * 1000);
  assert_told(&view, PRESENCE_RUNNING); /* a node that is there has more to tell */
  view.begun = view.now = mono_add_ms(view.now, 1000);
  assert_step(&view, KUBE_READ_LOG);
  view.log.absent = view.log.sealed = true;
  view.log.tries = 1;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "by force");
}

static void no_log_is_read_where_all_of_it_is_in_the_message(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.log.message_read = false;
  view.followed = true;
  assert_step(&view, KUBE_READ_MESSAGE);
  view.log.message_read = view.log.recorded = true;
  assert_step(&view, KUBE_SEAL_LOG);
}

static void the_log_of_what_has_ended_is_read_until_it_has_a_record(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  assert_step(&view, KUBE_READ_LOG);
  assert_true(decide(&view).memory.ran);
  unsigned delay_ms = 0;
  for (view.log.tries = 1; view.log.tries < 4; view.log.tries++) { /* 200 with an error text, or half of it */
    assert_step(&view, KUBE_READ_LOG);
    assert_true(decide(&view).delay_ms > delay_ms);
    delay_ms = decide(&view).delay_ms;
  }
  assert_step(&view, KUBE_SEAL_LOG);
  view.log.tries = 1;
  view.log.recorded = true;
  assert_step(&view, KUBE_SEAL_LOG);
  view.log.sealed = true;
  assert_told(&view, PRESENCE_DEAD);
  assert_string_equal(decide(&view).text, "");
}

static void a_log_that_is_gone_or_of_a_keeper_that_failed_is_not_read_again(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.log.tries = 1;
  view.log.absent = true;
  assert_step(&view, KUBE_SEAL_LOG);
  view.log.absent = false;
  view.log.failure = "no such file";
  assert_step(&view, KUBE_SEAL_LOG);
}

static void a_log_that_is_out_of_reach_says_nothing_and_is_asked_for_a_while(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.log.out_of_reach = true;
  assert_step(&view, KUBE_READ_LOG);
  assert_true(decide(&view).delay_ms > 0);
  view.log.tries = 3; /* it was there before */
  view.begun = seconds(NOW_S - 30);
  assert_step(&view, KUBE_READ_LOG);
  view.begun = seconds(NOW_S - 60);
  assert_step(&view, KUBE_READ_LOG); /* as one that was there with half of it */
  view.log.tries = 0;
  assert_step(&view, KUBE_SEAL_LOG);
}

static void a_log_that_is_followed_may_bring_the_rest(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.followed = true;
  assert_step(&view, KUBE_LOOK_AGAIN);
  view.begun = seconds(NOW_S - 5);
  assert_step(&view, KUBE_READ_LOG);
}

static void why_there_is_no_record_is_said_by_who_knows_best(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.log.sealed = true;
  view.log.tries = 4;
  view.pod.exit_code = 137;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "exit code 137");
  view.pod.deleted = true;
  assert_says(&view, "deleted by somebody else");
  view.log.forged = true;
  assert_says(&view, "not its keeper's");
  view.pod.killed = true;
  assert_says(&view, "out of memory");
  view.log.failure = "no such\nfile";
  assert_says(&view, "started nothing: no such file");
  view.pod.failed = true;
  strcpy(view.pod.reason, "Evicted");
  strcpy(view.pod.text, "Evicted: the node was low on resource: memory");
  assert_says(&view, "Kubernetes has ended its pod: Evicted");
}

static void a_pod_that_never_ran_is_dead(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_UNSTARTED);
  char message[] = "no Secret";
  view.pod.message = message;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "before the program was started: no Secret");
  assert_false(decide(&view).memory.ran);
  view.pod.deleted = true; /* and its Secret with it */
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "its pod was deleted before the program was started");
}

static void a_pod_that_is_deleted_before_it_ran_is_dead_once_that_is_certain(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_WAITING);
  view.pod.deleted = true;
  assert_step(&view, KUBE_LOOK_AGAIN); /* its node may be about to start it */
  view.memory = decide(&view).memory;
  view.now.us += 7000000;
  assert_step(&view, KUBE_LOOK_AGAIN);
  view.now.us += 1500000;
  assert_told(&view, PRESENCE_DEAD);
  view = view_of_pod(POD_WAITING);
  view.pod.deleted = view.pod.node_done = true;
  assert_told(&view, PRESENCE_DEAD);
  view.pod.node_done = view.pod.scheduled = false;
  assert_told(&view, PRESENCE_DEAD);
}

static void the_pod_that_waits_first_is_granted_and_no_other_counts_then(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_WAITING);
  view.memory.granted[0] = 0;
  view.pod.granted = false;
  assert_step(&view, KUBE_GRANT);
  assert_string_equal(decide(&view).memory.granted, "first");
  view.memory = decide(&view).memory;
  view.grant = KUBE_ERROR; /* it may have it all the same */
  assert_told(&view, PRESENCE_UNKNOWN);
  view.grant = KUBE_SEEN;
  view.pod.granted = true;
  assert_told(&view, PRESENCE_PENDING);
  struct pod_seen other = {.uid = "second"};
  assert_true(kube_memory_considers(&view.memory, &view.pod));
  assert_false(kube_memory_considers(&view.memory, &other));
}

static void what_was_never_granted_is_dead_as_soon_as_it_is_deleted(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_WAITING);
  view.memory.granted[0] = 0;
  view.pod.granted = false;
  view.pod.deleted = true;
  assert_told(&view, PRESENCE_DEAD);
}

/* Nobody has seen it run, and nobody knows that it has not. */
static void what_was_granted_and_is_gone_is_dead(void **state)
{
  (void)state;
  struct kube_view view = view_of_job();
  strcpy(view.memory.granted, "first");
  assert_step(&view, KUBE_ASK_PODS);
  view.pods_again = true;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "deleted by somebody else");
  view.job = KUBE_ABSENT;
  assert_told(&view, PRESENCE_DEAD);
}

static void a_pod_that_waits_is_pending_and_says_for_what(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_WAITING);
  assert_told(&view, PRESENCE_PENDING);
  assert_says(&view, "is being started");
  view.pod.waits_for = WAITS_FOR_IMAGE;
  strcpy(view.pod.text, "ErrImagePull: no such host");
  assert_told(&view, PRESENCE_PENDING);
  assert_says(&view, "no such host");
}

static void what_waits_too_long_is_withdrawn(void **state)
{
  (void)state;
  static const struct {
    enum pod_wait waits_for;
    unsigned ms_max;
    bool refused;
  } rows[] = {
    {WAITS_FOR_NODE, SCHEDULE_MS, false},
    {WAITS_FOR_IMAGE, PULL_MS, true},
    {WAITS_FOR_KEEPER_IMAGE, PULL_MS, false},
    {WAITS_FOR_CONTAINER, PULL_MS, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct kube_view view = view_of_pod(POD_WAITING);
    view.pod.waits_for = rows[i].waits_for;
    assert_told(&view, PRESENCE_PENDING);
    view.memory = decide(&view).memory;
    view.now = mono_add_ms(view.now, rows[i].ms_max - 1);
    assert_told(&view, PRESENCE_PENDING);
    view.now = mono_add_ms(view.now, 1);
    assert_step(&view, KUBE_WITHDRAW);
    assert_int_equal(decide(&view).refused, rows[i].refused);
    assert_int_equal(decide(&view).memory.given_up, !rows[i].refused);
  }
}

static void waiting_for_something_else_begins_anew(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_WAITING);
  view.pod.waits_for = WAITS_FOR_NODE;
  view.memory = decide(&view).memory;
  view.now = mono_add_ms(view.now, PULL_MS);
  view.pod.waits_for = WAITS_FOR_IMAGE;
  assert_told(&view, PRESENCE_PENDING);
  view.memory = decide(&view).memory;
  assert_int_equal(view.memory.waiting_since.us, view.now.us);
  view.pod.state = POD_RUNNING;
  assert_int_equal(decide(&view).memory.waiting_since.us, 0);
}

static void a_job_without_a_pod_is_pending_and_the_cluster_is_asked_why(void **state)
{
  (void)state;
  struct kube_view view = view_of_job();
  assert_told(&view, PRESENCE_PENDING);
  view.memory = decide(&view).memory;
  view.now = mono_add_ms(view.now, 2000);
  assert_told(&view, PRESENCE_PENDING);
  view.now = mono_add_ms(view.now, 2000);
  assert_step(&view, KUBE_ASK_EVENTS);
  view.events = KUBE_SEEN;
  strcpy(view.event, "exceeded quota");
  assert_told(&view, PRESENCE_PENDING);
  assert_says(&view, "made no pod for it: exceeded quota");
  view.memory = decide(&view).memory;
  view.now = mono_add_ms(view.now, SCHEDULE_MS);
  assert_step(&view, KUBE_WITHDRAW);
  assert_false(decide(&view).refused);
}

static void a_job_that_has_ended_or_is_deleted_is_dead_without_a_pod(void **state)
{
  (void)state;
  struct kube_view view = view_of_job();
  view.job_seen.failed = true;
  assert_step(&view, KUBE_ASK_PODS); /* one may have come behind the list */
  view.pods_again = true;
  strcpy(view.job_seen.text, "BackoffLimitExceeded");
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "BackoffLimitExceeded");
  view = view_of_job();
  view.pods_again = true;
  view.job_seen.complete = true;
  assert_told(&view, PRESENCE_DEAD);
  view = view_of_job();
  view.pods_again = true;
  view.job_seen.deleted = true;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "Job was deleted");
  view.reason = "what is known already";
  assert_says(&view, "known already");
  view = view_of_job();
  view.memory.ran = true;
  assert_step(&view, KUBE_ASK_PODS);
  view.pods_again = true;
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "pod was deleted");
}

static void nothing_there_is_absent_unless_it_ran_or_was_given_up(void **state)
{
  (void)state;
  struct kube_view view = view_of_nothing();
  view.pods = view.job = KUBE_ABSENT;
  assert_told(&view, PRESENCE_ABSENT);
  view.memory.ran = true;
  assert_told(&view, PRESENCE_DEAD);
  view.memory.ran = false;
  view.memory.given_up = true;
  view.reason = "no node has taken its pod";
  assert_told(&view, PRESENCE_DEAD);
  assert_says(&view, "no node");
}

static void of_two_pods_the_one_that_may_run_counts_and_then_the_older(void **state)
{
  (void)state;
  const struct pod_seen unstarted = {.state = POD_UNSTARTED, .made_at = "2026-11-30T00:00:00Z"},
                        leaving = {.state = POD_WAITING, .deleted = true, .made_at = "2026-11-30T00:00:01Z"},
                        waits = {.state = POD_WAITING, .made_at = "2026-11-30T00:00:02Z"},
                        younger = {.state = POD_WAITING, .made_at = "2026-11-30T00:00:03Z"};
  const struct pod_seen *in_order[] = {&waits, &younger, &leaving, &unstarted};
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < 4; j++)
      assert_int_equal(pod_outweighs(in_order[i], in_order[j]), i < j);
  const struct pod_seen undated = {.state = POD_WAITING};
  assert_false(pod_outweighs(&waits, &undated) || pod_outweighs(&undated, &waits));
}

static void what_a_watch_has_told_is_asked_for_before_anything_is_ended_for_it(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_RUNNING);
  view.told = true;
  assert_told(&view, PRESENCE_RUNNING);
  view.pod.state = POD_UNSTARTED;
  assert_step(&view, KUBE_ASK_PODS);
  assert_false(decide(&view).memory.ran);
  view.pod.state = POD_WAITING;
  assert_told(&view, PRESENCE_PENDING);
  view.pod.waits_for = WAITS_FOR_IMAGE;
  view.memory = (struct kube_memory){.waits_for = WAITS_FOR_IMAGE, .waiting_since = seconds(1)};
  assert_step(&view, KUBE_ASK_PODS); /* and not withdrawn */
  assert_false(decide(&view).memory.given_up);
  view.told = false;
  assert_step(&view, KUBE_WITHDRAW);
}

static void what_a_watch_has_told_is_enough_for_a_record_and_not_for_none(void **state)
{
  (void)state;
  struct kube_view view = view_of_pod(POD_ENDED);
  view.told = true;
  assert_step(&view, KUBE_READ_LOG);
  assert_true(decide(&view).memory.ran);
  view.log.tries = 1;
  view.log.recorded = true;
  assert_step(&view, KUBE_SEAL_LOG);
  view.log.sealed = true;
  assert_told(&view, PRESENCE_DEAD);
  view.log = (struct kube_log){.message_read = true, .tries = 1, .absent = true, .failure = ""};
  assert_step(&view, KUBE_ASK_PODS);
  view.log = (struct kube_log){.message_read = true, .failure = ""};
  view.pod.failed = true;
  assert_step(&view, KUBE_ASK_PODS); /* and its log then */
  view.log = (struct kube_log){.message_read = true, .tries = 1, .absent = true, .failure = ""};
  view.told = false;
  assert_step(&view, KUBE_SEAL_LOG);
}

static void who_stopped_it_is_said_where_it_was_us_or_the_cluster(void **state)
{
  (void)state;
  struct pod_seen pod = {0};
  struct record record = {.evidence_errno = ECANCELED, .message = "ended from outside"};
  kube_say_who_stopped_it(&record, KILLED_CANCELLED, "", &pod);
  assert_int_equal(record.evidence_errno, 0);
  assert_int_equal(record.killed, KILLED_CANCELLED);
  assert_string_equal(record.message, "");
  record = (struct record){.evidence_errno = ECANCELED};
  kube_say_who_stopped_it(&record, KILLED_NONE, "", &pod);
  assert_int_equal(record.evidence_errno, ECANCELED);
  assert_string_equal(record.message, "its pod was deleted by somebody else");
  strcpy(pod.reason, "Preempting");
  strcpy(pod.text, "Preempting: for another");
  kube_say_who_stopped_it(&record, KILLED_NONE, "", &pod);
  assert_string_equal(record.message, "Kubernetes has ended its pod: Preempting: for another");
  record = (struct record){.evidence_errno = ECANCELED};
  kube_say_who_stopped_it(&record, KILLED_DEADLINE, "Kubernetes has ended its pod: Evicted", &pod);
  assert_int_equal(record.evidence_errno, ECANCELED);
  assert_string_equal(record.message, "Kubernetes has ended its pod: Evicted");
  kube_say_who_stopped_it(&record, KILLED_CANCELLED, "Kubernetes has ended its pod: Evicted", &pod);
  assert_int_equal(record.killed, KILLED_CANCELLED);
  record = (struct record){.killed = KILLED_WALL_TIME}; /* its own doing, before we came */
  kube_say_who_stopped_it(&record, KILLED_CANCELLED, "", &pod);
  assert_int_equal(record.killed, KILLED_WALL_TIME);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_record_is_asked_nothing_about),
    cmocka_unit_test(what_is_being_withdrawn_is_pending),
    cmocka_unit_test(pods_are_asked_for_first_and_the_job_where_there_is_none),
    cmocka_unit_test(a_pod_that_is_due_is_not_looked_for_until_a_watch_tells_of_it),
    cmocka_unit_test(an_error_says_nothing_even_of_what_ran),
    cmocka_unit_test(a_pod_that_runs_is_running_whatever_its_job_says),
    cmocka_unit_test(what_runs_on_a_node_that_is_gone_is_dead_after_a_while),
    cmocka_unit_test(no_log_is_read_where_all_of_it_is_in_the_message),
    cmocka_unit_test(the_log_of_what_has_ended_is_read_until_it_has_a_record),
    cmocka_unit_test(a_log_that_is_gone_or_of_a_keeper_that_failed_is_not_read_again),
    cmocka_unit_test(a_log_that_is_out_of_reach_says_nothing_and_is_asked_for_a_while),
    cmocka_unit_test(a_log_that_is_followed_may_bring_the_rest),
    cmocka_unit_test(why_there_is_no_record_is_said_by_who_knows_best),
    cmocka_unit_test(a_pod_that_never_ran_is_dead),
    cmocka_unit_test(a_pod_that_is_deleted_before_it_ran_is_dead_once_that_is_certain),
    cmocka_unit_test(the_pod_that_waits_first_is_granted_and_no_other_counts_then),
    cmocka_unit_test(what_was_never_granted_is_dead_as_soon_as_it_is_deleted),
    cmocka_unit_test(what_was_granted_and_is_gone_is_dead),
    cmocka_unit_test(a_pod_that_waits_is_pending_and_says_for_what),
    cmocka_unit_test(what_waits_too_long_is_withdrawn),
    cmocka_unit_test(waiting_for_something_else_begins_anew),
    cmocka_unit_test(a_job_without_a_pod_is_pending_and_the_cluster_is_asked_why),
    cmocka_unit_test(a_job_that_has_ended_or_is_deleted_is_dead_without_a_pod),
    cmocka_unit_test(nothing_there_is_absent_unless_it_ran_or_was_given_up),
    cmocka_unit_test(of_two_pods_the_one_that_may_run_counts_and_then_the_older),
    cmocka_unit_test(what_a_watch_has_told_is_asked_for_before_anything_is_ended_for_it),
    cmocka_unit_test(what_a_watch_has_told_is_enough_for_a_record_and_not_for_none),
    cmocka_unit_test(who_stopped_it_is_said_where_it_was_us_or_the_cluster),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
