#pragma once

/*
 * The box: what an evaluation has to itself. One tmpfs with a limit on bytes and inodes, of which /tmp and /dev/shm are
 * parts too; a /proc of its own; the plan's files and its standard input. For init alone.
 */

#include "base/error.h"
#include "wire/plan.h"

#define BOX_HOME "/box/work"

/* Mounts it all, as small as can be, and goes to BOX_HOME. */
bool box_mount(struct error *error);
/* Gives the box the size that the plan allows. */
bool box_resize(uint64_t disk_bytes, struct error *error);
/* Writes the plan's files as the program's user. False is the plan's own fault. */
bool box_fill(const struct plan *plan, struct error *error);
/* A descriptor for reading the plan's standard input, or -1. */
int box_input(const struct plan *plan, struct error *error);
