#pragma once

/*
 * The native backend: one keeper a slot, started once, each in its own sandbox root; see native.c for how it works.
 * Needs nothing installed but assay-keeper. Works as root and as an ordinary user.
 */

#include "backend/backend.h"

#include <uv.h>

enum { NATIVE_SLOTS_MAX = 1024 };

struct native_config {
  const char *keeper_path; /* assay-keeper */
  const char *state_dir;   /* absolute; uses its evidence/ and native/ */
  const char *cgroup;      /* where those of evaluations are made, see cgroup_detect(); may be NULL */
  unsigned slots;
  bool strict; /* refuse to start where isolation would be less than full */
};

/* Starts or adopts the keepers, and waits some seconds at most until they have greeted. False with an error that says
 * what the host lacks. `events` is copied. The caller holds the lock on the state directory. After backend_destroy()
 * the loop has to turn once more, so that its handles close. */
struct backend *native_create(uv_loop_t *loop, const struct native_config *config, const struct backend_events *events,
                              struct error *error);

/*
 * Where cgroups can be made on this host, and what for. Found out by trying, in a cgroup that is removed again.
 * All paths are absolute directories, or "" where there is none.
 */
struct cgroup_layout {
  char v2[512]; /* unified hierarchy: membership, kill, CPU; memory and pids where v2_memory, v2_pids */
  bool v2_memory, v2_pids, v2_kill;
  char v1_memory[512], v1_pids[512], v1_cpuacct[512];
  char explanation[512]; /* for a person: why something is missing; "" when nothing is */
};
/* Makes the directory "assay-<instance>" in each hierarchy that serves; in the unified one below `wanted`, a path from
 * its root, if that can be done there. NULL: below the own cgroup, or the root. */
void cgroup_detect(const char *instance, const char *wanted, struct cgroup_layout *ret);
/* Removes those of its directories that nothing uses any more. */
void cgroup_release(const struct cgroup_layout *layout);

/* What this backend found, for `assay doctor`. Valid as long as the backend. */
const struct cgroup_layout *native_cgroups(const struct backend *backend);
