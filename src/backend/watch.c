#include "backend/watch.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/memory.h"

#include <stdlib.h>

struct watch {
  uv_poll_t poll; /* first: libuv's handle is our memory */
  int fd;
  void (*ready)(void *context);
  void *context;
};

struct timer {
  uv_timer_t timer; /* first, likewise */
  void (*ring)(void *context);
  void *context;
};

static void on_closed(uv_handle_t *handle)
{
  free(handle);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
  /* An error is readable as well: the read that follows tells what it is. */
  (void)status;
  (void)events;
  struct watch *watch = (struct watch *)poll;
  watch->ready(watch->context);
}

struct watch *watch_create(uv_loop_t *loop, int fd, void (*ready)(void *context), void *context)
{
  struct watch *watch = xcalloc(1, sizeof *watch);
  watch->fd = fd;
  watch->ready = ready;
  watch->context = context;
  ASSERT(uv_poll_init(loop, &watch->poll, fd) == 0);
  ASSERT(uv_poll_start(&watch->poll, UV_READABLE | UV_DISCONNECT, on_ready) == 0);
  return watch;
}

int watch_fd(const struct watch *watch)
{
  return watch ? watch->fd : -1;
}

void watch_destroy(struct watch *watch)
{
  if (!watch)
    return;
  uv_close((uv_handle_t *)&watch->poll, on_closed);
  fd_close(watch->fd); /* uv_close() has taken it out of the poll set already */
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
