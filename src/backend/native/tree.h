#pragma once

/*
 * The processes of one attempt, for when its keeper cannot be asked: whether any is left, and their end. Stateless: all
 * is told by the start marker: by /proc, and by the cgroup that it names.
 */

#include "backend/native/native.h"
#include "wire/record.h"

enum life {
  LIFE_UNKNOWN, /* an error: says nothing */
  LIFE_ALIVE,
  LIFE_GONE, /* confirmed */
};

/* `marker` NULL: none is there, or it is not whole. */
enum life tree_life(const struct cgroup_layout *cgroups, const struct start_marker *marker);
/* Asks for its end; whether it came is learnt by looking. `init_pidfd`: of the sandbox's first process, or -1. */
void tree_kill(const struct cgroup_layout *cgroups, const struct start_marker *marker, int init_pidfd);
