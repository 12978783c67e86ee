#include "backend/kubernetes/decide.h"
#include "base/printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
  LOG_TRIES = 4,           /* to read a log with everything in it */
  LOG_RETRY_MS = 300,      /* and twice that, … */
  FOLLOW_MS_MAX = 4000,    /* how long the end of a log that is followed is waited for */
  LOG_AWAY_MS_MAX = 40000, /* how long a log that is out of reach is asked for; then what there is has to do */
  DELETED_MS = 8000,       /* a pod that is deleted and not seen to run by then will not */
  FORCED_MS = 60000,       /* of one that ran and was deleted by force, its node would have told by then */
  RETRY_MS = 200,
  MAKING_MS = 3000, /* how long Kubernetes may take to make a pod before it is asked why */
};

/* The pod that may yet run says more than the one that never will. */
static int weight(const struct pod_seen *pod)
{
  if (pod->state == POD_UNSTARTED)
    return 0;
  return pod->state == POD_WAITING && pod->deleted ? 1 : 2;
}

bool pod_outweighs(const struct pod_seen *pod, const struct pod_seen *other)
{
  if (weight(pod) != weight(other))
    return weight(pod) > weight(other);
  return pod->made_at[0] && other->made_at[0] && strcmp(pod->made_at, other->made_at) < 0;
}

bool kube_memory_considers(const struct kube_memory *memory, const struct pod_seen *pod)
{
  return !memory->granted[0] || !strcmp(memory->granted, pod->uid);
}

static bool may_have_run(const struct kube_memory *memory)
{
  return memory->ran || memory->granted[0];
}

void kube_memory_waits(struct kube_memory *memory, enum pod_wait waits_for, struct mono now)
{
  if (memory->waits_for == waits_for && (memory->waiting_since.us || waits_for == WAITS_NORMALLY))
    return;
  memory->waits_for = waits_for;
  memory->waiting_since.us = waits_for == WAITS_NORMALLY ? 0 : now.us;
}

static bool passed(const struct kube_view *view, struct mono since, unsigned ms)
{
  return since.us && view->now.us >= mono_add_ms(since, ms).us;
}

/* Deciding. */

__attribute__((format(printf, 3, 4))) static void tell(struct kube_decision *decision, enum presence presence,
                                                       const char *format, ...)
{
  decision->step = KUBE_TELL;
  decision->presence = presence;
  va_list args;
  va_start(args, format);
  // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is; https://github.com/llvm/llvm-project/issues/40656
  vsnprintf(decision->text, sizeof decision->text, format, args);
  va_end(args);
  printable(decision->text);
}

static void tell_only(struct kube_decision *decision, enum presence presence)
{
  decision->step = KUBE_TELL;
  decision->presence = presence;
}

static void later(struct kube_decision *decision, enum kube_step step, unsigned delay_ms)
{
  decision->step = step;
  decision->delay_ms = delay_ms;
}

/* A container that has ended, and its log. */

static void tell_dead_without_record(const struct kube_view *view, struct kube_decision *decision)
{
  const struct pod_seen *pod = &view->pod;
  if (pod->state == POD_RUNNING)
    tell(decision, PRESENCE_DEAD, "its pod was deleted by force, and its node says nothing more of it");
  else if (pod->failed && pod->reason[0])
    tell(decision, PRESENCE_DEAD, "Kubernetes has ended its pod: %.200s", pod->text);
  else if (view->log.failure[0])
    tell(decision, PRESENCE_DEAD, "its keeper started nothing: %.200s", view->log.failure);
  else if (pod->killed)
    tell(decision, PRESENCE_DEAD, "its pod ran out of memory, and its keeper was killed");
  else if (view->log.forged)
    tell(decision, PRESENCE_DEAD, "the record in its log is not its keeper's");
  else if (pod->deleted)
    tell(decision, PRESENCE_DEAD, "its pod was deleted by somebody else");
  else
    tell(decision, PRESENCE_DEAD, "its container ended (exit code %d) and left no record", pod->exit_code);
}

/* There may be more to come: the kubelet is away, or has not written all of it yet. */
static bool worth_another_try(const struct kube_log *log)
{
  return !log->recorded && !log->absent && !log->failure[0] && log->tries < LOG_TRIES;
}

static bool log_is_away(const struct kube_view *view)
{
  const struct kube_log *log = &view->log;
  return log->out_of_reach && !log->recorded && !passed(view, view->begun, LOG_AWAY_MS_MAX);
}

static void decide_ended(const struct kube_view *view, struct kube_decision *decision)
{
  const struct kube_log *log = &view->log;
  decision->memory.ran = true;
  kube_memory_waits(&decision->memory, WAITS_NORMALLY, view->now);
  if (log->sealed && log->recorded)
    tell_only(decision, PRESENCE_DEAD);
  else if (log->sealed)
    tell_dead_without_record(view, decision);
  else if (!log->message_read)
    decision->step = KUBE_READ_MESSAGE;
  else if (log_is_away(view) || (log->tries && worth_another_try(log)))
    later(decision, KUBE_READ_LOG, LOG_RETRY_MS << log->tries);
  else if (log->recorded || log->tries || log->out_of_reach)
    decision->step = KUBE_SEAL_LOG;
  else if (view->followed && !passed(view, view->begun, FOLLOW_MS_MAX))
    later(decision, KUBE_LOOK_AGAIN, RETRY_MS);
  else
    later(decision, KUBE_READ_LOG, 0);
}

/* What waits. */

static void give_up(struct kube_decision *decision, const char *text)
{
  static const char *const what[] = {
    [WAITS_NORMALLY] = "its pod does not start",
    [WAITS_FOR_NODE] = "no node has taken its pod",
    [WAITS_FOR_IMAGE] = "its image cannot be had",
    [WAITS_FOR_KEEPER_IMAGE] = "the keeper's image cannot be had",
    [WAITS_FOR_CONTAINER] = "its container cannot be made",
  };
  tell(decision, PRESENCE_PENDING, "%s: %.200s", what[decision->memory.waits_for], text);
  decision->step = KUBE_WITHDRAW;
  decision->refused = decision->memory.waits_for == WAITS_FOR_IMAGE;
  decision->memory.given_up = !decision->refused;
}

static void decide_waiting(const struct kube_view *view, struct kube_decision *decision, enum pod_wait waits_for,
                           const char *text)
{
  /* Its node is busy, or pulls an image: nothing of it is wrong, however long it takes. */
  static const char starting[] = "its pod is being started";
  struct kube_memory *memory = &decision->memory;
  kube_memory_waits(memory, waits_for, view->now);
  if (passed(view, memory->waiting_since, waits_for == WAITS_FOR_NODE ? view->schedule_ms_max : view->pull_ms_max))
    give_up(decision, text);
  else
    tell(decision, PRESENCE_PENDING, "%s", waits_for == WAITS_NORMALLY ? starting : text);
}

/* Once in each look. (A pod that was made before there were grants does not wait for one.) */
static void decide_ungranted(const struct kube_view *view, struct kube_decision *decision)
{
  if (view->grant == KUBE_NOT_ASKED) {
    decision->step = KUBE_GRANT;
    memcpy(decision->memory.granted, view->pod.uid, UID_SIZE);
  } else {
    tell(decision, PRESENCE_UNKNOWN, "%s", view->trouble); /* it may have it; the next look tries once more */
  }
}

static void tell_deleted(const struct kube_view *view, struct kube_decision *decision)
{
  tell(decision, PRESENCE_DEAD, "%s",
       view->reason[0] ? view->reason : "its pod was deleted before the program was started");
}

/* Somebody, perhaps we, wants it away before it ran. */
static void decide_deleted(const struct kube_view *view, struct kube_decision *decision)
{
  const struct pod_seen *pod = &view->pod;
  struct mono *since = &decision->memory.deleted_since;
  if (!since->us)
    *since = view->now;
  if (!view->memory.granted[0] || !pod->scheduled || pod->node_done || passed(view, *since, DELETED_MS))
    tell_deleted(view, decision);
  else
    later(decision, KUBE_LOOK_AGAIN, RETRY_MS);
}

/* What its containers say of a pod that is deleted, of files that are gone or of a signal, is what deleting did to them. */
static void decide_unstarted(const struct kube_view *view, struct kube_decision *decision)
{
  const struct pod_seen *pod = &view->pod;
  if (pod->deleted)
    tell_deleted(view, decision);
  else
    tell(decision, PRESENCE_DEAD, "its pod ended before the program was started: %.180s",
         pod->message ? pod->message : pod->text);
}

/* Deleting by force passes the node over, as Kubernetes does with pods whose node is gone. A node that is there tells all the same
 * what became of the container. */
static void decide_running(const struct kube_view *view, struct kube_decision *decision)
{
  struct kube_memory *memory = &decision->memory;
  memory->ran = true;
  kube_memory_waits(memory, WAITS_NORMALLY, view->now);
  if (view->pod.node_done && !memory->deleted_since.us)
    memory->deleted_since = view->now;
  if (view->pod.node_done && passed(view, memory->deleted_since, FORCED_MS))
    decide_ended(view, decision);
  else
    tell_only(decision, PRESENCE_RUNNING);
}

static void decide_by_pod(const struct kube_view *view, struct kube_decision *decision)
{
  const struct pod_seen *pod = &view->pod;
  switch (pod->state) {
  case POD_RUNNING:
    decide_running(view, decision);
    break;
  case POD_ENDED:
    decide_ended(view, decision);
    break;
  case POD_UNSTARTED:
    decide_unstarted(view, decision);
    break;
  case POD_WAITING:
    if (pod->deleted)
      decide_deleted(view, decision);
    else if (!pod->granted)
      decide_ungranted(view, decision);
    else
      decide_waiting(view, decision, pod->waits_for, pod->text);
    break;
  }
}

/* Without a pod. */

static const char being_made[] = "its pod is being made";

/* Looking for its pod among all the others is much work for the cluster, and a watch tells of it. */
static bool pod_is_due(const struct kube_view *view)
{
  const struct kube_memory *memory = &view->memory;
  return view->untold && memory->made.us && !passed(view, memory->made, MAKING_MS) && !may_have_run(memory);
}

static void decide_without_pod(const struct kube_view *view, struct kube_decision *decision)
{
  struct kube_memory *memory = &decision->memory;
  if (!memory->waiting_since.us)
    memory->waiting_since = view->now;
  if (!passed(view, memory->waiting_since, MAKING_MS)) {
    tell(decision, PRESENCE_PENDING, "%s", being_made);
  } else if (view->events == KUBE_NOT_ASKED) {
    decision->step = KUBE_ASK_EVENTS;
  } else {
    char text[REASON_SIZE];
    snprintf(text, sizeof text, "Kubernetes has made no pod for it%s%.180s", view->event[0] ? ": " : "", view->event);
    decide_waiting(view, decision, WAITS_FOR_NODE, text);
  }
}

static void decide_by_job(const struct kube_view *view, struct kube_decision *decision)
{
  const struct job_seen *job = &view->job_seen;
  const bool over = job->failed || job->complete || job->deleted || may_have_run(&view->memory);
  if (over && !view->pods_again)
    decision->step = KUBE_ASK_PODS;
  else if ((job->failed || job->complete || job->deleted) && view->reason[0])
    tell(decision, PRESENCE_DEAD, "%s", view->reason);
  else if (job->failed || job->complete)
    tell(decision, PRESENCE_DEAD, "its Job ended and there is no pod of it: %.180s", job->text);
  else if (job->deleted)
    tell(decision, PRESENCE_DEAD, "its Job was deleted by somebody else");
  else if (may_have_run(&view->memory))
    tell(decision, PRESENCE_DEAD, "its pod was deleted by somebody else");
  else
    decide_without_pod(view, decision);
}

static void decide_by_nothing(const struct kube_view *view, struct kube_decision *decision)
{
  if (view->memory.given_up)
    tell(decision, PRESENCE_DEAD, "%s", view->reason);
  else if (may_have_run(&view->memory))
    tell(decision, PRESENCE_DEAD, "its Job and its pod were deleted by somebody else");
  else
    tell(decision, PRESENCE_ABSENT, "%s", view->reason);
}

static void decide_without_pods(const struct kube_view *view, struct kube_decision *decision)
{
  switch (view->job) {
  case KUBE_NOT_ASKED:
    decision->step = KUBE_ASK_JOB;
    break;
  case KUBE_ERROR:
    tell(decision, PRESENCE_UNKNOWN, "%s", view->trouble);
    break;
  case KUBE_ABSENT:
    decide_by_nothing(view, decision);
    break;
  case KUBE_SEEN:
    decide_by_job(view, decision);
    break;
  }
}

static void decide_by_pods(const struct kube_view *view, struct kube_decision *decision)
{
  switch (view->pods) {
  case KUBE_NOT_ASKED:
    if (pod_is_due(view))
      tell(decision, PRESENCE_PENDING, "%s", being_made);
    else
      decision->step = KUBE_ASK_PODS;
    break;
  case KUBE_ERROR:
    tell(decision, PRESENCE_UNKNOWN, "%s", view->trouble);
    break;
  case KUBE_ABSENT:
    decide_without_pods(view, decision);
    break;
  case KUBE_SEEN:
    decide_by_pod(view, decision);
    break;
  }
}

/* Whether it makes an end of it that no record bears out; or is about to, as a pod that has failed leaves none, and says why for
 * as long as its node has not written over that. */
static bool ends_it(const struct kube_view *view, const struct kube_decision *decision)
{
  const bool dead = decision->step == KUBE_TELL && decision->presence == PRESENCE_DEAD;
  const bool recorded = view->recorded || view->log.recorded;
  return decision->step == KUBE_WITHDRAW ||
         (!recorded && (dead || decision->step == KUBE_SEAL_LOG || view->pod.failed));
}

static void ask_instead(const struct kube_view *view, struct kube_decision *decision)
{
  *decision = (struct kube_decision){.step = KUBE_ASK_PODS, .memory = view->memory};
}

void kube_decide(const struct kube_view *view, struct kube_decision *ret)
{
  ret->memory = view->memory;
  ret->delay_ms = 0;
  ret->refused = false;
  ret->text[0] = 0;
  if (view->recorded)
    tell_only(ret, PRESENCE_DEAD);
  else if (view->withdrawn)
    tell(ret, PRESENCE_PENDING, "%s", view->reason[0] ? view->reason : "it is being withdrawn");
  else
    decide_by_pods(view, ret);
  if (view->told && ends_it(view, ret))
    ask_instead(view, ret);
}

bool kube_is_outdated(enum presence presence, bool recorded)
{
  return !recorded && (presence == PRESENCE_ABSENT || presence == PRESENCE_DEAD);
}

void kube_say_who_stopped_it(struct record *record, enum kill_reason reason, const char *end,
                             const struct pod_seen *pod)
{
  const bool made_sure = reason == KILLED_DEADLINE && end[0];
  if (record->evidence_errno != ECANCELED)
    return;
  if (reason != KILLED_NONE && !made_sure) {
    record->evidence_errno = 0;
    record->killed = reason;
    record->message[0] = 0;
  } else if (made_sure) {
    snprintf(record->message, sizeof record->message, "%.200s", end);
  } else if (pod->reason[0]) {
    snprintf(record->message, sizeof record->message, "Kubernetes has ended its pod: %.200s", pod->text);
  } else {
    snprintf(record->message, sizeof record->message, "its pod was deleted by somebody else");
  }
}
