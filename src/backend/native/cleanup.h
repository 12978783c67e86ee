#pragma once

/* Removing what an attempt left behind, once its verdict is durable (law 7). Safe to repeat. */

#include "backend/native/native.h"

/* Evidence and cgroups. True when nothing of this name is left; false: a process of it is, or an error. Ask again
 * later. */
bool attempt_remove(int evidence_fd, const struct cgroup_layout *cgroups, struct name name);

/* Calls `each` for every name of which there is evidence or a cgroup. A name can come more than once. */
void attempt_list(int evidence_fd, const struct cgroup_layout *cgroups, void (*each)(void *context, struct name name),
                  void *context);
