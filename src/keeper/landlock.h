#pragma once

/*
 * Landlock, where the kernel has it: a second lock behind the read-only mounts, and one that the program carries with
 * it. Reading and executing is allowed everywhere, writing only in the box, the device nodes and /proc (where the
 * permissions of its files decide).
 */

#include <stdbool.h>

/* The version that this kernel offers; 0 where there is none. */
int landlock_version(void);

/* Whether a program so locked in may write at this path, absolute and without links, or below it. */
bool landlock_lets_write(const char *path);

/* A rule set (descriptor) for the sandbox whose mounts are in place, or a negative errno. */
int landlock_create(int version);

/* Locks the calling process and all that it will ever start. 0 or a negative errno. */
int landlock_enter(int rules);
