#pragma once

/*
 * The native backend: one keeper a slot, started once, each in its own sandbox root; see native.c for how it works.
 * Needs nothing installed but assay-keeper. Works as root and as an ordinary user.
 */

#include "backend/backend.h"

#include <uv.h>

struct native_config {
  const char *keeper_path; /* assay-keeper */
  const char *state_dir;   /* absolute; uses its evidence/, outputs/ and native/ */
  unsigned slots;
  bool strict;             /* refuse to start where isolation would be less than full */
};

/* Starts or adopts the keepers. False with an error that says what the host lacks. `events` is copied. */
struct backend *native_create(uv_loop_t *loop, const struct native_config *config, const struct backend_events *events,
                              struct error *error);

/*
 * Where cgroups can be made on this host, and what for. Found out by trying, in a cgroup that is removed again.
 * All paths are absolute directories, or "" where there is none.
 */
struct cgroup_layout {
  char v2[512];     /* unified hierarchy: membership, kill, CPU; memory and pids where v2_memory, v2_pids */
  bool v2_memory, v2_pids, v2_kill;
  char v1_memory[512], v1_pids[512], v1_cpuacct[512];
  char explanation[512]; /* for a person: why something is missing; "" when nothing is */
};
void cgroup_detect(const char *instance, struct cgroup_layout *ret);
