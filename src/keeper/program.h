#pragma once

/*
 * The last steps before the program: a process of its own, with its descriptors, limits, user id, no capabilities,
 * landlock and the last filter, and then execve(2). For init alone.
 *
 * The process shares init's memory until it executes (CLONE_VM | CLONE_VFORK, as posix_spawn(3) does it): nothing is
 * copied, init waits, and a failure is simply written down where init can read it.
 */

#include "base/error.h"
#include "keeper/host.h"
#include "wire/record.h"

#include <sys/types.h>

struct program {
  const struct host *host;
  const struct plan *plan;
  enum step step;
  char **environment;
  int channel, input, output, error;
  int landlock; /* rule set, or -1 */

  /* Set by its process, as far as it got. */
  bool reached_execution;
  struct error failure; /* why it could not be executed */
  bool unfit;           /* the plan's fault, not the platform's */
};

/* EVAL_ID; the plan's variables; those of the container's image that the plan does not set; and PATH, HOME and LANG where
 * nobody did. The strings are borrowed. */
char **program_environment(const struct host *host, const struct plan *plan, const char *id);

/* The program's process id, or -1 with `failure` set. */
pid_t program_start(struct program *program);

/* Blocks all signals of the calling process, or none. */
void program_hold_signals(bool hold);

/* For init, once its last program is under way. */
void program_drop_capabilities(void);
