#include "keeper/supervise.h"

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"
#include "keeper/outcome.h"
#include "keeper/stall.h"
#include "keeper/stops.h"

#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  SAMPLE_MS = 10,
  CPU_CHECK_MS_MIN = 1,
  MEMORY_CHECK_MS_MIN = 1,
  MEMORY_CHECK_MS_MAX = 100,
  KILL_MS_MAX = 5000,
  RETRY_MS = 50
};
#define MEMORY_BYTES_PER_MS MIB(4) /* that a program can make its own: the kernel clears each page */

static bool is_set(struct mono time)
{
  return time.us != 0;
}

static bool has_come(struct mono time, struct mono now)
{
  return is_set(time) && time.us <= now.us;
}

/* The earliest moment at which the CPU limit could be exceeded, were every processor busy from now on. */
static struct mono next_cpu_check(const struct evaluation *evaluation, struct mono now, uint64_t used_us)
{
  uint64_t limit_us = evaluation->mapped.plan.limits.cpu_time_ms * 1000;
  uint64_t busy = evaluation->host->processors;
  if (busy > evaluation->mapped.plan.limits.processes)
    busy = evaluation->mapped.plan.limits.processes;
  uint64_t wait_ms = (limit_us - used_us) / busy / 1000;
  return mono_add_ms(now, wait_ms < CPU_CHECK_MS_MIN ? CPU_CHECK_MS_MIN : wait_ms);
}

/* The earliest moment at which the kernel might kill the keeper with the program; not set: it never does. */
static struct mono next_memory_check(struct mono now, uint64_t room_bytes)
{
  if (room_bytes == UINT64_MAX)
    return (struct mono){0};
  uint64_t wait_ms = room_bytes / MEMORY_BYTES_PER_MS;
  wait_ms = wait_ms < MEMORY_CHECK_MS_MIN ? MEMORY_CHECK_MS_MIN : wait_ms;
  return mono_add_ms(now, wait_ms > MEMORY_CHECK_MS_MAX ? MEMORY_CHECK_MS_MAX : wait_ms);
}

static struct mono wall_deadline(const struct evaluation *evaluation)
{
  return mono_add_ms(evaluation->step_started, evaluation->mapped.plan.limits.wall_time_ms);
}

static void earlier(struct mono *earliest, struct mono time)
{
  if (is_set(time) && (!is_set(*earliest) || time.us < earliest->us))
    *earliest = time;
}

/* When to look again even if nothing happens; not set: never. */
static struct mono next_look(const struct evaluation *evaluation)
{
  struct mono next = {0};
  switch (evaluation->phase) {
  case PHASE_RUNNING:
    if (is_set(evaluation->killed_at)) {
      earlier(&next, mono_add_ms(evaluation->killed_at, KILL_MS_MAX));
    } else {
      earlier(&next, wall_deadline(evaluation));
      earlier(&next, evaluation->cpu_check);
      earlier(&next, evaluation->memory_check);
      earlier(&next, evaluation->sample_at);
    }
    break;
  case PHASE_ENDING:
    earlier(&next, mono_add_ms(evaluation->over_at, DRAIN_MS_MAX));
    break;
  case PHASE_CLEARING:
    if (!evaluation->sandbox.init) /* gone, but its cgroup is not empty yet */
      earlier(&next, mono_add_ms(mono_now(), RETRY_MS));
    break;
  default:
    break;
  }
  return next;
}

static void arm_timer(struct evaluation *evaluation)
{
  struct mono next = next_look(evaluation);
  if (next.us == evaluation->armed.us)
    return;
  const struct itimerspec when = {
    .it_value = {.tv_sec = (time_t)(next.us / 1000000), .tv_nsec = (long)(next.us % 1000000) * 1000}};
  timerfd_settime(evaluation->timer, TFD_TIMER_ABSTIME, &when, 0);
  evaluation->armed = next;
}

bool supervise_step(struct evaluation *evaluation, enum step step)
{
  evaluation->record.step = step;
  evaluation->step_started = mono_now();
  evaluation->cpu_check = next_cpu_check(evaluation, evaluation->step_started, 0);
  evaluation->memory_check =
    next_memory_check(evaluation->step_started, cgroup_memory_room(&evaluation->sandbox.cgroup));
  evaluation->sample_at =
    evaluation->sampler.proc >= 0 ? mono_add_ms(evaluation->step_started, SAMPLE_MS) : (struct mono){0};
  evaluation->record.started_at = wall_now();
  evaluation->waited_before_us = stall_waited_us(evaluation->host->proc);
  return sandbox_run(&evaluation->sandbox, step);
}

static void kill_tree(struct evaluation *evaluation)
{
  sandbox_kill(&evaluation->sandbox);       /* process 1: its whole pid namespace dies with it */
  cgroup_kill(&evaluation->sandbox.cgroup); /* reaches what is frozen in its cgroup, too */
  evaluation->killed_at = mono_now();
}

void supervise_over(struct evaluation *evaluation)
{
  evaluation->phase = PHASE_ENDING;
  evaluation->over_at = mono_now();
  evaluation->record.ended_at = wall_now();
  evaluation->record.wall_time_us = evaluation->over_at.us - evaluation->step_started.us;
}

/* The compiler's output is complete, as init has waited for the last process that could write to it. */
static void begin_run(struct evaluation *evaluation)
{
  while (!capture_drain(&evaluation->capture))
    ;
  capture_hand_over(&evaluation->capture, STREAM_COMPILE, STREAM_STDERR);
  evaluation->compile_cpu_us += outcome_cpu_us(evaluation);
  evaluation->record.cpu_time_us = 0;
  if (!supervise_step(evaluation, STEP_RUN))
    log_warning(evaluation->id, "the sandbox ended between compilation and run");
}

static void handle_end(struct evaluation *evaluation, const struct report *report)
{
  evaluation->waited_cpu_us = report->tree_cpu_us;
  evaluation->waited_peak_bytes = report->tree_peak_bytes;
  if (evaluation->record.step == STEP_COMPILE && report->code == 0 && !evaluation->kill_reason)
    return begin_run(evaluation);
  outcome_set_status(evaluation, report->code);
  supervise_over(evaluation);
  if (evaluation->record.step == STEP_COMPILE)
    kill_tree(evaluation); /* init waits for a run that is not to come */
}

static void handle_report(struct evaluation *evaluation, const struct report *report, const int *fds)
{
  if (evaluation->phase != PHASE_RUNNING)
    return;
  switch (report->type) {
  case REPORT_LISTENER:
    evaluation->stops = fds[0];
    stops_tune(evaluation->stops);
    return;
  case REPORT_ENDED:
    return handle_end(evaluation, report);
  case REPORT_UNFIT:
    outcome_set_unfit(evaluation, report->code, report->text);
    return supervise_over(evaluation);
  default:
    outcome_set_broken(evaluation, report->code, report->text);
    return supervise_over(evaluation);
  }
}

/* Everything that init has said up to now. */
static void take_reports(struct evaluation *evaluation)
{
  struct report report;
  int fds[CHANNEL_FDS_MAX];
  int result;
  while (evaluation->sandbox.channel >= 0 &&
         (result = channel_receive(evaluation->sandbox.channel, &report, sizeof report, fds)) != -EAGAIN) {
    if (result == 1) {
      handle_report(evaluation, &report, fds);
    } else { /* init is gone; its end is learnt from its pidfd */
      fd_close(evaluation->sandbox.channel);
      evaluation->sandbox.channel = -1;
    }
  }
}

void evaluation_kill(struct evaluation *evaluation, enum kill_reason reason)
{
  take_reports(evaluation); /* it may have ended on its own a moment ago */
  if (evaluation->phase == PHASE_RUNNING && !evaluation->kill_reason) {
    evaluation->kill_reason = reason;
    kill_tree(evaluation);
  }
  supervise_advance(evaluation);
}

void evaluation_abandon(struct evaluation *evaluation, int code, const char *text)
{
  take_reports(evaluation);
  if (evaluation->phase == PHASE_RUNNING && !is_set(evaluation->killed_at)) {
    outcome_set_broken(evaluation, code, text);
    kill_tree(evaluation);
  }
  supervise_advance(evaluation);
}

static void handle_stop(struct evaluation *evaluation, short revents)
{
  struct stop stop;
  if (revents & POLLIN && stop_take(evaluation->stops, &stop)) {
    capture_drain(&evaluation->capture);
    stop_continue(evaluation->stops, &stop);
  } else if (revents & (POLLHUP | POLLERR)) { /* no process is left that could be stopped */
    fd_close(evaluation->stops);
    evaluation->stops = -1;
  }
}

static void check_output(struct evaluation *evaluation)
{
  if (!(evaluation->mapped.plan.flags & PLAN_KILL_ON_OUTPUT) || evaluation->phase != PHASE_RUNNING)
    return;
  for (int i = 0; i < STREAM_COUNT; i++)
    if (capture_over_limit(&evaluation->capture, (enum stream)i))
      return evaluation_kill(evaluation, KILLED_OUTPUT);
}

static void check_cpu(struct evaluation *evaluation, struct mono now)
{
  uint64_t used_us = outcome_cpu_us(evaluation);
  if (used_us >= evaluation->mapped.plan.limits.cpu_time_ms * 1000) {
    evaluation->record.cpu_time_us = used_us;
    return evaluation_kill(evaluation, KILLED_CPU_TIME);
  }
  evaluation->cpu_check = next_cpu_check(evaluation, now, used_us);
}

static void check_memory(struct evaluation *evaluation, struct mono now)
{
  const uint64_t room_bytes = cgroup_memory_room(&evaluation->sandbox.cgroup);
  evaluation->memory_check = next_memory_check(now, room_bytes);
  if (room_bytes == 0)
    evaluation_kill(evaluation, KILLED_MEMORY);
}

static void sample(struct evaluation *evaluation, struct mono now)
{
  struct sampler *sampler = &evaluation->sampler;
  uint64_t limit = evaluation->mapped.plan.limits.memory_bytes;
  sampler_look(sampler);
  evaluation->sample_at = mono_add_ms(now, SAMPLE_MS);
  if (!cgroups_have(&evaluation->host->cgroups, CONTROLLER_MEMORY) && sampler->memory_bytes > limit &&
      sampler_confirms_memory_over(sampler, limit))
    evaluation_kill(evaluation, KILLED_MEMORY);
}

/* A program is not to blame for what stood still past its limit. (What does so within it, and goes on in time, is not
 * noticed.) */
static void check_wall(struct evaluation *evaluation, struct mono now)
{
  const struct mono deadline = wall_deadline(evaluation);
  if (!has_come(deadline, now))
    return;
  const uint64_t waited_us = stall_waited_us(evaluation->host->proc) - evaluation->waited_before_us;
  if (stall_was_one(now.us - deadline.us, waited_us))
    evaluation_abandon(evaluation, ETIME, "the sandbox or its host stood still past the time limit");
  else
    evaluation_kill(evaluation, KILLED_WALL_TIME);
}

static void check_limits(struct evaluation *evaluation)
{
  struct mono now = mono_now();
  if (evaluation->phase != PHASE_RUNNING || is_set(evaluation->killed_at))
    return;
  if (has_come(evaluation->memory_check, now))
    check_memory(evaluation, now);
  if (has_come(evaluation->sample_at, now))
    sample(evaluation, now);
  if (has_come(evaluation->cpu_check, now))
    check_cpu(evaluation, now);
  check_wall(evaluation, now);
}

/* Every stream at its end: whoever could write is dead. Or some orphan holds one open, and is not waited for any
 * longer. */
static bool output_is_complete(const struct evaluation *evaluation)
{
  bool open = false;
  for (int i = 0; i < STREAM_COUNT; i++)
    open |= capture_is_open(&evaluation->capture, (enum stream)i);
  return !open || has_come(mono_add_ms(evaluation->over_at, DRAIN_MS_MAX), mono_now());
}

static void write_record(struct evaluation *evaluation)
{
  FAILPOINT(program_ended);
  outcome_write(evaluation);
  FAILPOINT(record_named);
  capture_release(&evaluation->capture);
  fd_close(evaluation->stops);
  evaluation->stops = -1;
  evaluation->phase = PHASE_CLEARING;
  if (evaluation->events.ended)
    evaluation->events.ended(evaluation->events.context, evaluation->name.text);
  FAILPOINT(ended_told);
}

/* A process in an uninterruptible call outlives even SIGKILL: the verdict does not wait for it, the slot does. */
static void give_up_waiting(struct evaluation *evaluation)
{
  log_error(evaluation->id, "the tree is not gone %d ms after it was killed", KILL_MS_MAX);
  outcome_set_status(evaluation, SIGKILL);
  evaluation->record.leftover = true;
  supervise_over(evaluation);
}

void supervise_advance(struct evaluation *evaluation)
{
  const bool gone = sandbox_reap(&evaluation->sandbox);
  if (evaluation->phase == PHASE_RUNNING && gone) {
    take_reports(evaluation); /* what it said last */
    if (evaluation->phase == PHASE_RUNNING) {
      outcome_set_unreported(evaluation);
      supervise_over(evaluation);
    }
  }
  if (evaluation->phase == PHASE_RUNNING && is_set(evaluation->killed_at) &&
      has_come(mono_add_ms(evaluation->killed_at, KILL_MS_MAX), mono_now()))
    give_up_waiting(evaluation);
  if (evaluation->phase == PHASE_ENDING) {
    capture_drain(&evaluation->capture);
    if (output_is_complete(evaluation))
      write_record(evaluation);
  }
  if (evaluation->phase == PHASE_CLEARING && gone && cgroup_is_empty(&evaluation->sandbox.cgroup))
    evaluation_clear(evaluation);
  arm_timer(evaluation);
}

void evaluation_watch(struct evaluation *evaluation, struct pollfd watch[static WATCH_COUNT])
{
  const struct capture *capture = &evaluation->capture;
  const bool compiling = capture_is_open(capture, STREAM_COMPILE);
  const int fds[WATCH_COUNT] = {
    [WATCH_STOPS] = evaluation->stops,
    [WATCH_OUTPUT] = capture->stream[STREAM_STDOUT].pipe,
    [WATCH_ERROR] = capture->stream[compiling ? STREAM_COMPILE : STREAM_STDERR].pipe,
    [WATCH_REPORTS] = evaluation->sandbox.channel,
    [WATCH_INIT] = evaluation->sandbox.pidfd,
    [WATCH_TIMER] = evaluation->timer,
  };
  for (int i = 0; i < WATCH_COUNT; i++)
    watch[i] = (struct pollfd){.fd = evaluation->phase == PHASE_IDLE ? -1 : fds[i], .events = POLLIN};
}

void evaluation_handle(struct evaluation *evaluation, const struct pollfd watch[static WATCH_COUNT])
{
  if (evaluation->phase == PHASE_IDLE)
    return;
  if (watch[WATCH_STOPS].revents)
    handle_stop(evaluation, watch[WATCH_STOPS].revents);
  if (watch[WATCH_OUTPUT].revents || watch[WATCH_ERROR].revents)
    capture_drain(&evaluation->capture);
  if (watch[WATCH_REPORTS].revents)
    take_reports(evaluation);
  check_output(evaluation);
  if (watch[WATCH_TIMER].revents) {
    uint64_t expirations;
    (void)!read(evaluation->timer, &expirations, sizeof expirations);
    evaluation->armed = (struct mono){0};
    check_limits(evaluation);
  }
  supervise_advance(evaluation);
}
