#include "core/drain.h"

static uint64_t elapsed_us(const struct drain *drain, struct mono now)
{
  return now.us > drain->since.us ? now.us - drain->since.us : 0;
}

/* The mean with one more; of a few it is their mean, of many the older ones count less and less. */
static uint64_t mean_with(const struct drain *drain, uint64_t us)
{
  uint64_t count = drain->departures < DRAIN_DEPARTURES ? drain->departures + 1 : DRAIN_DEPARTURES;
  return drain->mean_us - drain->mean_us / count + us / count;
}

void drain_waits(struct drain *drain, struct mono now)
{
  if (drain->measuring)
    return;
  drain->measuring = true;
  drain->since = now;
}

void drain_departed(struct drain *drain, struct mono now, bool others_wait)
{
  if (drain->measuring) {
    drain->mean_us = mean_with(drain, elapsed_us(drain, now));
    drain->departures += drain->departures < DRAIN_DEPARTURES;
  }
  drain->measuring = others_wait;
  drain->since = now;
  drain->turned_away -= drain->turned_away > 0;
}

/* Where nothing has departed for longer than usual, that is as good as a slow departure. */
bool drain_time_ms(const struct drain *drain, uint64_t places, struct mono now, uint64_t *ret)
{
  if (!drain->departures)
    return false;
  uint64_t us = drain->mean_us, waited_us = drain->measuring ? elapsed_us(drain, now) : 0;
  if (waited_us > us)
    us = mean_with(drain, waited_us);
  *ret = us * places / 1000;
  return true;
}

unsigned drain_turn_away(struct drain *drain, struct mono now, unsigned most)
{
  uint64_t ms = 0;
  drain->turned_away += drain->turned_away < most;
  if (!drain_time_ms(drain, drain->turned_away, now, &ms))
    return 1;
  uint64_t seconds = (ms + 999) / 1000;
  return seconds < 1 ? 1 : seconds < DRAIN_RETRY_S_MAX ? (unsigned)seconds : DRAIN_RETRY_S_MAX;
}
