#pragma once

/*
 * The keeper as process 1 of a container (wire/container.h): runs the one plan that lies in its attempt's directory, and
 * is done. What slot.h is to a keeper that serves a slot.
 */

#include "keeper/options.h"

/* What the process is to exit with: 0 once the record is in place and nothing is left of the tree; 125 where nothing was
 * started, and then `failure` says why, unless the attempt is somebody else's. `environment` is what the process was
 * started with. */
int container_run(const struct options *options, char **environment);
