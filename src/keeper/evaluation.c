#include "keeper/evaluation.h"

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"
#include "keeper/evidence.h"
#include "keeper/outcome.h"
#include "keeper/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* As an evaluation is between two attempts. */
static void reset(struct evaluation *evaluation)
{
  *evaluation = (struct evaluation){
    .host = evaluation->host,
    .events = evaluation->events,
    .timer = evaluation->timer,
    .spare = evaluation->spare,
    .directory = -1,
    .reserved = -1,
    .sandbox = SANDBOX_NONE,
    .sampler = SAMPLER_NONE,
    .stops = -1,
  };
  capture_init(&evaluation->capture, -1, 0);
}

void evaluation_init(struct evaluation *evaluation, struct host *host, const struct evaluation_events *events)
{
  evaluation->host = host;
  evaluation->events = *events;
  evaluation->spare = SANDBOX_NONE;
  evaluation->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  ASSERT(evaluation->timer >= 0);
  reset(evaluation);
}

/* Whatever still lived in the sandbox is gone, or it never had anything. */
static void release(struct evaluation *evaluation)
{
  timerfd_settime(evaluation->timer, 0, &(struct itimerspec){{0, 0}, {0, 0}}, 0);
  sandbox_release(&evaluation->sandbox);
  capture_release(&evaluation->capture);
  sampler_release(&evaluation->sampler);
  plan_map_release(&evaluation->mapped);
  fd_close(evaluation->directory);
  fd_close(evaluation->reserved);
  fd_close(evaluation->stops);
  reset(evaluation);
}

bool evaluation_prepare(struct evaluation *evaluation, struct error *error)
{
  if (evaluation->spare.init && !sandbox_reap(&evaluation->spare))
    return true;
  sandbox_destroy(&evaluation->spare); /* somebody has killed it */
  return sandbox_create(&evaluation->spare, evaluation->host, error);
}

void evaluation_release(struct evaluation *evaluation)
{
  ASSERT(evaluation->phase == PHASE_IDLE);
  sandbox_destroy(&evaluation->spare);
  fd_close(evaluation->timer);
}

static bool create_in_root(struct evaluation *evaluation, const struct root *root, struct error *error)
{
  const struct host *host = evaluation->host;
  const bool created = host_visit_root(root, error) && sandbox_create(&evaluation->sandbox, host, error);
  return host_visit_root(host_find_root(host, 0), error) && created;
}

/* The one made ahead; or, in another root than the usual, one made now. */
static bool take_sandbox(struct evaluation *evaluation, struct error *error)
{
  const struct root *root = host_find_root(evaluation->host, evaluation->mapped.plan.root);
  if (!root)
    return error_set(error, ERROR_FORBIDDEN, EACCES, "the root \"%s\" is not allowed", evaluation->mapped.plan.root);
  if (evaluation->mapped.plan.root)
    return create_in_root(evaluation, root, error);
  if (!evaluation_prepare(evaluation, error))
    return false;
  evaluation->sandbox = evaluation->spare;
  evaluation->spare = SANDBOX_NONE;
  return true;
}

/* A sandbox whose cgroup has the plan's limits. */
static bool prepare_sandbox(struct evaluation *evaluation, struct error *error)
{
  return take_sandbox(evaluation, error) &&
         cgroup_limit(&evaluation->sandbox.cgroup, &evaluation->mapped.plan.limits, error) &&
         sandbox_await_built(&evaluation->sandbox, error);
}

/* Hands over the plan and waits until everything is done that can fail before the program; makes room for the record
 * meanwhile. `*ret_fit` is false where the plan itself is at fault. */
static bool load(struct evaluation *evaluation, int plan, bool *ret_fit, struct error *error)
{
  struct report report;
  int views[CHANNEL_FDS_MAX] = {-1, -1};
  if (!sandbox_load(&evaluation->sandbox, plan, evaluation->id, error))
    return false;
  const bool reserves = !evaluation->events.recorded;
  if (reserves)
    evaluation->reserved = evidence_reserve(evaluation->directory, error);
  if ((reserves && evaluation->reserved < 0) || !sandbox_await_loaded(&evaluation->sandbox, &report, views, error))
    return false;
  if (evaluation->host->contained && host_must_sample(evaluation->host))
    sampler_init_contained(&evaluation->sampler, evaluation->sandbox.init, evaluation->host->program_uid);
  else
    sampler_init(&evaluation->sampler, views[0], views[1]);
  evaluation->init_cpu_us = report.init_cpu_us;
  *ret_fit = report.type == REPORT_READY;
  if (!*ret_fit)
    outcome_set_unfit(evaluation, report.code, report.text);
  return true;
}

static bool mark_started(struct evaluation *evaluation, struct error *error)
{
  struct start_marker marker = {
    .at = wall_now(),
    .boot_id_hash = evaluation->host->boot_id_hash,
    .init_pid = (uint64_t)evaluation->sandbox.init,
    .init_start_ticks = evaluation->sandbox.start_ticks,
  };
  FAILPOINT(plan_loaded);
  memcpy(marker.cgroup, evaluation->sandbox.cgroup.name, sizeof marker.cgroup);
  evaluation->record.started_at = marker.at;
  if (!evidence_mark_started(evaluation->directory, &marker, error))
    return false;
  if (evaluation->events.marked)
    evaluation->events.marked(evaluation->events.context, &marker);
  return true;
}

static void begin(struct evaluation *evaluation, bool fit)
{
  struct sandbox *sandbox = &evaluation->sandbox;
  const enum step first = evaluation->mapped.plan.compile ? STEP_COMPILE : STEP_RUN;
  capture_init(&evaluation->capture, evaluation->directory, evaluation->mapped.plan.limits.output_bytes);
  evaluation->capture.in_memory = evaluation->host->shares_uid;
  capture_attach(&evaluation->capture, STREAM_STDOUT, TAKE_FD(sandbox->pipe[SANDBOX_OUTPUT]));
  capture_attach(&evaluation->capture, first == STEP_COMPILE ? STREAM_COMPILE : STREAM_STDERR,
                 TAKE_FD(sandbox->pipe[SANDBOX_ERROR]));
  evaluation->phase = PHASE_RUNNING;
  if (fit)
    supervise_step(evaluation, first);
  else
    supervise_over(evaluation);
  FAILPOINT(program_runs);
  if (evaluation->events.started)
    evaluation->events.started(evaluation->events.context, evaluation->name.text, sandbox->pidfd);
  FAILPOINT(started_told);
  supervise_advance(evaluation);
}

static enum evidence_opening open_evidence(struct evaluation *evaluation, struct error *error)
{
  const struct host *host = evaluation->host;
  return host->contained ? evidence_adopt(host->evidence, &evaluation->directory, error)
                         : evidence_open(host->evidence, evaluation->name.text, &evaluation->directory, error);
}

/* Nothing ran: nothing is to be left that says otherwise. */
static void give_up(struct evaluation *evaluation)
{
  const struct host *host = evaluation->host;
  sandbox_destroy(&evaluation->sandbox);
  if (host->contained)
    evidence_clear(host->evidence);
  else
    evidence_remove(host->evidence, evaluation->name.text);
  release(evaluation);
}

enum launch_outcome evaluation_launch(struct evaluation *evaluation, const char *name, int plan, struct error *error)
{
  ASSERT(evaluation->phase == PHASE_IDLE);
  unsigned attempt;
  if (!name_parse(name, evaluation->id, &attempt))
    return error_set(error, ERROR_INVALID, EINVAL, "not a name of ours"), LAUNCH_REFUSED;
  snprintf(evaluation->name.text, sizeof evaluation->name.text, "%s", name);

  switch (open_evidence(evaluation, error)) {
  case EVIDENCE_KNOWN:
    release(evaluation);
    return LAUNCH_KNOWN;
  case EVIDENCE_FAILED:
    release(evaluation);
    return LAUNCH_REFUSED;
  default:
    break;
  }
  bool fit = true;
  if (!plan_map_open(&evaluation->mapped, plan, error) || !prepare_sandbox(evaluation, error) ||
      !load(evaluation, plan, &fit, error) || !mark_started(evaluation, error)) {
    give_up(evaluation);
    return LAUNCH_REFUSED;
  }
  FAILPOINT(start_marked);
  begin(evaluation, fit);
  return LAUNCH_DONE;
}

void evaluation_clear(struct evaluation *evaluation)
{
  struct error error = {0};
  release(evaluation);
  struct network *network = &evaluation->host->network;
  if (!network_is_clean(network) && !network_enter_fresh(network, evaluation->host->proc, &error))
    log_error(0, "%s", error.message);
  if (evaluation->events.idle)
    evaluation->events.idle(evaluation->events.context);
}
