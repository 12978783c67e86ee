#pragma once

/*
 * What a container really is, as its first process sees it from inside. Nobody's word is taken for it: a protection
 * counts where a look at the kernel's own files confirms it.
 */

#include "keeper/host.h"
#include "wire/plan.h"

/* enum isolation_feature bits: of the namespaces, the network, the root and the limit on what is written. The rest is the
 * keeper's own doing, or counted by cgroups (cgroup.h). */
uint32_t containment_features(const struct host *host, const struct limits *limits);

/* The cgroup that the container is in, whichever version it is of, with a namespace of cgroups or without. */
void containment_find_cgroups(const struct host *host, struct cgroup_places *ret);
/* Whether the container is scheduled as one, so that priorities in it mean nothing to anybody outside. */
bool containment_is_scheduled_apart(const struct cgroup_places *places);
