/*
 * Looking at an attempt: its evidence, then its pods, then its Job; and when its program's container has ended, its log, which
 * becomes evidence.
 *
 *   record                                  it has ended: nobody is asked
 *   pod   runs                              it runs
 *         ended                             its log is read; dead, with or without a record
 *         waits                             pending; for too long: withdrawn, and then absent (the request's fault, which
 *                                           the next launch says) or dead (the platform's)
 *         unstarted, or deleted in time     dead: nothing was started
 *   no pod   Job                            pending: Kubernetes is about to make one; or not, as with a pod that waits
 *            Job failed or deleted          dead
 *            no Job                         absent: nothing was started, and it may be launched; or dead, where it had run
 *   anything else                           unknown
 *
 * Only the pod tells that its container has ended. A Job's conditions may come before that (FailureTarget and SuccessCriteriaMet
 * do), and after its pod is gone. The log is not believed but for its frames, and the record not without its seal.
 */

#include "backend/kubernetes/kubernetes_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  LOG_TRIES = 4,        /* to read a log with everything in it */
  LOG_RETRY_MS = 300,   /* and twice that, … */
  FOLLOW_MS_MAX = 4000, /* how long the end of a log that is followed is waited for */
  DELETED_MS = 2000,    /* a pod that is deleted and not seen to run by then will not */
  RETRY_MS = 200,
  MAKING_MS = 3000,   /* how long Kubernetes may take to make a pod before it is asked why */
  STARTING_MS = 5000, /* a pod that takes longer is fetching something */
};

struct look {
  struct known *known;
  struct cluster_call *call;
  struct timer *timer;
  struct log_evidence *log;
  struct pod_seen pod; /* once it was listed */
  unsigned tries;
  struct mono begun;
  bool again; /* it was asked for once more meanwhile */
};

void kube_look_abandon(struct look *look)
{
  if (!look)
    return;
  cluster_call_cancel(look->call);
  timer_destroy(look->timer);
  log_evidence_close(look->log);
  pod_seen_release(&look->pod);
  look->known->look = 0;
  free(look);
}

/* Answering. */

static void end_look(struct look *look)
{
  struct known *known = look->known;
  struct kubernetes *kubernetes = known->kubernetes;
  bool again = look->again;
  struct name name = known->name;
  kube_look_abandon(look);
  kube_known_let_go(known);
  if (again)
    answers_add(kubernetes->answers, ANSWER_OBSERVED, name, LAUNCH_UNKNOWN, 0);
}

static void tell(struct look *look, enum presence presence, const struct evidence *evidence, const char *progress,
                 const char *reason)
{
  const struct known *known = look->known;
  const struct backend_events *events = &known->kubernetes->backend.events;
  struct observation seen = {
    .presence = presence,
    .started = evidence->started || known->ran,
    .started_at = evidence->marker.at,
    .isolation = evidence->recorded ? evidence->record.isolation : 0,
    .record = evidence->recorded ? &evidence->record : 0,
    .outputs = presence == PRESENCE_DEAD ? evidence->outputs : 0,
    .progress = progress,
    .platform_reason = reason && *reason ? reason : 0,
  };
  events->observed(events->context, known->name, &seen);
  end_look(look);
}

static void tell_only(struct look *look, enum presence presence, const char *progress, const char *reason)
{
  tell(look, presence, &(struct evidence){0}, progress, reason);
}

static void tell_unknown(struct look *look, const char *why)
{
  tell_only(look, PRESENCE_UNKNOWN, 0, why);
}

/* A keeper in a pod knows no more than that somebody wanted the end (wire/pod.h). Where that was us, we know why. */
static void say_who_stopped_it(const struct look *look, struct record *record)
{
  const struct known *known = look->known;
  const enum kill_reason reason = kube_known_kill_reason(known);
  const struct pod_seen *pod = &look->pod;
  if (record->evidence_errno != ECANCELED)
    return;
  if (reason != KILLED_NONE) {
    record->evidence_errno = 0;
    record->killed = reason;
    record->message[0] = 0;
  } else if (pod->reason[0]) {
    snprintf(record->message, sizeof record->message, "Kubernetes has ended its pod: %.200s", pod->text);
  } else {
    snprintf(record->message, sizeof record->message, "its pod was deleted by somebody else");
  }
}

/* Dead, with what there is of evidence. */
static void tell_dead(struct look *look, const char *reason)
{
  const struct known *known = look->known;
  const struct kubernetes *kubernetes = known->kubernetes;
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  struct error error;
  if (evidence_read(kubernetes->attempts_fd, known->name, &evidence, &error) &&
      evidence_read_outputs(kubernetes->attempts_fd, kubernetes->attempts_path, known->name, &evidence, &error)) {
    if (evidence.recorded)
      say_who_stopped_it(look, &evidence.record);
    tell(look, PRESENCE_DEAD, &evidence, 0, evidence.problem[0] ? evidence.problem : reason);
  } else {
    tell_unknown(look, error.message);
  }
}

/* The log of a container that has ended. */

static void reason_of_death(const struct look *look, const struct log_evidence_state *state,
                            char text[static REASON_SIZE])
{
  const struct pod_seen *pod = &look->pod;
  if (pod->failed && pod->reason[0])
    snprintf(text, REASON_SIZE, "Kubernetes has ended its pod: %.200s", pod->text);
  else if (state->failure[0])
    snprintf(text, REASON_SIZE, "its keeper started nothing: %.200s", state->failure);
  else if (pod->killed)
    snprintf(text, REASON_SIZE, "its pod ran out of memory, and its keeper was killed");
  else if (state->forged)
    snprintf(text, REASON_SIZE, "the record in its log is not its keeper's");
  else if (pod->deleted)
    snprintf(text, REASON_SIZE, "its pod was deleted by somebody else");
  else
    snprintf(text, REASON_SIZE, "its container ended (exit code %d) and left no record", pod->exit_code);
}

static void gather(void *context);

static void seal(struct look *look)
{
  struct error error;
  char reason[REASON_SIZE];
  if (!log_evidence_seal(look->log, look->pod.message, &error)) {
    tell_unknown(look, error.message);
    return;
  }
  reason_of_death(look, log_evidence_state(look->log), reason);
  log_evidence_close(look->log);
  look->log = 0;
  tell_dead(look, reason);
}

/* There may be more to come: the kubelet is away, or has not written all of it yet. */
static bool worth_another_try(const struct look *look, const struct cluster_answer *answer)
{
  const struct log_evidence_state *state = log_evidence_state(look->log);
  bool nothing_left = answer->outcome == CLUSTER_ABSENT || state->failure[0];
  return !state->recorded && !nothing_left && look->tries < LOG_TRIES;
}

static void on_log_end(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  look->call = 0;
  look->tries++;
  if (worth_another_try(look, answer))
    timer_set(look->timer, (uint64_t)LOG_RETRY_MS << look->tries);
  else
    seal(look);
}

static bool on_log(void *context, const void *bytes, size_t size)
{
  struct look *look = context;
  return log_evidence_feed(look->log, bytes, size, 0);
}

static void conclude_ended(struct look *look);

static void gather(void *context)
{
  struct look *look = context;
  struct known *known = look->known;
  struct error error;
  if (!look->log && !(look->log = kubernetes_open_log(known->kubernetes, known->name, &error))) {
    tell_unknown(look, error.message);
    return;
  }
  log_evidence_rewind(look->log);
  look->call = call_read_log(known->kubernetes, look->pod.name, false, on_log, on_log_end, look);
}

static void set_timer(struct look *look, void (*ring)(void *context), uint64_t ms)
{
  timer_destroy(look->timer);
  look->timer = timer_make(look->known->kubernetes->loop, ring, look);
  timer_set(look->timer, ms);
}

static void begin_look(void *context);

static bool within(const struct look *look, unsigned ms)
{
  return mono_now().us < mono_add_ms(look->begun, ms).us;
}

static void conclude_ended(struct look *look)
{
  struct known *known = look->known;
  kube_known_ran(known);
  kube_known_waits(known, WAITS_NORMALLY);
  if (known->follow && within(look, FOLLOW_MS_MAX)) { /* it may bring all of it in a moment */
    set_timer(look, begin_look, RETRY_MS);
    return;
  }
  kube_follow_abandon(known->follow);
  set_timer(look, gather, 0);
}

/* What waits. */

static void give_up(struct look *look, bool requests_fault)
{
  struct known *known = look->known;
  char *text = requests_fault ? known->refusal : known->reason;
  static const char *const what[] = {
    [WAITS_NORMALLY] = "its pod does not start",
    [WAITS_FOR_NODE] = "no node has taken its pod",
    [WAITS_FOR_IMAGE] = "its image cannot be had",
    [WAITS_FOR_KEEPER_IMAGE] = "the keeper's image cannot be had",
    [WAITS_FOR_CONTAINER] = "its container cannot be made",
  };
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "%s: %.200s", what[known->waits_for], look->pod.text);
  snprintf(text, REASON_SIZE, "%s", reason);
  known->given_up = !requests_fault;
  kube_withdraw(known);
  tell_only(look, PRESENCE_PENDING, reason, 0);
}

/* A pod that takes its time is pulling an image, or its node is busy: nothing of it is wrong. */
static const char *progress_of(struct known *known)
{
  const struct mono now = mono_now();
  if (!known->pending_since.us)
    known->pending_since = now;
  return now.us < mono_add_ms(known->pending_since, STARTING_MS).us ? 0 : "its pod is being started";
}

static void conclude_waiting(struct look *look, enum pod_wait waits_for)
{
  struct known *known = look->known;
  const struct kubernetes *kubernetes = known->kubernetes;
  kube_known_waits(known, waits_for);
  unsigned ms_max = waits_for == WAITS_FOR_NODE ? kubernetes->schedule_ms_max : kubernetes->pull_ms_max;
  if (kube_known_waited(known, ms_max))
    give_up(look, waits_for == WAITS_FOR_IMAGE);
  else
    tell_only(look, PRESENCE_PENDING, waits_for == WAITS_NORMALLY ? progress_of(known) : look->pod.text, 0);
}

/* Somebody, perhaps we, wants it away before it ran. */
static void conclude_deleted(struct look *look)
{
  struct known *known = look->known;
  const struct pod_seen *pod = &look->pod;
  struct mono now = mono_now();
  if (!known->deleted_since.us)
    known->deleted_since = now;
  bool over = !pod->scheduled || pod->node_done || now.us >= mono_add_ms(known->deleted_since, DELETED_MS).us;
  if (over)
    tell_dead(look, known->reason[0] ? known->reason : "its pod was deleted before the program was started");
  else
    set_timer(look, begin_look, RETRY_MS);
}

static void conclude_unstarted(struct look *look)
{
  const struct pod_seen *pod = &look->pod;
  const char *said = pod->message ? pod->message : pod->text;
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "its pod ended before the program was started: %.180s", said);
  for (char *c = reason; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      *c = ' ';
  tell_dead(look, reason);
}

static void conclude_pod(struct look *look)
{
  struct known *known = look->known;
  switch (look->pod.state) {
  case POD_RUNNING:
    kube_known_ran(known);
    kube_known_waits(known, WAITS_NORMALLY);
    tell_only(look, PRESENCE_RUNNING, 0, 0);
    break;
  case POD_ENDED:
    conclude_ended(look);
    break;
  case POD_UNSTARTED:
    conclude_unstarted(look);
    break;
  case POD_WAITING:
    if (look->pod.deleted)
      conclude_deleted(look);
    else
      conclude_waiting(look, look->pod.waits_for);
    break;
  }
}

/* Without a pod. */

static void on_events(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  look->call = 0;
  const json_t *items = json_object_get(answer->body, "items");
  const json_t *last = json_array_get(items, json_array_size(items) - 1);
  const char *message = json_string_value(json_object_get(last, "message"));
  snprintf(look->pod.text, sizeof look->pod.text, "Kubernetes has made no pod for it%s%.180s", message ? ": " : "",
           message ? message : "");
  for (char *c = look->pod.text; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      *c = ' ';
  conclude_waiting(look, WAITS_FOR_NODE);
}

static void conclude_job(struct look *look, const struct job_seen *job)
{
  struct known *known = look->known;
  char reason[REASON_SIZE] = "its Job was deleted by somebody else";
  if (job->failed || job->complete)
    snprintf(reason, sizeof reason, "its Job ended and there is no pod of it: %.180s", job->text);
  if (job->failed || job->complete || job->deleted)
    tell_dead(look, known->reason[0] ? known->reason : reason);
  else if (known->ran)
    tell_dead(look, "its pod was deleted by somebody else");
  else if (!known->waiting_since.us) {
    known->waiting_since = mono_now();
    tell_only(look, PRESENCE_PENDING, 0, 0);
  } else if (kube_known_waited(known, MAKING_MS)) {
    look->call = call_list_events(known->kubernetes, known->name, on_events, look);
  } else {
    tell_only(look, PRESENCE_PENDING, 0, 0);
  }
}

static void conclude_nothing(struct look *look)
{
  const struct known *known = look->known;
  if (known->given_up)
    tell_dead(look, known->reason);
  else if (known->ran)
    tell_dead(look, "its Job and its pod were deleted by somebody else");
  else
    tell_only(look, PRESENCE_ABSENT, 0, known->reason);
}

static void on_job(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  struct job_seen job;
  struct error error;
  look->call = 0;
  if (answer->outcome == CLUSTER_ABSENT)
    conclude_nothing(look);
  else if (answer->outcome != CLUSTER_DONE)
    tell_unknown(look, answer->message);
  else if (!job_inspect(answer->body, &job, &error))
    tell_unknown(look, error.message);
  else
    conclude_job(look, &job);
}

static void on_pods(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  const struct known *known = look->known;
  struct error error;
  unsigned count;
  look->call = 0;
  pod_seen_release(&look->pod);
  if (answer->outcome != CLUSTER_DONE)
    tell_unknown(look, answer->message);
  else if (!pods_choose(answer->body, &look->pod, &count, &error))
    tell_unknown(look, error.message);
  else if (count)
    conclude_pod(look);
  else
    look->call = call_get_job(known->kubernetes, known->name, false, on_job, look);
}

static void begin_look(void *context)
{
  struct look *look = context;
  const struct known *known = look->known;
  const struct kubernetes *kubernetes = known->kubernetes;
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  struct error error;
  if (!evidence_read(kubernetes->attempts_fd, known->name, &evidence, &error))
    tell_unknown(look, error.message);
  else if (evidence.recorded)
    tell_dead(look, 0);
  else if (known->removal)
    tell_only(look, PRESENCE_PENDING, known->reason[0] ? known->reason : "it is being withdrawn", 0);
  else
    look->call = call_list_pods(known->kubernetes, known->name, false, on_pods, look);
}

void kubernetes_look(struct kubernetes *kubernetes, struct name name)
{
  struct known *known = kube_known_get(kubernetes, name);
  if (known->look) { /* what it saw may be older than the question */
    known->look->again = true;
    return;
  }
  struct look *look = known->look = xcalloc(1, sizeof *look);
  look->known = known;
  look->begun = mono_now();
  look->timer = timer_make(kubernetes->loop, begin_look, look);
  begin_look(look);
}
