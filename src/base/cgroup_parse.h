#pragma once

/*
 * Where this process stands in the cgroup hierarchies, from the text of /proc/self/cgroup and /proc/self/mountinfo
 * (cgroups(7), proc(5)). Pure: no system call, so that the layouts of all kinds of hosts can be tested here.
 */

#include <stddef.h>

enum { CGROUP_PATH_SIZE = 512 };

struct cgroup_places {
  /* Directories, or "" where there is none that this process can name. */
  char v2_own[CGROUP_PATH_SIZE];                               /* this process's cgroup in the unified hierarchy */
  char v2_root[CGROUP_PATH_SIZE];                              /* where that hierarchy is mounted */
  char v1_memory[CGROUP_PATH_SIZE], v1_pids[CGROUP_PATH_SIZE]; /* its own, version 1 */
  char v1_cpuacct[CGROUP_PATH_SIZE], v1_cpu[CGROUP_PATH_SIZE]; /* often the same */
};

/* Both texts NUL-terminated. */
void cgroup_parse(const char *self_cgroup, const char *mountinfo, struct cgroup_places *ret);
