#include "keeper/outcome.h"

#include "base/log.h"
#include "keeper/evidence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

void outcome_set_status(struct evaluation *evaluation, int wait_status)
{
  struct record *record = &evaluation->record;
  if (WIFSIGNALED(wait_status)) {
    record->kind = EXIT_SIGNAL;
    record->signal = WTERMSIG(wait_status);
  } else {
    record->kind = EXIT_CODE;
    record->exit_code = WEXITSTATUS(wait_status);
  }
  /* Our kill is a SIGKILL to all; whatever ended otherwise did so before it was reached. */
  if (record->kind == EXIT_SIGNAL && record->signal == SIGKILL)
    record->killed = evaluation->kill_reason;
}

void outcome_set_unreported(struct evaluation *evaluation)
{
  struct cgroup_usage usage;
  outcome_set_status(evaluation, SIGKILL);
  if (evaluation->killed_at.us)
    return;
  /* Not by us. The kernel may have chosen init itself for the memory limit, though it stands far behind; or the program did
   * it, where it has the right; else somebody reached in from outside, and nothing can be said of the program. */
  cgroup_measure(&evaluation->sandbox.cgroup, &usage);
  if (!usage.oom_kills && !evaluation->host->shares_uid)
    outcome_set_broken(evaluation, ECHILD, "the sandbox was killed from outside");
}

void outcome_set_unfit(struct evaluation *evaluation, int code, const char *text)
{
  evaluation->record.kind = EXIT_NOT_STARTED;
  evaluation->record.exec_errno = code;
  snprintf(evaluation->record.message, sizeof evaluation->record.message, "%s", text);
}

void outcome_set_broken(struct evaluation *evaluation, int code, const char *text)
{
  if (!evaluation->capture.evidence_errno)
    evaluation->capture.evidence_errno = code ? code : EIO;
  snprintf(evaluation->record.message, sizeof evaluation->record.message, "%s", text);
}

/* Of all that was counted, what the present step used. */
static uint64_t own_cpu_us(const struct evaluation *evaluation, uint64_t counted_us)
{
  const struct sampler *sampler = &evaluation->sampler;
  uint64_t total = sampler->cpu_us > evaluation->waited_cpu_us ? sampler->cpu_us : evaluation->waited_cpu_us;
  uint64_t others = evaluation->compile_cpu_us;
  if (cgroups_have(&evaluation->host->cgroups, CONTROLLER_CPU)) {
    total = counted_us;
    others += evaluation->init_cpu_us;
  }
  return total > others ? total - others : 0;
}

uint64_t outcome_cpu_us(const struct evaluation *evaluation)
{
  return own_cpu_us(evaluation, cgroup_cpu_us(&evaluation->sandbox.cgroup));
}

/* The best number there is: the kernel's count for all together; what was seen of all together; what one process had at its
 * most. Of a tree that was killed init does not report, but in a container it has ended as the keeper's own child. */
static uint64_t memory_peak_bytes(const struct evaluation *evaluation, const struct cgroup_usage *usage)
{
  struct rusage waited;
  if (usage->memory_peak_bytes)
    return usage->memory_peak_bytes;
  if (evaluation->sampler.memory_peak_bytes)
    return evaluation->sampler.memory_peak_bytes;
  if (evaluation->waited_peak_bytes || !evaluation->host->contained || getrusage(RUSAGE_CHILDREN, &waited) < 0)
    return evaluation->waited_peak_bytes;
  return (uint64_t)waited.ru_maxrss * 1024;
}

static uint64_t at_most(uint64_t number, uint64_t most)
{
  return number < most ? number : most;
}

static void measure(struct evaluation *evaluation)
{
  struct record *record = &evaluation->record;
  const struct limits *limits = &evaluation->mapped.plan.limits;
  struct cgroup_usage usage;
  cgroup_measure(&evaluation->sandbox.cgroup, &usage);
  uint64_t cpu_us = own_cpu_us(evaluation, usage.cpu_us);
  if (cpu_us > record->cpu_time_us) /* set already where the limit was hit */
    record->cpu_time_us = cpu_us;
  record->memory_peak_bytes = memory_peak_bytes(evaluation, &usage);
  if (cgroups_have(&evaluation->host->cgroups, CONTROLLER_MEMORY)) /* in a container the keeper's part is in it */
    record->memory_peak_bytes = at_most(record->memory_peak_bytes, limits->memory_bytes);
  /* A sample may see two that never were there together. */
  record->processes_peak =
    at_most(usage.processes_peak ? usage.processes_peak : evaluation->sampler.processes_peak, limits->processes);
  record->oom_kills = usage.oom_kills;
  record->pids_refused = usage.pids_refused;
}

void outcome_write(struct evaluation *evaluation)
{
  struct record *record = &evaluation->record;
  struct error error = {0};
  measure(evaluation);
  record->isolation = evaluation->host->isolation;
  if (!record->ended_at.ms)
    record->ended_at = wall_now();
  capture_finish(&evaluation->capture, record);
  if (evaluation->events.recorded)
    evaluation->events.recorded(evaluation->events.context, &evaluation->capture, record);
  else if (!evidence_write_record(evaluation->directory, evaluation->reserved, record, &error))
    log_error(evaluation->id, "%s", error.message); /* no record: the attempt will be found lost */
}
