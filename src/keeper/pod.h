#pragma once

/*
 * The keeper as process 1 of a pod's container (wire/pod.h): runs the one plan that it was put beside, tells the log of it,
 * and is done. What container.h is where the keeper has a directory of its own.
 */

#include "keeper/options.h"

/* What the process is to exit with. `environment` is what it was started with. */
int pod_run(const struct options *options, char **environment);

/* The init container: puts this very program, the plan and the key into the pod's directory. */
bool pod_install(const struct options *options, struct error *error);
