#pragma once

#include <stdint.h>

/* How much memory this process may yet take: the least of what its address space, its cgroup with those above it, and the
 * machine allow. What clients can make it hold is a share of that, so that new work is refused before memory ends. */
uint64_t memory_allowed_bytes(void);
