#include "loop/timer.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

struct timer {
  uv_timer_t timer; /* first: libuv's handle is our memory */
  void (*ring)(void *context);
  void *context;
};

static void on_closed(uv_handle_t *handle)
{
  free(handle);
}

static void on_ring(uv_timer_t *handle)
{
  struct timer *timer = (struct timer *)handle;
  timer->ring(timer->context);
}

struct timer *timer_make(uv_loop_t *loop, void (*ring)(void *context), void *context)
{
  struct timer *timer = xcalloc(1, sizeof *timer);
  timer->ring = ring;
  timer->context = context;
  ASSERT(uv_timer_init(loop, &timer->timer) == 0);
  return timer;
}

void timer_set(struct timer *timer, uint64_t ms)
{
  /* libuv counts from the time at which this turn of the loop began, which a long callback leaves behind. */
  if (ms)
    uv_update_time(timer->timer.loop);
  ASSERT(uv_timer_start(&timer->timer, on_ring, ms, 0) == 0);
}

void timer_set_within(struct timer *timer, uint64_t ms)
{
  if (!timer_pending(timer) || uv_timer_get_due_in(&timer->timer) > ms)
    timer_set(timer, ms);
}

void timer_stop(struct timer *timer)
{
  uv_timer_stop(&timer->timer);
}

bool timer_pending(const struct timer *timer)
{
  return uv_is_active((const uv_handle_t *)&timer->timer);
}

void timer_destroy(struct timer *timer)
{
  if (timer)
    uv_close((uv_handle_t *)&timer->timer, on_closed);
}
