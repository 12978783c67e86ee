/*
 * Kubernetes, as its backend asks it: a look goes from one call to the next, each answered from the truth of that moment or by a
 * lie, and the backend's own table (backend/kubernetes/decide.h) says what is asked next and what it comes to.
 *
 * Here a pod runs wherever it runs: a reboot is of the daemon's host. What the daemon keeps of an attempt there is that it ran,
 * why we deleted its pod, and the evidence that was made of its log.
 */

#include "sim.h"

#include "base/memory.h"

#include <string.h>

enum { FOR_EVER_MS = 100 * 24 * 3600 * 1000u / 2, POD_MADE_US_MAX = 1000, LOG_READS = 4 };

struct look {
  struct attempt *attempt;
  struct seen seen;
  struct kube_view view;
  bool message;       /* the termination message of the pod that was seen has the record */
  unsigned bad_reads; /* of its log: by a lie, or too early, as the pod's end was one */
  bool job_hidden;
  uint64_t again; /* the request that came meanwhile; 0: none did */
};

/* ---- life ---- */

static void other_pod_is_made(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  backend_hint(sim, attempt);
  attempt->cluster.told_other = attempt->cluster.told;
}

static void make_other_pod(struct sim *sim, struct attempt *attempt)
{
  const uint64_t later_us = sim_between_us(sim, 10, 1000000);
  attempt->cluster.other = (struct other_pod){
    .made_us = sim->now_us + later_us,
    .over = sim_coin(sim),
    .age = (int)sim_below(sim, 3) - 1,
  };
  sim_after(sim, later_us, EVENT_WORLD, other_pod_is_made)->name = attempt->name;
}

void sim_kubernetes_launched(struct sim *sim, struct attempt *attempt)
{
  struct cluster_attempt *cluster = &attempt->cluster;
  *cluster =
    (struct cluster_attempt){.pod_made_us = sim->now_us + sim_between_us(sim, 10, POD_MADE_US_MAX), .pod = 'a'};
  cluster->memory.made = (struct mono){sim->now_us};
  cluster->log_gone = sim_strikes(sim, TROUBLE_LOG_GONE);
  cluster->message_gone = sim_strikes(sim, TROUBLE_MESSAGE_GONE);
  cluster->log_is_short = sim_coin(sim);
  if (sim_strikes(sim, TROUBLE_TWO_PODS))
    make_other_pod(sim, attempt);
}

void sim_kubernetes_start(struct attempt *attempt)
{
  const struct cluster_attempt *cluster = &attempt->cluster;
  attempt->cluster.memory = (struct kube_memory){.ran = cluster->ran, .granted = {cluster->granted_pod}};
  attempt->cluster.told = attempt->cluster.ever_told = false;
  attempt->cluster.look = 0;
}

void sim_kubernetes_reboot(struct sim *sim, struct attempt *attempt)
{
  struct cluster_attempt *cluster = &attempt->cluster;
  if (attempt->presence == PRESENCE_ABSENT || sim_coin(sim))
    return;
  attempt->failed |= cluster->killed != KILLED_NONE; /* nobody knows any more that it was us */
  attempt->fetched = cluster->output_lost = cluster->ran = false;
  cluster->killed = KILLED_NONE;
}

/* ---- the cluster's word ---- */

static bool fails(struct sim *sim, struct attempt *attempt)
{
  const bool strikes = sim_strikes(sim, TROUBLE_OBSERVE_FAILS);
  attempt->delayed |= strikes;
  return strikes;
}

static bool has_pod(const struct sim *sim, const struct attempt *attempt)
{
  if (attempt->presence == PRESENCE_PENDING)
    return sim->now_us >= attempt->cluster.pod_made_us;
  return attempt->presence != PRESENCE_ABSENT;
}

static struct pod_seen true_pod(const struct attempt *attempt)
{
  const struct cluster_attempt *cluster = &attempt->cluster;
  struct pod_seen pod = {
    .uid = {cluster->pod},
    .made_at = "2026-11-30T00:00:01Z",
    .scheduled = true,
    .deleted = cluster->deleted,
    .granted = cluster->granted,
  };
  switch (attempt->presence) {
  case PRESENCE_RUNNING:
    pod.state = POD_RUNNING;
    break;
  case PRESENCE_DEAD:
    pod.state = attempt->starts ? POD_ENDED : pod.deleted ? POD_WAITING : POD_UNSTARTED;
    pod.node_done = !attempt->starts && pod.deleted;
    break;
  default:
    pod.state = POD_WAITING;
  }
  return pod;
}

/* The pod that counts, told wrong. */
static void lie(struct sim *sim, struct attempt *attempt, struct pod_seen *pod)
{
  if (backend_is_alive(attempt) && sim_strikes(sim, TROUBLE_SAYS_ENDED)) {
    pod->state = POD_ENDED;
    pod->exit_code = 137;
    attempt->failed = attempt->delayed = true;
    attempt->buried |= attempt->presence == PRESENCE_PENDING;
  } else if (attempt->presence == PRESENCE_DEAD && sim_strikes(sim, TROUBLE_SAYS_RUNNING)) {
    pod->state = POD_RUNNING;
    attempt->delayed = true;
    attempt->failed |= !attempt->starts;
  }
}

static char other_pod(const struct attempt *attempt)
{
  return attempt->cluster.pod == 'a' ? 'b' : 'a';
}

static struct pod_seen as_other_pod(const struct attempt *attempt)
{
  return (struct pod_seen){
    .uid = {other_pod(attempt)}, .state = attempt->cluster.other.over ? POD_UNSTARTED : POD_WAITING, .scheduled = true};
}

/* Whether there is one in the list; and then the one that is chosen from it. */
static bool list_pods(struct sim *sim, struct attempt *attempt, struct pod_seen *ret)
{
  static const char *const made_at[] = {"2026-11-30T00:00:02Z", "2026-11-30T00:00:01Z", "2026-11-30T00:00:00Z"};
  const struct other_pod *other = &attempt->cluster.other;
  struct pod_seen pods[2] = {true_pod(attempt)};
  unsigned count = 0;
  if (has_pod(sim, attempt)) {
    lie(sim, attempt, &pods[0]);
    count = 1;
  }
  const bool over = attempt->cluster.deleted || (attempt->presence == PRESENCE_DEAD && !attempt->starts);
  if (count && other->made_us && sim->now_us >= other->made_us &&
      !over) { /* of a Job that is deleted, or has failed, no pod is left that waits */
    const unsigned place = sim_coin(sim) ? 1 : 0;
    pods[!place] = pods[0];
    pods[place] = as_other_pod(attempt);
    strcpy(pods[place].made_at, made_at[other->age + 1]);
    count = 2;
  }
  bool any = false;
  for (unsigned i = 0; i < count; i++) {
    if (!kube_memory_considers(&attempt->cluster.memory, &pods[i]) || (any && !pod_outweighs(&pods[i], ret)))
      continue;
    *ret = pods[i];
    any = true;
  }
  return any;
}

void sim_kubernetes_tell(struct attempt *attempt)
{
  struct cluster_attempt *cluster = &attempt->cluster;
  cluster->told = cluster->ever_told = true;
  cluster->told_other = false;
  cluster->told_state = true_pod(attempt).state;
}

/* What the watch has told last, where that is news: one pod of them, as it was then. */
static bool take_told(struct attempt *attempt, struct pod_seen *ret)
{
  struct cluster_attempt *cluster = &attempt->cluster;
  const bool told = cluster->told;
  cluster->told = false;
  *ret = cluster->told_other ? as_other_pod(attempt) : true_pod(attempt);
  if (!cluster->told_other)
    ret->state = cluster->told_state;
  return told && kube_memory_considers(&cluster->memory, ret);
}

static bool has_message(const struct attempt *attempt)
{
  return attempt->presence == PRESENCE_DEAD && attempt->recorded && !attempt->cluster.message_gone;
}

static void answer_pods(struct sim *sim, struct attempt *attempt, struct look *look)
{
  struct kube_view *view = &look->view;
  view->told = view->log.message_read = false;
  view->pods_again = view->job != KUBE_NOT_ASKED;
  if (fails(sim, attempt)) {
    view->pods = KUBE_ERROR;
    return;
  }
  view->pods = list_pods(sim, attempt, &view->pod) ? KUBE_SEEN : KUBE_ABSENT;
  look->message = has_message(attempt);
  look->job_hidden = backend_is_alive(attempt) && sim_strikes(sim, TROUBLE_SAYS_CREATED);
  if (view->pods == KUBE_SEEN && (look->job_hidden || sim_strikes(sim, TROUBLE_POD_HIDDEN)))
    view->pods = KUBE_ABSENT;
  const bool hidden = view->pods == KUBE_ABSENT && has_pod(sim, attempt);
  attempt->failed |= hidden || look->job_hidden;
  attempt->delayed |= hidden;
  attempt->buried |= (hidden || look->job_hidden) && !attempt->cluster.ran; /* nobody has seen it run */
}

static void answer_job(struct sim *sim, struct attempt *attempt, struct look *look)
{
  struct kube_view *view = &look->view;
  if (fails(sim, attempt)) {
    view->job = KUBE_ERROR;
    return;
  }
  view->job = attempt->presence == PRESENCE_ABSENT || look->job_hidden ? KUBE_ABSENT : KUBE_SEEN;
  view->job_seen = (struct job_seen){.deleted = attempt->cluster.deleted};
  if (attempt->presence == PRESENCE_DEAD || (has_pod(sim, attempt) && sim_strikes(sim, TROUBLE_CONDITION_EARLY)))
    *(sim_coin(sim) ? &view->job_seen.failed : &view->job_seen.complete) = true;
}

/* ---- its grant ---- */

/* Which of two is granted first is the one that runs. */
static void exchange(struct cluster_attempt *cluster, char pod)
{
  cluster->pod = pod;
  cluster->other.age = -cluster->other.age;
}

/* `value`: the pod. It starts, where it only waited for that. */
static void grant_arrives(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  struct cluster_attempt *cluster = &attempt->cluster;
  const char pod = (char)event->value;
  if (attempt->presence != PRESENCE_PENDING || cluster->deleted)
    return;
  if (cluster->granted && cluster->pod != pod)
    sim_fail(sim, "%s: two pods may start it", attempt->name.text);
  if (cluster->pod != pod)
    exchange(cluster, pod);
  cluster->granted = true;
  if (cluster->ready)
    backend_start_after(sim, attempt, sim_between_us(sim, 100, 1000000));
}

static void ask_for_grant(struct sim *sim, struct attempt *attempt)
{
  if (fails(sim, attempt))
    return;
  struct event *event = sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_FROM_DAEMON, grant_arrives);
  event->name = attempt->name;
  event->value = attempt->cluster.granted_pod;
}

static void answer_grant(struct sim *sim, struct attempt *attempt, struct look *look)
{
  const bool there = attempt->cluster.granted && attempt->cluster.pod == attempt->cluster.granted_pod;
  look->view.grant = there && !fails(sim, attempt) ? KUBE_SEEN : KUBE_ERROR;
  look->view.pod.granted = look->view.grant == KUBE_SEEN;
}

/* ---- its log ---- */

static void read_message(const struct attempt *attempt, struct look *look)
{
  look->view.log.message_read = true;
  look->view.log.recorded = look->message && attempt->cluster.log_is_short;
}

static void answer_log(struct sim *sim, struct attempt *attempt, struct look *look)
{
  struct kube_log *log = &look->view.log;
  log->tries++;
  log->absent = attempt->cluster.log_gone && attempt->presence == PRESENCE_DEAD;
  if (log->absent)
    return;
  const bool ended = attempt->presence == PRESENCE_DEAD && attempt->recorded;
  log->recorded = ended && !sim_strikes(sim, TROUBLE_LOG_IS_ERROR);
  look->bad_reads += !log->recorded;
  attempt->delayed |= ended && !log->recorded; /* it is read again, each time later */
}

/* With what the termination message has, where the log has not. What is lost is excused if the log was not to be had. */
static void seal_log(struct attempt *attempt, struct look *look)
{
  struct cluster_attempt *cluster = &attempt->cluster;
  struct kube_log *log = &look->view.log;
  const bool unreadable = log->absent || look->bad_reads >= LOG_READS;
  log->sealed = true;
  cluster->output_lost = !log->recorded;
  cluster->output_given_up = !log->recorded && !unreadable;
  log->recorded |= look->message;
  attempt->fetched |= log->recorded;
  attempt->failed |= !log->recorded && unreadable;
}

/* ---- a look ---- */

static void go_on(struct sim *sim, struct event *event);

static void next(struct sim *sim, struct event *event, uint64_t delay_us,
                 void (*run)(struct sim *sim, struct event *event))
{
  struct event *later = sim_after(sim, delay_us, EVENT_TO_DAEMON, run);
  later->name = event->name;
  later->value = event->value;
  later->owned = TAKE_PTR(event->owned);
}

/* `value`: what it was asked for. */
static void cluster_answers(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  struct attempt *attempt = look->attempt;
  switch ((enum kube_step)event->value) {
  case KUBE_ASK_PODS:
    answer_pods(sim, attempt, look);
    break;
  case KUBE_ASK_JOB:
    answer_job(sim, attempt, look);
    break;
  case KUBE_GRANT:
    answer_grant(sim, attempt, look);
    break;
  case KUBE_READ_LOG:
    answer_log(sim, attempt, look);
    break;
  default:
    look->view.events = KUBE_SEEN;
  }
  next(sim, event, backend_call_delay(sim), go_on);
}

static void begin(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  look->view.recorded = look->attempt->fetched;
  look->view.told = take_told(look->attempt, &look->view.pod);
  look->view.untold = !look->attempt->cluster.ever_told;
  look->view.pods = look->view.told ? KUBE_SEEN : KUBE_NOT_ASKED;
  look->message = look->view.told && look->view.pod.state == POD_ENDED && has_message(look->attempt);
  look->view.job = look->view.events = look->view.grant = KUBE_NOT_ASKED;
  look->view.log.message_read = false;
  go_on(sim, event);
}

/* What is here of the evidence; of a pod that is alive, nothing but that it runs. */
static void tell(struct sim *sim, struct name name, struct look *look, const struct kube_decision *decision)
{
  struct attempt *attempt = look->attempt;
  const bool dead = decision->presence == PRESENCE_DEAD;
  struct seen *seen = &look->seen;
  seen->presence = decision->presence;
  backend_read_evidence(attempt, seen);
  seen->recorded = dead && seen->recorded && attempt->fetched;
  seen->started = decision->memory.ran || seen->recorded;
  seen->outputs = dead && attempt->starts;
  seen->output_lost = seen->recorded && attempt->cluster.output_lost;
  seen->progress = decision->presence == PRESENCE_PENDING && decision->text[0] ? "being started" : 0;
  if (seen->recorded)
    kube_say_who_stopped_it(&seen->record, attempt->cluster.killed, "", &look->view.pod);
  attempt->cluster.look = 0;
  if (!look->again || !kube_is_outdated(seen->presence, seen->recorded))
    backend_tell(sim, name, seen);
  if (look->again)
    sim_kubernetes_look(sim, name, look->again);
}

static void go_on(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  struct attempt *attempt = look->attempt;
  struct cluster_attempt *cluster = &attempt->cluster;
  struct kube_decision decision;
  look->view.now = (struct mono){sim->now_us};
  look->view.memory = cluster->memory;
  kube_decide(&look->view, &decision);
  cluster->memory = decision.memory;
  cluster->ran |= decision.memory.ran;
  event->value = (int)decision.step;
  switch (decision.step) {
  case KUBE_TELL:
    tell(sim, event->name, look, &decision);
    break;
  case KUBE_GRANT:
    cluster->granted_pod = cluster->memory.granted[0];
    ask_for_grant(sim, attempt);
    next(sim, event, sim_between_us(sim, 1000, 2000), cluster_answers);
    break;
  case KUBE_ASK_PODS:
  case KUBE_ASK_JOB:
  case KUBE_ASK_EVENTS:
  case KUBE_READ_LOG:
    next(sim, event, decision.delay_ms * 1000ull + sim_between_us(sim, 10, 1000), cluster_answers);
    break;
  case KUBE_READ_MESSAGE:
    read_message(attempt, look);
    next(sim, event, 0, go_on);
    break;
  case KUBE_SEAL_LOG:
    seal_log(attempt, look);
    next(sim, event, 0, go_on);
    break;
  case KUBE_LOOK_AGAIN:
    next(sim, event, decision.delay_ms * 1000ull, begin);
    break;
  case KUBE_WITHDRAW:
    sim_fail(sim, "%s is given up, though its pod may wait for as long as it likes", event->name.text);
  }
}

void sim_kubernetes_look(struct sim *sim, struct name name, uint64_t request)
{
  struct attempt *attempt = backend_find(sim, name);
  if (!attempt) {
    backend_tell(sim, name, &(struct seen){.request = request, .presence = PRESENCE_ABSENT});
    return;
  }
  if (attempt->cluster.look) {
    attempt->cluster.look->again = request;
    return;
  }
  struct look *look = attempt->cluster.look = xcalloc(1, sizeof *look);
  look->attempt = attempt;
  look->seen.request = request;
  look->view.schedule_ms_max = look->view.pull_ms_max = FOR_EVER_MS;
  look->view.reason = look->view.trouble = look->view.log.failure = "";
  look->view.begun.us = sim->now_us;
  struct event *event = sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_TO_DAEMON, begin);
  event->name = name;
  event->owned = look;
}
