#pragma once

/*
 * Which system calls a program may make. Filters that the kernel asks all, and whose stricter answer counts:
 *
 *  - "known": what ordinary programs use is allowed, what is refused is EPERM, and everything that this table does not
 *    know is ENOSYS, so that a libc falls back to what it did before the call existed. It is large, loading it takes
 * the kernel a fifth of a millisecond; init loads it while it builds the sandbox, ahead of the program.
 *  - "gate": refusals that depend on arguments, and what init itself still needed. Small; loaded by the program's own
 *    process as its last step, as it also carries the stops that keep stdout and stderr in order (capture.h).
 *
 * Calls of another architecture (i386, x32) are refused by all. The rules stand in seccomp_rules.c.
 *
 * Where keeper and program have one user id there is one more, "apart", which init loads: what a process may do to others of
 * its user's, and what would weaken or end the keeper, process 1, is refused to the program. (Signals do nothing to it.)
 */

#include <linux/filter.h>

enum filter {
  FILTER_KNOWN,
  FILTER_APART,
  FILTER_GATE,       /* with stops */
  FILTER_QUIET_GATE, /* without: a compile step, or a kernel that cannot stop */
  FILTER_COUNT
};

/* Made while the keeper is built (make_filters.c). */
extern const struct sock_fprog filter_programs[FILTER_COUNT];

/* Load a filter into the calling process, which has no_new_privs. 0 or a negative errno. */
int filter_load(enum filter filter);
/* The gate with stops, and the listener that they wait for; where there can be none, the quiet gate and -1. */
int filter_load_gate(int *ret_listener);
