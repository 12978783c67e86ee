#pragma once

/* Starts a keeper process. It shares nothing with the daemon but an executable's path and the directories it is told.
 */

#include "backend/native/native.h"

struct keeper_command {
  const char *keeper_path;
  const char *slot_path;     /* absolute: the keeper's socket, lock and log are in it */
  const char *evidence_path; /* absolute */
  uint32_t uid_base;         /* the sandbox may use this uid and the 15 behind it */
  const struct cgroup_layout *cgroups;
};

/* -1 with an error. The caller waits for the child, whenever it ends. */
pid_t keeper_spawn(const struct keeper_command *command, struct error *error);
