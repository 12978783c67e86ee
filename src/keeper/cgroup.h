#pragma once

/*
 * One leaf cgroup for each evaluation, in every hierarchy that the daemon found usable: the unified one (v2), or v1
 * controllers, or both at once ("hybrid": v2 for membership, killing and CPU time, v1 for memory and pids), or none.
 * Which files limit and measure what stands in one table in cgroup_table.c.
 *
 * A leaf is made together with a sandbox, before it is known which attempt will run in it; so it is named by the slot,
 * the start marker says which one an attempt has, and it stays until cgroup_remove() (law 7).
 *
 * A process gets into a leaf without being moved from outside, since that waits for an RCU grace period, which takes
 * milliseconds (the kernel's cgroup_threadgroup_rwsem): into v2 it is born (CLONE_INTO_CGROUP), and into v1 it moves
 * itself, alone and by writing 0, which needs no lock (kernel commit 9a3284fad42f).
 *
 * In a container there is one cgroup, which is seen read-only and holds the keeper too. Its limits were set by whoever
 * made the container; they are looked at, and a controller whose limit is not there is one that is not to be had. What
 * it counted before the sandbox was made, and what the keeper itself uses, is not the program's. Where the kernel kills
 * all of a container for memory (memory.oom.group, which Kubernetes sets since 1.28), the keeper has to be first: what
 * room there is until then can be asked for.
 */

#include "base/cgroup_parse.h"
#include "base/error.h"
#include "wire/record.h"

#include <stdint.h>
#include <sys/types.h>

enum hierarchy { HIERARCHY_V2, HIERARCHY_MEMORY, HIERARCHY_PIDS, HIERARCHY_CPUACCT, HIERARCHY_COUNT };

/* So that a leaf's name, with a time in hexadecimal behind it, fits into CGROUP_NAME_SIZE. */
enum { SLOT_NAME_MAX = CGROUP_NAME_SIZE - sizeof ".0123456789abcdef" };

struct cgroup_options {
  const char *slot;                       /* what the names of leaves begin with */
  const char *directory[HIERARCHY_COUNT]; /* where leaves are made, or NULL */
  bool v2_memory, v2_pids;                /* these controllers are handed to the leaves of the unified hierarchy */
};

/* What can be limited or measured; each by one controller at most. */
enum controller { CONTROLLER_MEMORY, CONTROLLER_PIDS, CONTROLLER_CPU, CONTROLLER_COUNT };

struct cgroup_rules; /* a row of the table: files of one controller in one version */

struct cgroups {
  char slot[CGROUP_NAME_SIZE];
  int directory[HIERARCHY_COUNT];                     /* -1: none */
  const struct cgroup_rules *rules[CONTROLLER_COUNT]; /* NULL: not to be had */
  bool contained;                                     /* the directories are those of the container's own cgroup */
  uint64_t fatal_bytes; /* of memory: the kernel kills the keeper too. UINT64_MAX: only the program */
};

/* What the kernel counted; 0 where nobody counts, or where it cannot be told apart from what others used. */
struct cgroup_usage {
  uint64_t cpu_us;
  uint64_t memory_peak_bytes, oom_kills;
  uint64_t processes_peak, pids_refused;
};

struct cgroup {
  const struct cgroups *groups;
  char name[CGROUP_NAME_SIZE];  /* of the leaf in every hierarchy; "" where there is none */
  int leaf[HIERARCHY_COUNT];    /* -1: none */
  struct cgroup_usage before;   /* in a container: what it had counted when the sandbox was made */
  uint64_t keeper_before_us;    /* what the keeper itself had used then, here and before it came here */
  uint64_t memory_before_bytes; /* and what was in use then */
};

#define CGROUP_NONE ((struct cgroup){.leaf = {-1, -1, -1, -1}})

/* The files of a leaf through which a process moves itself in; -1: none. Opened by the keeper, whose right it is. */
struct cgroup_doors {
  int tasks[HIERARCHY_COUNT];
};

bool cgroups_open(struct cgroups *ret, const struct cgroup_options *options, struct error *error);
/* In a container: what of these directories can be read, and holds a program to the limits. */
void cgroups_open_contained(struct cgroups *ret, const struct cgroup_places *places, const struct limits *limits);
static inline bool cgroups_have(const struct cgroups *groups, enum controller controller)
{
  return groups->rules[controller];
}
static inline bool cgroups_kill_whole(const struct cgroups *groups)
{
  return groups->directory[HIERARCHY_V2] >= 0 && !groups->contained;
}

/* Removes what an earlier keeper of this slot left; it is dead, and whatever ran under it. */
void cgroups_sweep(const struct cgroups *groups);

/* Makes a new leaf, without limits yet. */
bool cgroup_create(struct cgroup *ret, const struct cgroups *groups, struct error *error);
void cgroup_release(struct cgroup *cgroup); /* closes; the leaf stays */
bool cgroup_limit(struct cgroup *cgroup, const struct limits *limits, struct error *error);
bool cgroup_open_doors(const struct cgroup *cgroup, struct cgroup_doors *ret, struct error *error);
void cgroup_close_doors(struct cgroup_doors *doors);
/* For a process with a single thread: moves it in. A negative errno on failure. */
int cgroup_enter(const struct cgroup_doors *doors);
/* The leaf into which a process can be born, for clone3(2); -1: none. */
int cgroup_clone_fd(const struct cgroup *cgroup);

uint64_t cgroup_cpu_us(const struct cgroup *cgroup);
void cgroup_measure(const struct cgroup *cgroup, struct cgroup_usage *ret);
/* How much more memory can be used before all of the container is killed; 0: that is about to be. */
uint64_t cgroup_memory_room(const struct cgroup *cgroup);
void cgroup_kill(const struct cgroup *cgroup);     /* where the kernel can; also reaches what is frozen there */
bool cgroup_is_empty(const struct cgroup *cgroup); /* true where nothing can be asked */

/* Removes the leaf; false while it is busy. A leaf that is not there is removed already. */
bool cgroup_remove(const struct cgroups *groups, const char *name);
