#pragma once

/* Removing what an attempt left behind, once its verdict is durable (law 7). Safe to repeat. */

#include "backend/native/native.h"

/* The cgroup that the start marker names, and the evidence. True when nothing of this name is left; false: a process of
 * it is, or an error. Ask again later. */
bool attempt_remove(int evidence_fd, const struct cgroup_layout *cgroups, struct name name);
