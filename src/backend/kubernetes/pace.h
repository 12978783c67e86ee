#pragma once

/*
 * How fast an API server is sent calls: so many a second, with a burst after a rest; a part is kept for urgent ones. Where the
 * server wants to be left alone, all wait as long as it says, but for the urgent ones. Pure: whoever asks tells the time.
 */

#include "base/clock.h"

#include <stdbool.h>

/* A bucket of time, of which each call takes the same part. */
struct pace {
  uint64_t kept_us, call_us; /* what is in it; what a call takes */
  struct mono filled, paused_until;
};

void pace_begin(struct pace *pace, unsigned calls_per_s, struct mono now);
/* In microseconds, until another call may be sent; 0: at once. */
uint64_t pace_wait_us(struct pace *pace, bool urgent, struct mono now);
void pace_take(struct pace *pace); /* one is sent, for which nothing had to be waited for */
/* The server has said so (429, 503 with Retry-After). `retry_after_s` 0: it did not say for how long. */
void pace_pause(struct pace *pace, unsigned retry_after_s, struct mono now);
