#pragma once

/*
 * What the daemon wants removed, evidence and cgroups, now that its verdicts are durable (law 7). A cgroup is busy for
 * as long as a dead process has not been cleared away, so each removal is tried until it succeeds.
 */

#include "keeper/host.h"
#include "wire/name.h"

enum { REMOVAL_RETRY_MS = 100 };

struct removals {
  struct name *names;
  size_t count, capacity;
};

void removals_add(struct removals *removals, const char *name);
/* Tries all of them, but for `active`, which still runs (or NULL). */
void removals_try(struct removals *removals, const struct host *host, const char *active);
static inline bool removals_are_done(const struct removals *removals)
{
  return removals->count == 0;
}
void removals_release(struct removals *removals);
