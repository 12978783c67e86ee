#pragma once

/*
 * How fast a queue drains, measured while somebody waits in it: what a client is told of when its turn will come.
 * Pure; a guess, on which nothing else depends.
 *
 * The mean of the times between two departures is smoothed over the last DRAIN_DEPARTURES or so. While nobody waits,
 * nothing is measured: then it is the clients who decide how often something departs.
 */

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

enum { DRAIN_DEPARTURES = 32 };

struct drain {          /* zero-initialised: nothing is known */
  bool measuring;       /* somebody has waited since … */
  struct mono since;    /* … this time: of the last departure, or of the first who waits */
  uint64_t mean_us;     /* between two departures */
  unsigned departures;  /* that this is the mean of, DRAIN_DEPARTURES at most */
  unsigned turned_away; /* who was told to come again, less those who have departed since */
};

/* Somebody waits. */
void drain_waits(struct drain *drain, struct mono now);
/* One of those who waited, or could have, has departed. */
void drain_departed(struct drain *drain, struct mono now, bool others_wait);

/* Milliseconds until `places` have departed. False: there was nothing to learn it from yet. */
bool drain_time_ms(const struct drain *drain, uint64_t places, struct mono now, uint64_t *ret);

/* Seconds after which somebody who is turned away shall come again, from 1 to DRAIN_RETRY_S_MAX: each is told a
 * later time than the one before, as if they stood in a queue outside of at most `most`. */
enum { DRAIN_RETRY_S_MAX = 3600 };
unsigned drain_turn_away(struct drain *drain, struct mono now, unsigned most);
