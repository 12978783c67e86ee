#pragma once

/* How long to wait before the next try: twice as long as before this one, up to a bound. */
static inline unsigned backoff_longer(unsigned delay_ms, unsigned delay_ms_max)
{
  return delay_ms < delay_ms_max / 2 ? 2 * delay_ms : delay_ms_max;
}
