#include "keeper/removals.h"

#include "base/failpoint.h"
#include "base/memory.h"
#include "keeper/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void removals_add(struct removals *removals, const char *name)
{
  if (removals->count == removals->capacity) {
    removals->capacity = removals->capacity ? removals->capacity * 2 : 4;
    removals->names = xrealloc(removals->names, removals->capacity * sizeof *removals->names);
  }
  struct name *added = &removals->names[removals->count++];
  snprintf(added->text, sizeof added->text, "%s", name);
}

static bool remove_attempt(const struct host *host, const char *name)
{
  char leaf[CGROUP_NAME_SIZE] = "";
  FAILPOINT(remove_begun);
  evidence_find_cgroup(host->evidence, name, leaf);
  if (!cgroup_remove(&host->cgroups, leaf))
    return false;
  FAILPOINT(cgroup_removed);
  if (!evidence_remove(host->evidence, name))
    return false;
  FAILPOINT(remove_done);
  return true;
}

void removals_try(struct removals *removals, const struct host *host, const char *active)
{
  size_t left = 0;
  for (size_t i = 0; i < removals->count; i++) {
    const char *name = removals->names[i].text;
    const bool running = active && !strcmp(active, name);
    if (running || !remove_attempt(host, name))
      removals->names[left++] = removals->names[i];
  }
  removals->count = left;
}

void removals_release(struct removals *removals)
{
  free(removals->names);
  *removals = (struct removals){0};
}
