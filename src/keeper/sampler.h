#pragma once

/*
 * Measures a sandbox by looking into its /proc, where no cgroup counts. Coarser than a cgroup: between two looks the
 * program may go over its limit unseen, and CPU time comes in clock ticks.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sampler {
  int proc, box;                 /* directories of the sandbox, handed out by its init; -1: nothing to look at */
  pid_t init;                    /* its process id there; a smaller one is the keeper's own */
  uint64_t cpu_us, memory_bytes; /* at the last look */
  uint64_t memory_peak_bytes, processes_peak;
};

void sampler_init(struct sampler *sampler, int proc, int box, pid_t init); /* takes the descriptors */
void sampler_look(struct sampler *sampler);
/* Whether the memory really is over the limit: pages that processes share are counted once. Slower than a look. */
bool sampler_confirms_memory_over(const struct sampler *sampler, uint64_t limit_bytes);
void sampler_release(struct sampler *sampler);
