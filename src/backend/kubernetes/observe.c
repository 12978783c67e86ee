/*
 * Looking at an attempt: its evidence, then its pods, then its Job; and when its program's container has ended, its log,
 * which becomes evidence. What is asked next, and what it comes to, is decided in decide.h.
 */

#include "backend/kubernetes/kubernetes_impl.h"
#include "wire/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct look {
  struct known *known;
  struct cluster_call *call;
  struct timer *timer;
  struct log_evidence *log;
  struct kube_view view; /* what was said so far */
  char trouble[REASON_SIZE];
  bool again; /* it was asked for once more meanwhile */
};

void kube_look_abandon(struct look *look)
{
  if (!look)
    return;
  cluster_call_cancel(look->call);
  timer_destroy(look->timer);
  log_evidence_close(look->log);
  pod_seen_release(&look->view.pod);
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
    answers_tell(kubernetes->answers, ANSWER_OBSERVED, name);
}

static void tell(struct look *look, enum presence presence, const struct evidence *evidence, const char *progress,
                 const char *reason)
{
  struct known *known = look->known;
  const struct backend_events *events = &known->kubernetes->backend.events;
  const bool outdated = look->again && kube_is_outdated(presence, evidence->recorded);
  struct observation seen = {
    .presence = presence,
    .started = evidence->started || known->memory.ran,
    .started_at = evidence->marker.at,
    .isolation = evidence->recorded ? evidence->record.isolation : 0,
    .record = evidence->recorded ? &evidence->record : 0,
    .outputs = presence == PRESENCE_DEAD ? evidence->outputs : 0,
    .progress = progress,
    .platform_reason = reason && *reason ? reason : 0,
  };
  if (presence != PRESENCE_UNKNOWN)
    kube_known_occupies(known, presence == PRESENCE_RUNNING || presence == PRESENCE_PENDING || known->launch);
  if (!outdated)
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

/* Dead, with what there is of evidence. A pod that is called dead may be killed to make sure, and its record come then. */
static void tell_dead(struct look *look, const char *reason)
{
  struct known *known = look->known;
  struct kubernetes *kubernetes = known->kubernetes;
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  struct error error;
  if (evidence_read(kubernetes->attempts_fd, known->name, &evidence, &error) &&
      evidence_read_outputs(kubernetes->attempts_fd, kubernetes->attempts_path, known->name, &evidence, &error)) {
    if (evidence.recorded && evidence.record.isolation)
      kubernetes->isolation_found = evidence.record.isolation;
    if (evidence.recorded)
      kube_say_who_stopped_it(&evidence.record, kube_known_kill_reason(known), known->end, &look->view.pod);
    else
      snprintf(known->end, sizeof known->end, "%s", reason);
    tell(look, PRESENCE_DEAD, &evidence, 0, evidence.problem[0] ? evidence.problem : reason);
  } else {
    tell_unknown(look, error.message);
  }
}

/* Asking. */

static void go_on(struct look *look);

static void set_trouble(struct look *look, const char *text)
{
  snprintf(look->trouble, sizeof look->trouble, "%.200s", text);
}

/* What was asked for is there or not, or there was no answer. */
static enum kube_word word_of(struct look *look, const struct cluster_answer *answer)
{
  set_trouble(look, answer->message);
  return answer->outcome == CLUSTER_DONE ? KUBE_SEEN : answer->outcome == CLUSTER_ABSENT ? KUBE_ABSENT : KUBE_ERROR;
}

/* What was seen before of its pods is forgotten. */
static void forget_pods(struct look *look)
{
  struct kube_view *view = &look->view;
  pod_seen_release(&view->pod);
  view->told = view->log.message_read = false;
  view->pods_again = view->job != KUBE_NOT_ASKED;
}

static void on_pods(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  struct kube_view *view = &look->view;
  struct error error;
  unsigned count;
  look->call = 0;
  forget_pods(look);
  view->pods = word_of(look, answer) == KUBE_SEEN ? KUBE_SEEN : KUBE_ERROR; /* a list is never absent */
  if (view->pods == KUBE_SEEN && !pods_choose(answer->body, &look->known->memory, &view->pod, &count, &error)) {
    view->pods = KUBE_ERROR;
    set_trouble(look, error.message);
  } else if (view->pods == KUBE_SEEN && count == 0) {
    view->pods = KUBE_ABSENT;
  } else if (view->pods == KUBE_SEEN && count > 1) {
    look->known->told.several = true;
  }
  go_on(look);
}

static void list_pods(struct look *look)
{
  const struct known *known = look->known;
  look->call = call_list_pods(known->kubernetes, known->name, false, on_pods, look);
}

static void on_granted_pod(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  struct kube_view *view = &look->view;
  struct pod_seen pod = {0};
  look->call = 0;
  if (answer->outcome == CLUSTER_DONE && pod_inspect(answer->body, &pod, 0) &&
      !strcmp(pod.uid, look->known->memory.granted)) {
    forget_pods(look);
    view->pod = pod;
    view->pods = KUBE_SEEN;
    go_on(look);
  } else {
    pod_seen_release(&pod);
    list_pods(look);
  }
}

/* Once it is known which of them counts, it is asked for by its name: for the server that is much less than to find it by its
 * labels. */
static void ask_pods(struct look *look)
{
  const struct known *known = look->known;
  const struct pod_seen *told = &known->told.pod;
  if (told->name[0] && !strcmp(told->uid, known->memory.granted))
    look->call = call_get_pod(known->kubernetes, told->name, on_granted_pod, look);
  else
    list_pods(look);
}

static void on_job(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  struct kube_view *view = &look->view;
  struct error error;
  look->call = 0;
  view->job = word_of(look, answer);
  if (view->job == KUBE_SEEN && !job_inspect(answer->body, &view->job_seen, &error)) {
    view->job = KUBE_ERROR;
    set_trouble(look, error.message);
  }
  go_on(look);
}

/* The last of what the cluster has to say of a Job; nothing, where it does not say it. */
static void on_events(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  struct kube_view *view = &look->view;
  look->call = 0;
  const json_t *items = json_object_get(answer->body, "items");
  const json_t *last = json_array_get(items, json_array_size(items) - 1);
  const char *message = json_string_value(json_object_get(last, "message"));
  view->events = KUBE_SEEN;
  snprintf(view->event, sizeof view->event, "%.180s", message ? message : "");
  go_on(look);
}

/* Which pod it is is durable before anybody is told, and for ever: so no other starts the program, whatever happens. */

static void on_granted(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  look->call = 0;
  look->view.pod.granted = word_of(look, answer) == KUBE_SEEN;
  look->view.grant = look->view.pod.granted ? KUBE_SEEN : KUBE_ERROR;
  go_on(look);
}

static void grant(struct look *look)
{
  struct known *known = look->known;
  struct error error;
  if (kube_known_grant(known, &error))
    look->call = call_grant_pod(known->kubernetes, &look->view.pod, on_granted, look);
  else
    tell_unknown(look, error.message);
}

/* The log. */

static void take_log_state(struct look *look)
{
  const struct log_evidence_state *state = log_evidence_state(look->log);
  struct kube_log *log = &look->view.log;
  log->recorded = state->recorded;
  log->forged = state->forged;
  log->failure = state->failure;
}

/* Whoever has the log does not answer, or is not allowed to: that says nothing of it. */
static bool is_out_of_reach(const struct cluster_answer *answer)
{
  return answer->outcome == CLUSTER_FAILED || answer->outcome == CLUSTER_UNKNOWN ||
         answer->outcome == CLUSTER_NOT_SENT || answer->outcome == CLUSTER_FORBIDDEN;
}

static void on_log_end(void *context, const struct cluster_answer *answer)
{
  struct look *look = context;
  look->call = 0;
  look->view.log.out_of_reach = is_out_of_reach(answer);
  look->view.log.tries += !look->view.log.out_of_reach;
  look->view.log.absent = answer->outcome == CLUSTER_ABSENT;
  take_log_state(look);
  go_on(look);
}

static bool on_log(void *context, const void *bytes, size_t size)
{
  struct look *look = context;
  return log_evidence_feed(look->log, bytes, size, 0);
}

/* It is this look's alone from now on. */
static bool open_log(struct look *look, struct error *error)
{
  const struct known *known = look->known;
  kube_follow_abandon(known->follow);
  if (!look->log)
    look->log = kubernetes_open_log(known->kubernetes, known->name, error);
  return look->log != 0;
}

static void read_message(struct look *look)
{
  const char *message = look->view.pod.message;
  struct error error;
  look->view.log.message_read = true;
  if (message && frames_begin(message, strlen(message))) {
    if (!open_log(look, &error) || !log_evidence_feed_message(look->log, message, &error)) {
      tell_unknown(look, error.message);
      return;
    }
    take_log_state(look);
  }
  go_on(look);
}

static void read_log(void *context)
{
  struct look *look = context;
  const struct known *known = look->known;
  struct error error;
  if (!open_log(look, &error)) {
    tell_unknown(look, error.message);
    return;
  }
  log_evidence_rewind(look->log);
  look->call = call_read_log(known->kubernetes, look->view.pod.name, false, on_log, on_log_end, look);
}

static void seal_log(struct look *look)
{
  struct error error;
  if (!log_evidence_seal(look->log, look->view.pod.message, &error)) {
    tell_unknown(look, error.message);
    return;
  }
  take_log_state(look);
  look->view.log.sealed = true;
  go_on(look);
}

/* Going on. */

static void set_timer(struct look *look, void (*ring)(void *context), uint64_t ms)
{
  timer_destroy(look->timer);
  look->timer = timer_make(look->known->kubernetes->loop, ring, look);
  timer_set(look->timer, ms);
}

static void withdraw(struct look *look, const struct kube_decision *decision)
{
  struct known *known = look->known;
  snprintf(decision->refused ? known->refusal : known->reason, REASON_SIZE, "%s", decision->text);
  kube_withdraw(known);
  tell_only(look, PRESENCE_PENDING, decision->text, 0);
}

/* Where somebody deletes its pod, its log will go with the container. */
static void tell_running(struct look *look)
{
  const struct pod_seen *pod = &look->view.pod;
  if (pod->deleted)
    kube_follow_begin(look->known, pod->name);
  else
    kube_follow_along(look->known, pod->name);
  tell_only(look, PRESENCE_RUNNING, 0, 0);
}

static void tell_decided(struct look *look, const struct kube_decision *decision)
{
  if (decision->presence == PRESENCE_DEAD)
    tell_dead(look, decision->text);
  else if (decision->presence == PRESENCE_RUNNING)
    tell_running(look);
  else if (decision->presence == PRESENCE_PENDING)
    tell_only(look, PRESENCE_PENDING, decision->text[0] ? decision->text : 0, 0);
  else
    tell_only(look, decision->presence, 0, decision->text);
}

static void begin_look(void *context);

static void go_on(struct look *look)
{
  struct known *known = look->known;
  struct kubernetes *kubernetes = known->kubernetes;
  struct kube_view *view = &look->view;
  struct kube_decision decision;
  view->now = mono_now();
  view->withdrawn = known->removal != 0;
  view->followed = kube_follow_goes_on(known->follow);
  view->reason = known->reason;
  view->memory = known->memory;
  kube_decide(view, &decision);
  kube_known_remember(known, &decision.memory);
  switch (decision.step) {
  case KUBE_TELL:
    tell_decided(look, &decision);
    break;
  case KUBE_ASK_PODS:
    ask_pods(look);
    break;
  case KUBE_ASK_JOB:
    look->call = call_get_job(kubernetes, known->name, false, on_job, look);
    break;
  case KUBE_ASK_EVENTS:
    look->call = call_list_events(kubernetes, known->name, on_events, look);
    break;
  case KUBE_GRANT:
    grant(look);
    break;
  case KUBE_READ_MESSAGE:
    read_message(look);
    break;
  case KUBE_READ_LOG:
    set_timer(look, read_log, decision.delay_ms);
    break;
  case KUBE_SEAL_LOG:
    seal_log(look);
    break;
  case KUBE_LOOK_AGAIN:
    set_timer(look, begin_look, decision.delay_ms);
    break;
  case KUBE_WITHDRAW:
    withdraw(look, &decision);
    break;
  }
}

/* What the watch has told need not be asked: once, as it does not tell that it broke off. */
static void take_what_was_told(struct look *look)
{
  struct known *known = look->known;
  struct kube_view *view = &look->view;
  pod_seen_release(&view->pod);
  view->told =
    known->told.anew && kube_known_has_told_pod(known) && kube_memory_considers(&known->memory, &known->told.pod);
  view->untold = !known->pod_print;
  view->pods = view->told ? KUBE_SEEN : KUBE_NOT_ASKED;
  if (view->told) {
    view->pod = known->told.pod;
    known->told.pod.message = 0;
  }
  known->told.anew = false;
}

static void begin_look(void *context)
{
  struct look *look = context;
  const struct kubernetes *kubernetes = look->known->kubernetes;
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  struct error error;
  if (!evidence_read(kubernetes->attempts_fd, look->known->name, &evidence, &error)) {
    tell_unknown(look, error.message);
    return;
  }
  look->view.recorded = evidence.recorded;
  look->view.job = look->view.events = look->view.grant = KUBE_NOT_ASKED;
  look->view.log.message_read = false;
  take_what_was_told(look);
  go_on(look);
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
  look->view.begun = mono_now();
  look->view.trouble = look->trouble;
  look->view.schedule_ms_max = kubernetes->schedule_ms_max;
  look->view.pull_ms_max = kubernetes->pull_ms_max;
  look->timer = timer_make(kubernetes->loop, begin_look, look);
  begin_look(look);
}
