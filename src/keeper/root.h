#pragma once

/*
 * The root that programs see: a small read-only tree of the host's programs and libraries, and nothing else of the
 * host. It is built once, when the keeper starts, and the keeper moves into it; so the mount namespace that each
 * evaluation gets is a copy of a dozen mounts instead of all those of the host, and needs no pivot_root of its own.
 * What an evaluation mounts for itself (its /proc, its box) stands in init.c. The table in root.c says what is there.
 */

#include "base/error.h"

/*
 * Builds the root over `mount_point` and moves the calling process into it. It must be in a mount namespace of its own
 * already. Every descriptor opened before stays good. `source` is the directory of a root file system to use instead of
 * the host's (all of it, read-only, but for its /dev, /proc, /run and /tmp), or NULL.
 */
bool root_enter(const char *mount_point, const char *source, struct error *error);
