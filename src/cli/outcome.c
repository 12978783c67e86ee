#include "cli/outcome.h"

#include "base/memory.h"
#include "base/number.h"
#include "cli/inert.h"
#include "cli/remote.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_OF_PROGRAM = -1 };

static const struct outcome {
  const char *verdict;
  const char *words; /* as a person reads it */
  int status;
} outcomes[] = {
  {"completed", "completed", STATUS_OF_PROGRAM},
  {"failed", "failed", STATUS_OF_PROGRAM},
  {"timed_out", "timed out", STATUS_TIMED_OUT},
  {"out_of_memory", "out of memory", STATUS_OUT_OF_MEMORY},
  {"output_exceeded", "too much output", STATUS_OUTPUT_EXCEEDED},
  {"cancelled", "cancelled", STATUS_NO_VERDICT},
  {"not_started", "not started", STATUS_NO_VERDICT},
  {"lost", "lost", STATUS_NO_VERDICT},
};

static struct outcome outcome_find(const json_t *evaluation)
{
  const char *verdict = json_text_at(evaluation, "verdict.kind");
  for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
    if (strcmp(outcomes[i].verdict, verdict) == 0)
      return outcomes[i];
  return (struct outcome){verdict, verdict, STATUS_NO_VERDICT};
}

/* "SIGSEGV", or "SIG37" for a real-time one; 0 where there is no such signal. */
static int signal_number(const char *name)
{
  uint64_t real_time;
  if (strncmp(name, "SIG", 3) != 0)
    return 0;
  if (parse_u64_text(name + 3, 64, &real_time))
    return (int)real_time;
  for (int number = 1; number < SIGRTMIN; number++) {
    const char *abbreviation = sigabbrev_np(number);
    if (abbreviation && strcmp(abbreviation, name + 3) == 0)
      return number;
  }
  return 0;
}

static int status_of_program(const json_t *evaluation)
{
  const json_t *code = json_at(evaluation, "verdict.exit_code");
  if (json_is_integer(code) && json_integer_value(code) >= 0 && json_integer_value(code) <= 255)
    return (int)json_integer_value(code);
  int signal = signal_number(json_text_at(evaluation, "verdict.signal"));
  return signal ? STATUS_SIGNALLED + signal : STATUS_NO_VERDICT;
}

int outcome_status(const json_t *evaluation)
{
  struct outcome outcome = outcome_find(evaluation);
  return outcome.status == STATUS_OF_PROGRAM ? status_of_program(evaluation) : outcome.status;
}

void outcome_explain(const json_t *evaluation)
{
  struct outcome outcome = outcome_find(evaluation);
  if (outcome.status == STATUS_OF_PROGRAM && json_at(evaluation, "verdict.exit_code"))
    return;
  CLEANUP_FREE char *words = inert_line(outcome.words);
  CLEANUP_FREE char *reason = inert_line(json_text_at(evaluation, "verdict.reason"));
  fprintf(stderr, "assay: %s%s%s\n", words, *reason ? ": " : "", reason);
}
