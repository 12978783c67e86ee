#include "core/verdict.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  enum fault fault;
} verdicts[VERDICT_COUNT] = {
#define X(name, text, fault, meaning) [VERDICT_##name] = {text, FAULT_##fault},
  VERDICTS(X)
#undef X
};

static const char *const fault_names[] = {
#define X(name, text) [FAULT_##name] = text,
  FAULTS(X)
#undef X
};

static const char *const presence_names[] = {
#define X(name, text) [PRESENCE_##name] = text,
  PRESENCES(X)
#undef X
};

const char *verdict_name(enum verdict_kind kind)
{
  return verdicts[kind].name;
}

enum verdict_kind verdict_from_name(const char *name)
{
  for (int kind = VERDICT_NONE + 1; kind < VERDICT_COUNT; kind++)
    if (!strcmp(verdicts[kind].name, name))
      return (enum verdict_kind)kind;
  return VERDICT_NONE;
}

enum fault verdict_fault(enum verdict_kind kind)
{
  return verdicts[kind].fault;
}

const char *fault_name(enum fault fault)
{
  return fault_names[fault];
}

const char *presence_name(enum presence presence)
{
  return presence_names[presence];
}

const char *signal_name(int signal, char text[static 16])
{
  if (signal <= 0)
    return 0;
  const char *abbreviation = sigabbrev_np(signal);
  if (abbreviation)
    snprintf(text, 16, "SIG%s", abbreviation);
  else
    snprintf(text, 16, "SIG%d", signal); /* a real-time one: its number alone is the same in every libc */
  return text;
}

/* The measured value of a limit, in the limit's own unit. */
static uint64_t measured(const struct record *record, enum limit_kind limit)
{
  switch (limit) {
  case LIMIT_WALL_TIME:
    return record->wall_time_us / 1000;
  case LIMIT_CPU_TIME:
    return record->cpu_time_us / 1000;
  case LIMIT_MEMORY:
    return record->memory_peak_bytes;
  case LIMIT_PROCESSES:
    return record->processes_peak;
  case LIMIT_OUTPUT: {
    uint64_t most = 0;
    for (int i = 0; i < STREAM_COUNT; i++)
      if (record->stream[i].bytes > most)
        most = record->stream[i].bytes;
    return most;
  }
  default:
    return 0;
  }
}

static void set_limit(struct verdict *verdict, const struct verdict_case *the_case, enum limit_kind limit)
{
  verdict->limit = limit;
  verdict->limit_value = limit_value(the_case->limits, limit);
  verdict->limit_measured = measured(the_case->record, limit);
}

__attribute__((format(printf, 2, 3))) static void set_reason(struct verdict *verdict, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(verdict->reason, sizeof verdict->reason, format, args);
  va_end(args);
}

/* What it means to have been killed for a limit, and what the limit is called in a sentence. */
static const struct {
  enum verdict_kind kind;
  const char *what, *unit;
} exceeded[LIMIT_COUNT] = {
  [LIMIT_WALL_TIME] = {VERDICT_TIMED_OUT, "wall time", "ms"},
  [LIMIT_CPU_TIME] = {VERDICT_TIMED_OUT, "CPU time", "ms"},
  [LIMIT_MEMORY] = {VERDICT_OUT_OF_MEMORY, "memory", "bytes"},
  [LIMIT_OUTPUT] = {VERDICT_OUTPUT_EXCEEDED, "output", "bytes"},
};

/* The limit for which the keeper killed; NONE for the other reasons. */
static const enum limit_kind limit_of_kill[KILL_REASON_COUNT] = {
  [KILLED_WALL_TIME] = LIMIT_WALL_TIME,
  [KILLED_CPU_TIME] = LIMIT_CPU_TIME,
  [KILLED_MEMORY] = LIMIT_MEMORY,
  [KILLED_OUTPUT] = LIMIT_OUTPUT,
};

static void decide_exceeded(struct verdict *verdict, const struct verdict_case *the_case, enum limit_kind limit)
{
  const char *subject = the_case->record->step == STEP_COMPILE ? "compilation" : "program";
  verdict->kind = exceeded[limit].kind;
  set_limit(verdict, the_case, limit);
  set_reason(verdict, "%s exceeded its %s limit of %llu %s", subject, exceeded[limit].what,
             (unsigned long long)verdict->limit_value, exceeded[limit].unit);
}

/* Our own recorded reason: the keeper killed it, and said why before it did. */
static void decide_killed(struct verdict *verdict, const struct verdict_case *the_case)
{
  const struct record *record = the_case->record;
  enum limit_kind limit = limit_of_kill[record->killed];
  if (limit != LIMIT_NONE) {
    decide_exceeded(verdict, the_case, limit);
  } else if (record->killed == KILLED_CANCELLED) {
    verdict->kind = VERDICT_CANCELLED;
    set_reason(verdict, "cancelled by a client");
  } else if (record->wall_time_us / 1000 >= the_case->limits->wall_time_ms) {
    decide_exceeded(verdict, the_case, LIMIT_WALL_TIME); /* the daemon's deadline, but it had run for all its time */
  } else {
    verdict->kind = VERDICT_LOST;
    set_reason(verdict, "killed because the platform did not hear of its end in time");
  }
}

/* A shell, or whoever else waits for a child, reports a child's SIGKILL as 128 + 9. */
static bool died_of_kill(const struct record *record)
{
  return (record->kind == EXIT_SIGNAL && record->signal == SIGKILL) ||
         (record->kind == EXIT_CODE && record->exit_code == 128 + SIGKILL);
}

static void decide_status(struct verdict *verdict, const struct verdict_case *the_case)
{
  const struct record *record = the_case->record;
  const char *prefix = record->step == STEP_COMPILE ? "compilation failed: " : "";
  char text[16];
  if (record->oom_kills && died_of_kill(record)) {
    decide_exceeded(verdict, the_case, LIMIT_MEMORY);
    return;
  }
  if (record->kind == EXIT_SIGNAL) {
    verdict->kind = VERDICT_FAILED;
    set_reason(verdict, "%sdied of %s", prefix, signal_name(record->signal, text));
    if (record->signal == SIGXFSZ)
      set_limit(verdict, the_case, LIMIT_FILE);
  } else {
    verdict->kind = record->exit_code == 0 && record->step == STEP_RUN ? VERDICT_COMPLETED : VERDICT_FAILED;
    set_reason(verdict, "%sexited with code %d", prefix, record->exit_code);
  }
  /* A limit that was felt but did not decide is reported all the same. */
  if (record->oom_kills) {
    set_limit(verdict, the_case, LIMIT_MEMORY);
    size_t used = strlen(verdict->reason);
    snprintf(verdict->reason + used, sizeof verdict->reason - used,
             "; the kernel killed %llu of its processes for the memory limit", (unsigned long long)record->oom_kills);
  } else if (record->pids_refused && verdict->limit == LIMIT_NONE) {
    set_limit(verdict, the_case, LIMIT_PROCESSES);
  }
}

/* The verdict stands, and whoever reads the output is told. */
static void add_lost_bytes(struct verdict *verdict, uint64_t bytes)
{
  const size_t used = strlen(verdict->reason);
  if (bytes)
    snprintf(verdict->reason + used, sizeof verdict->reason - used, "; %llu bytes of its output were lost on the way",
             (unsigned long long)bytes);
}

static void decide_by_record(struct verdict *verdict, const struct verdict_case *the_case)
{
  const struct record *record = the_case->record;
  if (record->kind == EXIT_CODE)
    verdict->exit_code = record->exit_code;
  else if (record->kind == EXIT_SIGNAL)
    verdict->signal = record->signal;

  if (record->evidence_errno) {
    verdict->kind = VERDICT_LOST;
    if (record->message[0]) /* the keeper knows better what broke */
      set_reason(verdict, "%s", record->message);
    else
      set_reason(verdict, "its output could not be saved: %s", strerror(record->evidence_errno));
  } else if (record->killed != KILLED_NONE) {
    decide_killed(verdict, the_case);
  } else if (record->kind == EXIT_NOT_STARTED) {
    verdict->kind = VERDICT_NOT_STARTED;
    set_reason(verdict, "%s", record->message[0] ? record->message : strerror(record->exec_errno));
  } else {
    decide_status(verdict, the_case);
  }
  add_lost_bytes(verdict, the_case->lost_bytes);
}

static void decide_without_record(struct verdict *verdict, const struct verdict_case *the_case)
{
  bool never_ran = !the_case->started && (the_case->presence == PRESENCE_ABSENT || the_case->presence == PRESENCE_DEAD);
  if (never_ran && the_case->launch_refusal) {
    verdict->kind = VERDICT_NOT_STARTED;
    set_reason(verdict, "%s", the_case->launch_refusal);
  } else if (never_ran && the_case->stop == STOP_CANCELLED) {
    verdict->kind = VERDICT_CANCELLED;
    set_reason(verdict, "cancelled by a client before it was started");
  } else {
    verdict->kind = VERDICT_LOST;
    set_reason(verdict, "%s",
               the_case->platform_reason                ? the_case->platform_reason
               : the_case->presence == PRESENCE_UNKNOWN ? "the backend does not answer"
               : the_case->presence == PRESENCE_RUNNING ? "it could not be killed in time"
               : !the_case->started                     ? "the platform could not start it in time"
               : the_case->presence == PRESENCE_PENDING ? "the platform neither started nor withdrew it in time"
                                                        : "it ended without leaving a record");
  }
}

struct verdict verdict_decide(const struct verdict_case *the_case)
{
  struct verdict verdict = {.exit_code = -1};
  if (the_case->record)
    decide_by_record(&verdict, the_case);
#ifdef BREAK_LAW_5
  else if (the_case->presence == PRESENCE_DEAD && the_case->stop == STOP_NONE)
    verdict.kind = VERDICT_COMPLETED;
#endif
  else
    decide_without_record(&verdict, the_case);
  verdict.retryable = verdict.kind == VERDICT_LOST;
  return verdict;
}
