#pragma once

/*
 * Measures a sandbox by looking into its /proc, where no cgroup counts. Coarser than a cgroup: between two looks the
 * program may go over its limit unseen, and CPU time comes in clock ticks.
 */

#include "keeper/file_owner.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SAMPLER_BOXES_MAX = 3 };

struct sampler {
  int proc;                   /* directory of the sandbox; -1: nothing to look at */
  int box[SAMPLER_BOXES_MAX]; /* its file systems in memory; -1: no more */
  pid_t init;                 /* its process id there; a smaller one is the keeper's own */
  struct file_owner
    program; /* in whose name its maps can be read, where the keeper has no right to all; uid 0: it has */
  uint64_t cpu_us, memory_bytes; /* at the last look */
  uint64_t memory_peak_bytes, processes_peak;
};

#define SAMPLER_NONE ((struct sampler){.proc = -1, .box = {-1, -1, -1}})

void sampler_init(struct sampler *sampler, int proc, int box); /* takes the descriptors, which init has handed out */
/* In a container, where the keeper sees what the sandbox sees. */
void sampler_init_contained(struct sampler *sampler, pid_t init, uid_t program_uid);
void sampler_look(struct sampler *sampler);
/* Whether the memory really is over the limit: pages that processes share are counted once. Slower than a look. */
bool sampler_confirms_memory_over(const struct sampler *sampler, uint64_t limit_bytes);
void sampler_release(struct sampler *sampler);
