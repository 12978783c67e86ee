#pragma once

/*
 * The box: what an evaluation has to itself. One tmpfs with a limit on bytes and inodes, of which /tmp and /dev/shm are
 * parts too; a /proc of its own; the plan's files and its standard input. A container brings them, as three file systems
 * with a limit each. For init alone.
 */

#include "keeper/host.h"
#include "wire/plan.h"

#define BOX_HOME "/box/work"

/* Mounts it all, as small as can be, where it is not the container's; makes BOX_HOME and goes there. */
bool box_prepare(const struct host *host, struct error *error);
/* Gives the box the size that the plan allows; a container's has it from the start. */
bool box_resize(const struct host *host, uint64_t disk_bytes, struct error *error);
/* Writes the plan's files as the program's user. False is the plan's own fault. */
bool box_fill(const struct host *host, const struct plan *plan, struct error *error);
/* A descriptor for reading the plan's standard input, or -1. */
int box_input(const struct plan *plan, struct error *error);
