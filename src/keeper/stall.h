#pragma once

/*
 * Whether the keeper itself was held up. A timer that comes much too late has one of two causes. Somebody made the keeper
 * stand still, and often the program with it: a paused container, a stopped process, a suspended machine. Or the keeper
 * was ready to run and got no processor, which a program can bring about where both share a small part of one. The kernel
 * counts the second (run_delay, Documentation/scheduler/sched-stats.rst); what is left of the delay is the first.
 */

#include <stdbool.h>
#include <stdint.h>

/* How long this process has waited for a processor in its life; 0 where the kernel does not tell. `proc` is /proc. */
uint64_t stall_waited_us(int proc);

/* Whether it stood still, given how late it is and how long of that it may have waited. */
static inline bool stall_was_one(uint64_t late_us, uint64_t waited_us)
{
  enum { STALL_US_MAX = 2000000 };
  return late_us > waited_us && late_us - waited_us > STALL_US_MAX;
}
