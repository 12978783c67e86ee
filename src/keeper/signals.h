#pragma once

/* The signals by which a container's first process is asked to end what runs in it (wire/container.h). */

#include "keeper/evaluation.h"

/* They are kept for poll(2), from the very first moment. SIGCHLD among them, as it tells of init and of every orphan. */
bool signals_hold(int *ret, struct error *error);
/* Does what they ask for. What comes from inside the container, where the program may have the keeper's user id, asks for
 * nothing. */
void signals_handle(int signals, struct evaluation *evaluation);
