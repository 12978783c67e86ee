#pragma once

/* What a backend keeps of itself in its part of the state directory. */

#include "base/error.h"

#include <sys/types.h>

enum { INSTANCE_SIZE = 17 };

/* mkdir(2), also where it is there. */
bool make_state_directory(const char *path, struct error *error);
/* A file with these bytes takes the place of `file`: whole, or not at all. Synced. */
bool replace_state_file(int directory, const char *file, mode_t mode, const void *data, size_t size,
                        struct error *error);
/* A random name for this state directory, in `directory`'s file "instance"; made where it is not there. Synced, because an
 * instance that is lost makes strangers of what is ours. */
bool find_instance(int directory, char ret[static INSTANCE_SIZE], struct error *error);
