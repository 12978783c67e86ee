#pragma once

/* Directories of what backends keep, each named as the attempt that it is of: what is there, and removing it. */

#include "wire/name.h"

enum directory_contents { DIRECTORY_OF_FILES, DIRECTORY_OF_CGROUPS };

/* Removes the directory `name` below `parent`, and all in it; a cgroup's files go with it. True when it is gone; false:
 * something of it is busy, or an error. Safe to repeat. */
bool directory_remove(int parent, const char *name, enum directory_contents contents);

/* Calls `each` for every entry of the directory that has an attempt's name. False where it cannot be read. */
bool directory_each_attempt(int directory_fd, void (*each)(void *context, struct name name), void *context);
