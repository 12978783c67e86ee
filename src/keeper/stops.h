#pragma once

/*
 * The stops that keep the order between stdout and stderr (capture.h, seccomp_filter.h): a process of the sandbox waits
 * in a system call until it is told to go on with it. See seccomp_unotify(2).
 */

#include <stdbool.h>
#include <stdint.h>

struct stop {
  uint64_t id;
};

/* Makes the two sides hand the processor to each other directly, where the kernel can (Linux 6.6). */
void stops_tune(int listener);
/* Takes the next stop; false where it is gone already, as the process is. Call it when `listener` is readable. */
bool stop_take(int listener, struct stop *ret);
/* Lets the process go on with its call. That it may have died meanwhile does not matter. */
void stop_continue(int listener, const struct stop *stop);
