#pragma once

/*
 * One leaf cgroup for each evaluation, in every hierarchy that the daemon found usable: the unified one (v2), or v1
 * controllers, or both at once ("hybrid": v2 for membership, killing and CPU time, v1 for memory and pids), or none.
 * Which files limit and measure what stands in one table in cgroup.c.
 *
 * The leaf is named as the attempt, so that anybody can find it, and stays until cgroup_remove() (law 7).
 */

#include "base/error.h"
#include "wire/plan.h"

#include <stdint.h>
#include <sys/types.h>

enum hierarchy { HIERARCHY_V2, HIERARCHY_MEMORY, HIERARCHY_PIDS, HIERARCHY_CPUACCT, HIERARCHY_COUNT };

struct cgroup_options {
  const char *directory[HIERARCHY_COUNT]; /* where leaves are made, or NULL */
  bool v2_memory, v2_pids;                /* these controllers are handed to the leaves of the unified hierarchy */
};

/* What can be limited or measured; each by one controller at most. */
enum controller { CONTROLLER_MEMORY, CONTROLLER_PIDS, CONTROLLER_CPU, CONTROLLER_COUNT };

struct cgroup_rules; /* a row of the table: files of one controller in one version */

struct cgroups {
  int directory[HIERARCHY_COUNT];                     /* -1: none */
  const struct cgroup_rules *rules[CONTROLLER_COUNT]; /* NULL: not to be had */
};

struct cgroup {
  const struct cgroups *groups;
  int leaf[HIERARCHY_COUNT]; /* -1: none */
};

/* What the kernel counted; 0 where nobody counts. */
struct cgroup_usage {
  uint64_t cpu_us;
  uint64_t memory_peak_bytes, oom_kills;
  uint64_t processes_peak, pids_refused;
};

bool cgroups_open(struct cgroups *ret, const struct cgroup_options *options, struct error *error);
static inline bool cgroups_have(const struct cgroups *groups, enum controller controller)
{
  return groups->rules[controller];
}
static inline bool cgroups_kill_whole(const struct cgroups *groups)
{
  return groups->directory[HIERARCHY_V2] >= 0;
}

/* Makes the leaf of this name afresh, without limits yet. */
bool cgroup_create(struct cgroup *ret, const struct cgroups *groups, const char *name, struct error *error);
void cgroup_release(struct cgroup *cgroup); /* closes; the leaf stays */
bool cgroup_limit(struct cgroup *cgroup, const struct limits *limits, struct error *error);
/* Moves a process, a sandbox's init, into the leaf of every hierarchy. */
bool cgroup_attach(struct cgroup *cgroup, pid_t pid, struct error *error);

uint64_t cgroup_cpu_us(const struct cgroup *cgroup);
void cgroup_measure(const struct cgroup *cgroup, struct cgroup_usage *ret);
void cgroup_kill(const struct cgroup *cgroup);     /* where the kernel can; also reaches what is frozen there */
bool cgroup_is_empty(const struct cgroup *cgroup); /* true where nothing can be asked */

/* Removes the leaf; false while it is busy. A leaf that is not there is removed already. */
bool cgroup_remove(const struct cgroups *groups, const char *name);
