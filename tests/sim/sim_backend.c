/*
 * The backend. Keepers run one attempt each; they, their programs and their evidence do not care whether a daemon
 * lives. Every request takes a moment to arrive, is bounded in time and safe to repeat. An observation looks at the
 * backend first, at the evidence a moment later, and its answer takes another moment: much may have happened in
 * between.
 */

#include "sim.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { LAUNCH_TIMEOUT_US = 3000000 };

/* ---- what is known ---- */

static const char *const kind_names[] = {
#define X(name, text) [BACKEND_##name] = text,
  BACKENDS(X)
#undef X
};

const char *backend_kind_name(enum backend_kind kind)
{
  return kind_names[kind];
}

struct attempt *backend_find(struct sim *sim, struct name name)
{
  for (unsigned i = 0; i < sim->backend.attempt_count; i++)
    if (!strcmp(sim->backend.attempts[i].name.text, name.text))
      return &sim->backend.attempts[i];
  return 0;
}

struct attempt *backend_attempt(struct sim *sim, const char *id, unsigned number)
{
  return backend_find(sim, name_make(id, number));
}

static struct attempt *add_attempt(struct sim *sim, struct name name, struct job *job)
{
  struct attempt *attempt = backend_find(sim, name);
  if (attempt)
    return attempt;
  ASSERT(sim->backend.attempt_count < ATTEMPTS_MAX);
  attempt = &sim->backend.attempts[sim->backend.attempt_count++];
  *attempt = (struct attempt){.name = name, .job = job, .presence = PRESENCE_ABSENT};
  char id[ID_SIZE];
  ASSERT(name_parse(name.text, id, &attempt->number));
  return attempt;
}

static struct keeper *keeper_of(struct sim *sim, const struct attempt *attempt)
{
  for (unsigned i = 0; i < sim->backend.keeper_count; i++)
    if (sim->backend.keepers[i].attempt == attempt)
      return &sim->backend.keepers[i];
  return 0;
}

static struct keeper *idle_keeper(struct sim *sim)
{
  for (unsigned i = 0; i < sim->backend.keeper_count; i++)
    if (!sim->backend.keepers[i].dead && !sim->backend.keepers[i].attempt)
      return &sim->backend.keepers[i];
  return 0;
}

static bool is_alive(enum presence presence)
{
  return presence == PRESENCE_RUNNING || presence == PRESENCE_PENDING;
}

bool backend_is_alive(const struct attempt *attempt)
{
  return is_alive(attempt->presence);
}

static bool is_cluster(const struct sim *sim)
{
  return sim->backend.kind == BACKEND_KUBERNETES;
}

/* Somebody runs it, or is about to. A cluster's keepers are as many as its pods. */
static bool is_held(struct sim *sim, const struct attempt *attempt)
{
  return is_cluster(sim) ? is_alive(attempt->presence) : keeper_of(sim, attempt) != 0;
}

/* ---- what the daemon is told ---- */

static uint64_t answer_delay(struct sim *sim)
{
  return sim_between_us(sim, 20, sim_strikes(sim, TROUBLE_ANSWER_LATE) ? 4000000 : 2000);
}

uint64_t backend_call_delay(struct sim *sim)
{
  return sim_between_us(sim, 5, sim_strikes(sim, TROUBLE_ANSWER_LATE) ? 2000000 : 500);
}

static void deliver_hint(struct sim *sim, struct event *event)
{
  if (!daemon_enter(sim))
    return;
  sim_trace(sim, "hint       %s", event->name.text);
  executor_hint(sim->executor, event->name);
  daemon_leave(sim);
}

static void send_hint(struct sim *sim, struct name name)
{
  uint64_t most_us = sim_strikes(sim, TROUBLE_HINT_LATE) ? 20000000 : 1000;
  sim_after(sim, sim_between_us(sim, 10, most_us), EVENT_TO_DAEMON, deliver_hint)->name = name;
}

void backend_hint(struct sim *sim, struct attempt *attempt)
{
  if (sim_strikes(sim, TROUBLE_HINT_BOGUS)) {
    const struct attempt *other = &sim->backend.attempts[sim_below(sim, sim->backend.attempt_count)];
    send_hint(sim, other->name);
  }
  if (sim_strikes(sim, TROUBLE_HINT_LOST))
    return;
  if (is_cluster(sim))
    sim_kubernetes_tell(attempt);
  send_hint(sim, attempt->name);
  if (sim_strikes(sim, TROUBLE_HINT_DOUBLED))
    send_hint(sim, attempt->name);
}

static void deliver_capacity(struct sim *sim, struct event *event)
{
  if (!daemon_enter(sim))
    return;
  executor_capacity(sim->executor, "native", (unsigned)event->number);
  daemon_leave(sim);
}

static void tell_capacity(struct sim *sim)
{
  unsigned alive = 0;
  for (unsigned i = 0; i < sim->backend.keeper_count; i++)
    alive += !sim->backend.keepers[i].dead;
  sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_TO_DAEMON, deliver_capacity)->number = alive;
}

void sim_backend_begin(struct sim *sim)
{
  for (unsigned i = 0; i < sim->backend.attempt_count; i++) {
    struct attempt *attempt = &sim->backend.attempts[i];
    attempt->fetching = attempt->start_seen = false;
    sim_kubernetes_start(attempt);
  }
}

void sim_backend_start(struct sim *sim)
{
  for (unsigned i = 0; i < sim->job_count; i++)
    if (sim->jobs[i].fetch == FETCH_UNDER_WAY) /* that went with the daemon; or it was almost there */
      sim->jobs[i].fetch = sim_coin(sim) ? FETCH_NEEDED : FETCH_NOT_NEEDED;
  tell_capacity(sim);
}

/* ---- the life of an attempt ---- */

static struct record record_of(const struct attempt *attempt, uint64_t now_us)
{
  struct record record = {
    .step = STEP_RUN,
    .kind = EXIT_CODE,
    .started_at = {(int64_t)(attempt->started_us / 1000)},
    .ended_at = {(int64_t)(now_us / 1000)},
    .wall_time_us = now_us - attempt->started_us,
    .evidence_errno = attempt->stalled ? ETIME : 0, /* keeper/stall.h: that it ran too long is not its own doing */
  };
  switch (attempt->job->program) {
  case PROGRAM_SUCCEEDS:
    break;
  case PROGRAM_FAILS:
    record.exit_code = 1;
    break;
  case PROGRAM_CRASHES:
    record.kind = EXIT_SIGNAL;
    record.signal = SIGSEGV;
    break;
  case PROGRAM_UNRUNNABLE:
    record.kind = EXIT_NOT_STARTED;
    record.exec_errno = ENOENT;
    break;
  case PROGRAM_HANGS:
  case PROGRAM_HOGS:
  case PROGRAM_FLOODS:
  default:
    record.kind = EXIT_SIGNAL;
    record.signal = SIGKILL;
    record.killed = attempt->job->program == PROGRAM_HANGS    ? KILLED_WALL_TIME
                    : attempt->job->program == PROGRAM_FLOODS ? KILLED_OUTPUT
                                                              : KILLED_NONE;
    record.oom_kills = attempt->job->program == PROGRAM_HOGS;
    break;
  }
  return record;
}

static void free_keeper(struct sim *sim, struct event *event)
{
  struct keeper *keeper = &sim->backend.keepers[event->number];
  if (keeper->attempt && keeper->attempt->presence == PRESENCE_DEAD)
    keeper->attempt = 0;
}

/* What the keeper saves of it, and what becomes of that. */
static void save_evidence(struct sim *sim, struct attempt *attempt, const struct record *record)
{
  attempt->recorded = attempt->evidence = true;
  attempt->record = *record;
  attempt->record.stream[STREAM_STDOUT].bytes = attempt->written_bytes;
  if (attempt->starts && sim_strikes(sim, TROUBLE_EVIDENCE_FAILS))
    attempt->record.evidence_errno = ENOSPC;
  attempt->damaged = attempt->starts && sim_strikes(sim, TROUBLE_OUTPUT_LOST);
  const int trouble = attempt->record.evidence_errno;
  attempt->failed |=
    (trouble && trouble != ECANCELED) || attempt->damaged; /* who has ended it is somebody else's to say */
}

/* The program is dead and the tree empty; the record, if any, is in place. The keeper is idle a little later. */
static void end_attempt(struct sim *sim, struct attempt *attempt, const struct record *record)
{
  sim_trace(sim, "  ended    %s %s", attempt->name.text, record ? kill_reason_name(record->killed) : "no record");
  attempt->presence = PRESENCE_DEAD;
  if (record)
    save_evidence(sim, attempt, record);
  const struct keeper *keeper = keeper_of(sim, attempt);
  if (keeper)
    sim_after(sim, sim_between_us(sim, 10, 3000), EVENT_WORLD, free_keeper)->number =
      (uint64_t)(keeper - sim->backend.keepers);
  backend_hint(sim, attempt);
}

/* It has written something, and now it dies. */
static void cut_short(struct sim *sim, struct attempt *attempt)
{
  if (attempt->presence == PRESENCE_RUNNING)
    attempt->written_bytes = NAME_SIZE + sim_below(sim, attempt->job->output_bytes - NAME_SIZE + 1);
}

bool backend_is_frozen(const struct sim *sim, const struct attempt *attempt)
{
  return sim->now_us < attempt->frozen_until_us;
}

/* Once the keeper moves again. */
static struct event *when_it_thaws(struct sim *sim, const struct attempt *attempt, const struct event *event)
{
  struct event *later = sim_after(sim, attempt->frozen_until_us - sim->now_us, EVENT_WORLD, event->run);
  later->name = event->name;
  later->number = event->number;
  later->value = event->value;
  return later;
}

/* A keeper in a pod is told that somebody wants the end, and not who, nor why (wire/pod.h). */
static void stop_pod(struct sim *sim, struct attempt *attempt)
{
  struct record record = {
    .step = STEP_RUN,
    .kind = EXIT_SIGNAL,
    .signal = SIGKILL,
    .started_at = {(int64_t)(attempt->started_us / 1000)},
    .wall_time_us = sim->now_us - attempt->started_us,
    .evidence_errno = attempt->stalled ? ETIME : ECANCELED,
  };
  cut_short(sim, attempt);
  attempt->failed |= attempt->stalled;
  end_attempt(sim, attempt, &record);
}

static void pod_is_stopped(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (attempt->presence == PRESENCE_RUNNING && attempt->cluster.deleted)
    stop_pod(sim, attempt);
}

/* The kubelet has heard of its deletion, and starts it no more. */
static void pod_is_let_go(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (attempt->presence == PRESENCE_PENDING && attempt->cluster.deleted)
    end_attempt(sim, attempt, 0);
}

static void program_starts(struct sim *sim, struct event *event);

/* A node that is about to start it may do so a moment later; not one that waits for its grant. */
static void let_go(struct sim *sim, struct attempt *attempt)
{
  attempt->cluster.starts_deleted = attempt->cluster.granted && sim_coin(sim);
  sim_after(sim, sim_between_us(sim, 0, 1000000), EVENT_WORLD,
            attempt->cluster.starts_deleted ? program_starts : pod_is_let_go)
    ->name = attempt->name;
}

/* The Job too. Our finalizer keeps both. */
static void delete_pod(struct sim *sim, struct attempt *attempt, enum kill_reason reason)
{
  struct cluster_attempt *cluster = &attempt->cluster;
  const bool first = !cluster->deleted;
  if (!is_alive(attempt->presence))
    return;
  if (first)
    cluster->killed = attempt->stopped_for = reason;
  cluster->deleted = true;
  if (attempt->presence == PRESENCE_RUNNING)
    stop_pod(sim, attempt);
  else if (first)
    let_go(sim, attempt);
}

static void program_ends(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (attempt->presence != PRESENCE_RUNNING || event->number != attempt->runs)
    return; /* it was killed, or its keeper died */
  if (backend_is_frozen(sim, attempt)) {
    attempt->stalled |= attempt->job->program == PROGRAM_HANGS;
    when_it_thaws(sim, attempt, event);
    return;
  }
  attempt->written_bytes = attempt->job->output_bytes;
  attempt->failed |= attempt->stalled;
  struct record record = record_of(attempt, sim->now_us);
  end_attempt(sim, attempt, &record);
}

static void keeper_returns(struct sim *sim, struct event *event)
{
  struct keeper *keeper = &sim->backend.keepers[event->number];
  if (!keeper->dead)
    return; /* since a reboot */
  *keeper = (struct keeper){0};
  tell_capacity(sim);
}

static void keeper_dies(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  struct keeper *keeper = keeper_of(sim, attempt);
  if (!is_held(sim, attempt) || (keeper && keeper->dead) || attempt->presence == PRESENCE_DEAD)
    return;
  sim_trace(sim, "  KEEPER DIES %s", attempt->name.text);
  attempt->failed = true;
  cut_short(sim, attempt);
  if (!keeper) { /* a container that has ended; our finalizer keeps its pod */
    end_attempt(sim, attempt, 0);
    return;
  }
  /* Its pid namespace, and with it the program, dies too; no record. The backend may remember that, or not. */
  attempt->presence = sim_coin(sim) ? PRESENCE_ABSENT : PRESENCE_DEAD;
  keeper->dead = true;
  keeper->attempt = 0;
  backend_hint(sim, attempt);
  tell_capacity(sim);
  sim_after(sim, sim_between_us(sim, 1000, 3000000), EVENT_WORLD, keeper_returns)->number =
    (uint64_t)(keeper - sim->backend.keepers);
}

void backend_forget(struct sim *sim, struct attempt *attempt)
{
  struct keeper *keeper = keeper_of(sim, attempt);
  if (keeper)
    keeper->attempt = 0;
  attempt->presence = PRESENCE_ABSENT;
}

/* The container is, and with it all processes in it; not the evidence. A pod is deleted: its keeper hears of that. */
static void removed_by_hand(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (!is_held(sim, attempt) || attempt->presence == PRESENCE_DEAD)
    return;
  sim_trace(sim, "  REMOVED  %s", attempt->name.text);
  attempt->failed = true;
  if (is_cluster(sim)) {
    delete_pod(sim, attempt, KILLED_NONE);
    return;
  }
  cut_short(sim, attempt);
  backend_forget(sim, attempt);
  backend_hint(sim, attempt);
}

static void keeper_freezes(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  uint64_t until_us = sim->now_us + sim_between_us(sim, 100000, 40000000);
  if (attempt->frozen_until_us < until_us)
    attempt->frozen_until_us = until_us;
  attempt->delayed = true;
}

static void some_time_in_its_life(struct sim *sim, const struct attempt *attempt,
                                  void (*run)(struct sim *sim, struct event *event))
{
  uint64_t delay_us = sim_between_us(sim, 0, 1000 + 2 * attempt->job->duration_us);
  sim_after(sim, delay_us, EVENT_WORLD, run)->name = attempt->name;
}

static void plan_its_troubles(struct sim *sim, const struct attempt *attempt)
{
  const struct job *job = attempt->job;
  if (job->keeper_dies_after_us && attempt->number == 1)
    sim_after(sim, job->keeper_dies_after_us, EVENT_WORLD, keeper_dies)->name = attempt->name;
  if (sim_strikes(sim, TROUBLE_KEEPER_DIES))
    some_time_in_its_life(sim, attempt, keeper_dies);
  if (sim_strikes(sim, TROUBLE_REMOVED_BY_HAND))
    some_time_in_its_life(sim, attempt, removed_by_hand);
  if (sim_strikes(sim, TROUBLE_KEEPER_FREEZES))
    some_time_in_its_life(sim, attempt, keeper_freezes);
  if (is_cluster(sim) && sim_strikes(sim, TROUBLE_JOB_DELETED))
    some_time_in_its_life(sim, attempt, removed_by_hand);
}

/* A power cut: what ran is dead, and what was not written back to the disk in time is lost, be it a record or all. */
static void forget_unsynced(struct sim *sim, struct attempt *attempt)
{
  attempt->presence = PRESENCE_ABSENT;
  attempt->fetching = false;
  attempt->frozen_until_us = 0;
  attempt->stalled = false;
  attempt->rebooted = attempt->starts;
  attempt->fetched = false;
  if (!attempt->evidence || sim_coin(sim))
    return;
  attempt->failed = true;
  attempt->recorded = false;
  if (sim_coin(sim)) {
    attempt->evidence = false;
    attempt->starts = 0;
    attempt->written_bytes = 0;
  }
}

void sim_backend_reboot(struct sim *sim)
{
  sim_trace(sim, "REBOOT");
  for (unsigned i = 0; i < sim->backend.attempt_count; i++) {
    struct attempt *attempt = &sim->backend.attempts[i];
    if (is_cluster(sim)) {
      sim_kubernetes_reboot(sim, attempt);
      continue;
    }
    if (is_alive(attempt->presence)) {
      attempt->failed = true;
      cut_short(sim, attempt);
    }
    forget_unsynced(sim, attempt);
  }
  for (unsigned i = 0; i < sim->backend.keeper_count; i++)
    sim->backend.keepers[i] = (struct keeper){0};
}

static void program_starts(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (attempt->presence != PRESENCE_PENDING || !is_held(sim, attempt))
    return;
  if (is_cluster(sim) && !attempt->cluster.granted) {
    attempt->cluster.ready = true;
    return;
  }
  if (backend_is_frozen(sim, attempt)) {
    when_it_thaws(sim, attempt, event);
    return;
  }
  if (attempt->starts++)
    sim_fail(sim, "%s was started twice", attempt->name.text);
  sim_trace(sim, "  started  %s (%s)", attempt->name.text, program_name(attempt->job->program));
  attempt->evidence = true;
  attempt->runs++;
  attempt->started_us = sim->now_us;
  attempt->rebooted = false;
  attempt->written_bytes = NAME_SIZE;
  if (attempt->job->program == PROGRAM_UNRUNNABLE) {
    struct record record = record_of(attempt, sim->now_us);
    end_attempt(sim, attempt, &record);
    return;
  }
  attempt->presence = PRESENCE_RUNNING;
  if (attempt->cluster.deleted) /* a moment ago: its keeper will hear of that */
    sim_after(sim, sim_between_us(sim, 1000, 100000), EVENT_WORLD, pod_is_stopped)->name = attempt->name;
  struct event *end = sim_after(sim, attempt->job->duration_us, EVENT_WORLD, program_ends);
  end->name = attempt->name;
  end->number = attempt->runs;
  backend_hint(sim, attempt);
}

/* ---- launch ---- */

static const char *const launch_names[] = {"accepted", "busy", "refused", "preparing", "unknown"};

static void deliver_launched(struct sim *sim, struct event *event)
{
  if (!daemon_enter(sim))
    return;
  sim_trace(sim, "launched   %s %s", event->name.text, launch_names[event->value]);
  executor_launched(sim->executor, event->name, (enum launch_result)event->value, "unwanted");
  daemon_leave(sim);
}

static void answer_launch(struct sim *sim, struct name name, enum launch_result result)
{
  uint64_t delay_us = answer_delay(sim);
  if (result != LAUNCH_UNKNOWN && sim_strikes(sim, TROUBLE_LAUNCH_ANSWER_LOST)) {
    result = LAUNCH_UNKNOWN;
    delay_us = LAUNCH_TIMEOUT_US;
    backend_find(sim, name)->delayed = true;
  }
  struct event *event = sim_after(sim, delay_us, EVENT_TO_DAEMON, deliver_launched);
  event->name = name;
  event->value = (int)result;
}

static void fetch_ends(struct sim *sim, struct event *event)
{
  struct job *job = &sim->jobs[event->number];
  sim_trace(sim, "  fetched  for job %u", job->index);
  job->fetch = FETCH_NOT_NEEDED;
  for (unsigned i = 0; i < sim->backend.attempt_count; i++) {
    struct attempt *attempt = &sim->backend.attempts[i];
    if (attempt->job != job || !attempt->fetching)
      continue;
    attempt->fetching = false;
    backend_hint(sim, attempt);
  }
}

/* What is needed for it is fetched once, by the daemon, and goes with it; one launch or more wait for that. */
static void fetch(struct sim *sim, struct attempt *attempt)
{
  struct job *job = attempt->job;
  attempt->fetching = true;
  if (sim_strikes(sim, TROUBLE_FETCH_HANGS)) {
    attempt->delayed = true; /* for ever, as far as this attempt goes */
    return;
  }
  if (job->fetch == FETCH_UNDER_WAY)
    return;
  job->fetch = FETCH_UNDER_WAY;
  uint64_t delay_us = job->fetch_us ? job->fetch_us : sim_between_us(sim, 10, 60000000);
  sim_after(sim, delay_us, EVENT_TO_DAEMON, fetch_ends)->number = job->index;
}

void backend_start_after(struct sim *sim, const struct attempt *attempt, uint64_t delay_us)
{
  sim_after(sim, delay_us, EVENT_WORLD, program_starts)->name = attempt->name;
}

/* From now on it is about to start, some time within `most_us`. */
static void begin_attempt(struct sim *sim, struct attempt *attempt, uint64_t most_us)
{
  attempt->presence = PRESENCE_PENDING;
  if (sim_strikes(sim, TROUBLE_START_SLOW)) {
    attempt->delayed = true;
    most_us = 60000000;
  }
  backend_start_after(sim, attempt, sim_between_us(sim, 100, most_us));
  plan_its_troubles(sim, attempt);
}

/* A cluster fetches what is needed when it has the pod, and has room for every pod. */
static enum launch_result make_pod(struct sim *sim, struct attempt *attempt)
{
  struct job *job = attempt->job;
  if (job->program == PROGRAM_UNWANTED)
    return LAUNCH_REFUSED;
  if (sim_strikes(sim, TROUBLE_BUSY))
    return LAUNCH_BUSY;
  const bool fetches = job->fetch != FETCH_NOT_NEEDED;
  job->fetch = FETCH_NOT_NEEDED;
  sim_kubernetes_launched(sim, attempt);
  if (fetches && sim_strikes(sim, TROUBLE_FETCH_HANGS)) {
    attempt->presence = PRESENCE_PENDING;
    attempt->delayed = true; /* for ever */
    return LAUNCH_ACCEPTED;
  }
  begin_attempt(sim, attempt, job->fetch_us ? job->fetch_us : fetches ? 60000000 : 2000);
  return LAUNCH_ACCEPTED;
}

static enum launch_result take_launch(struct sim *sim, struct name name, struct job *job)
{
  struct attempt *attempt = backend_find(sim, name);
  if (attempt->presence != PRESENCE_ABSENT || attempt->evidence)
    return LAUNCH_ACCEPTED; /* adopted; the start marker sees to it that it is not started again */
  if (is_cluster(sim))
    return make_pod(sim, attempt);
  if (job->fetch != FETCH_NOT_NEEDED || attempt->fetching) {
    fetch(sim, attempt);
    return LAUNCH_PREPARING;
  }
  if (job->program == PROGRAM_UNWANTED)
    return LAUNCH_REFUSED;
  struct keeper *keeper = idle_keeper(sim);
  if (!keeper || sim_strikes(sim, TROUBLE_BUSY))
    return LAUNCH_BUSY;
  keeper->attempt = attempt;
  begin_attempt(sim, attempt, 2000);
  return LAUNCH_ACCEPTED;
}

static void launch_arrives(struct sim *sim, struct event *event)
{
  struct job *job = &sim->jobs[event->number];
  answer_launch(sim, event->name, take_launch(sim, event->name, job));
}

static void launch_times_out(struct sim *sim, struct event *event)
{
  answer_launch(sim, event->name, LAUNCH_UNKNOWN);
}

void sim_backend_launch(struct sim *sim, struct name name, struct job *job)
{
  struct attempt *attempt = add_attempt(sim, name, job);
  bool lost = sim_strikes(sim, TROUBLE_LAUNCH_LOST);
  attempt->delayed |= lost;
  uint64_t delay_us = lost ? LAUNCH_TIMEOUT_US : sim_between_us(sim, 10, 1000);
  struct event *event =
    sim_after(sim, delay_us, lost ? EVENT_TO_DAEMON : EVENT_FROM_DAEMON, lost ? launch_times_out : launch_arrives);
  event->name = name;
  event->number = job->index;
}

/* ---- observe ---- */

/* What each attempt writes begins with its own name, and no more is kept. */
static struct outputs *outputs_seen(struct name name, const struct seen *seen)
{
  struct outputs *outputs = outputs_create();
  struct stream_output *stream = &outputs->stream[STREAM_STDOUT];
  size_t kept = seen->output_lost ? 0 : strlen(name.text);
  stream->bytes = seen->written_bytes;
  stream->head_bytes = kept;
  stream->omitted_bytes = seen->written_bytes - kept;
  stream->lost_bytes = seen->output_lost ? strlen(name.text) : 0;
  stream->data = kept ? blob_create(name.text, kept) : 0;
  return outputs;
}

static void deliver_observed(struct sim *sim, struct event *event)
{
  if (!daemon_enter(sim))
    return;
  const struct seen *seen = event->owned;
  sim_trace(sim, "observed   %s %s%s%s", event->name.text, presence_name(seen->presence),
            seen->started ? ", started" : "", seen->recorded ? ", recorded" : "");
  struct attempt *attempt = backend_find(sim, event->name);
  if (attempt && attempt->job->answered_look_request < seen->request)
    attempt->job->answered_look_request = seen->request;
  struct outputs *outputs = seen->outputs ? outputs_seen(event->name, seen) : 0;
  executor_observed(sim->executor, event->name,
                    &(struct observation){
                      .presence = seen->presence,
                      .progress = seen->progress,
                      .started = seen->started,
                      .started_at = seen->started_at,
                      .record = seen->recorded ? &seen->record : 0,
                      .outputs = outputs,
                    });
  outputs_unref(outputs);
  daemon_leave(sim);
}

void backend_read_evidence(const struct attempt *attempt, struct seen *seen)
{
  seen->started = attempt->evidence && attempt->starts;
  seen->started_at = (struct wall){seen->started ? (int64_t)(attempt->started_us / 1000) : 0};
  seen->recorded = attempt->evidence && attempt->recorded && !attempt->damaged;
  seen->record = attempt->record;
  seen->written_bytes = attempt->written_bytes;
  seen->outputs = seen->started && (seen->recorded || seen->presence == PRESENCE_DEAD);
}

static void send_observed(struct sim *sim, struct name name, struct seen *owned)
{
  struct event *answer = sim_after(sim, answer_delay(sim), EVENT_TO_DAEMON, deliver_observed);
  answer->name = name;
  answer->owned = owned;
}

void backend_tell(struct sim *sim, struct name name, const struct seen *seen)
{
  struct seen *owned = xcalloc(1, sizeof *owned);
  *owned = *seen;
  send_observed(sim, name, owned);
}

/* The evidence, a moment after the backend itself. */
static void read_evidence(struct sim *sim, struct event *event)
{
  struct seen *seen = event->owned;
  const struct attempt *attempt = backend_find(sim, event->name);
  if (attempt && seen->presence != PRESENCE_UNKNOWN)
    backend_read_evidence(attempt, seen);
  send_observed(sim, event->name, TAKE_PTR(event->owned));
}

/* What the backend says instead of the truth. */
static enum presence say_something_else(struct sim *sim, struct attempt *attempt)
{
  enum presence truth = attempt->presence;
  if (backend_is_frozen(sim, attempt) && sim_coin(sim))
    return PRESENCE_UNKNOWN;
  if (is_alive(truth) && sim_strikes(sim, TROUBLE_SAYS_CREATED)) {
    attempt->failed = true;
    attempt->buried |= truth == PRESENCE_PENDING;
    return PRESENCE_ABSENT;
  }
  if (is_alive(truth) && sim_strikes(sim, TROUBLE_SAYS_ENDED)) {
    attempt->failed = true;
    attempt->buried |= truth == PRESENCE_PENDING;
    return PRESENCE_DEAD;
  }
  if (truth == PRESENCE_DEAD && sim_strikes(sim, TROUBLE_SAYS_RUNNING)) {
    attempt->delayed = true;
    return PRESENCE_RUNNING;
  }
  if (sim_strikes(sim, TROUBLE_OBSERVE_FAILS)) {
    attempt->delayed = true;
    return PRESENCE_UNKNOWN;
  }
  return truth;
}

static void observe_arrives(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  struct seen *seen = xcalloc(1, sizeof *seen);
  seen->request = event->number;
  seen->presence = attempt ? say_something_else(sim, attempt) : PRESENCE_ABSENT;
  if (attempt && attempt->fetching && seen->presence == PRESENCE_ABSENT) {
    seen->presence = PRESENCE_PENDING;
    seen->progress = "fetching";
  }
  struct event *next = sim_after(sim, sim_between_us(sim, 5, 500), EVENT_TO_DAEMON, read_evidence);
  next->name = event->name;
  next->owned = seen;
}

void sim_backend_observe(struct sim *sim, struct name name, uint64_t request)
{
  if (is_cluster(sim)) {
    sim_kubernetes_look(sim, name, request);
    return;
  }
  if (sim->backend.kind != BACKEND_NATIVE) {
    sim_docker_look(sim, name, request);
    return;
  }
  struct event *event = sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_FROM_DAEMON, observe_arrives);
  event->name = name;
  event->number = request;
}

/* ---- kill and remove ---- */

static void kill_now(struct sim *sim, struct attempt *attempt, enum kill_reason reason)
{
  struct record record = {.step = STEP_RUN, .killed = reason, .evidence_errno = attempt->stalled ? ETIME : 0};
  if (is_cluster(sim)) {
    delete_pod(sim, attempt, reason);
    return;
  }
  cut_short(sim, attempt);
  attempt->failed |= attempt->stalled;
  attempt->stopped_for = reason;
  if (attempt->presence == PRESENCE_RUNNING) {
    record.kind = EXIT_SIGNAL;
    record.signal = SIGKILL;
    record.started_at.ms = (int64_t)(attempt->started_us / 1000);
    record.wall_time_us = sim->now_us - attempt->started_us;
    end_attempt(sim, attempt, &record);
  } else if (attempt->presence == PRESENCE_PENDING) {
    /* Never begun. A keeper may leave a record of that, or nothing at all. */
    record.kind = EXIT_NOT_STARTED;
    end_attempt(sim, attempt, sim_coin(sim) ? &record : 0);
  }
}

static void kill_arrives(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (!attempt)
    return;
  if (backend_is_frozen(sim, attempt)) {
    attempt->stalled = true;
    when_it_thaws(sim, attempt, event);
    return;
  }
  if (attempt->presence == PRESENCE_RUNNING && sim_strikes(sim, TROUBLE_UNKILLABLE)) {
    attempt->delayed = true; /* uninterruptible sleep: it dies when it wakes */
    struct event *later = sim_after(sim, sim_between_us(sim, 1000, 30000000), EVENT_WORLD, kill_arrives);
    later->name = event->name;
    later->value = event->value;
    return;
  }
  attempt->fetching = false; /* nobody waits for that any more */
  kill_now(sim, attempt, (enum kill_reason)event->value);
}

void sim_backend_kill(struct sim *sim, struct name name, enum kill_reason reason)
{
  struct attempt *attempt = backend_find(sim, name);
  if (attempt && sim_strikes(sim, TROUBLE_KILL_LOST)) {
    attempt->delayed = true;
    return;
  }
  struct event *event = sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_FROM_DAEMON, kill_arrives);
  event->name = name;
  event->value = (int)reason;
}

static void remove_arrives(struct sim *sim, struct event *event)
{
  struct attempt *attempt = backend_find(sim, event->name);
  if (!attempt)
    return;
  if (backend_is_frozen(sim, attempt)) {
    when_it_thaws(sim, attempt, event);
    return;
  }
  check_never_starts(sim, attempt);
  if (is_alive(attempt->presence))
    kill_now(sim, attempt, KILLED_DEADLINE);
  backend_forget(sim, attempt);
  attempt->evidence = attempt->fetching = attempt->fetched = attempt->start_seen = false;
  attempt->cluster = (struct cluster_attempt){0};
}

void sim_backend_remove(struct sim *sim, struct name name)
{
  sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_FROM_DAEMON, remove_arrives)->name = name;
}
