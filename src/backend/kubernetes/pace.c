#include "backend/kubernetes/pace.h"

#include "base/error.h"

/* As much as BURST_US is kept, and the last URGENT_US of it are for urgent calls. */
enum { SECOND_US = 1000000, BURST_US = 2 * SECOND_US, URGENT_US = 400000 };
enum { PAUSE_MS_DEFAULT = 1000, PAUSE_MS_MAX = 30000 };

void pace_begin(struct pace *pace, unsigned calls_per_s, struct mono now)
{
  ASSERT(calls_per_s >= 1 && calls_per_s <= SECOND_US);
  *pace = (struct pace){.kept_us = BURST_US, .call_us = SECOND_US / calls_per_s, .filled = now};
}

static void fill(struct pace *pace, struct mono now)
{
  pace->kept_us += now.us - pace->filled.us;
  pace->filled = now;
  if (pace->kept_us > BURST_US)
    pace->kept_us = BURST_US;
}

uint64_t pace_wait_us(struct pace *pace, bool urgent, struct mono now)
{
  fill(pace, now);
  const uint64_t needed = pace->call_us + (urgent ? 0 : URGENT_US);
  const uint64_t filling = pace->kept_us < needed ? needed - pace->kept_us : 0;
  const uint64_t pause = !urgent && pace->paused_until.us > now.us ? pace->paused_until.us - now.us : 0;
  return filling > pause ? filling : pause;
}

void pace_take(struct pace *pace)
{
  ASSERT(pace->kept_us >= pace->call_us);
  pace->kept_us -= pace->call_us;
}

void pace_pause(struct pace *pace, unsigned retry_after_s, struct mono now)
{
  const unsigned s_max = PAUSE_MS_MAX / 1000;
  const unsigned ms = retry_after_s ? (retry_after_s < s_max ? retry_after_s : s_max) * 1000 : PAUSE_MS_DEFAULT;
  const struct mono until = mono_add_ms(now, ms);
  if (until.us > pace->paused_until.us)
    pace->paused_until = until;
}
