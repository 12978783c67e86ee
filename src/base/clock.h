#pragma once

/*
 * Two kinds of time that must never be mixed, hence two types.
 *
 * Deadlines and durations use the monotonic clock (CLOCK_BOOTTIME, so that a suspended machine's evaluations are still
 * overdue when it wakes). What a person reads uses the wall clock, which may jump, and which decides nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mono {
  uint64_t us;
};

struct wall {
  int64_t ms; /* since 1970-01-01T00:00:00Z; 0 = not known */
};

struct mono mono_now(void);
struct wall wall_now(void);

static inline struct mono mono_add_ms(struct mono time, uint64_t ms)
{
  return (struct mono){time.us + ms * 1000};
}

/* RFC 3339 UTC with milliseconds: "2026-11-22T19:58:00.123Z". */
enum { WALL_TEXT_SIZE = 32 };
void wall_format(struct wall time, char text[static WALL_TEXT_SIZE]);
/* Any text of RFC 3339, section 5.6; parts of a second are left out. False where it is none, and then `ret` is untouched. */
bool wall_parse(const char *text, struct wall *ret);
