#include "daemon/retention.h"

#include "base/log.h"

enum {
  LOOK_MS_MOST = 60 * 1000, /* between two looks */
  LOOK_MS_LEAST = 1000,
  REST_MS = 50, /* between two transactions, for those who wait for the store */
};

static void look(uv_timer_t *timer);

/* An evaluation is there for as long as its age allows, and at most a look longer. */
static uint64_t look_ms(const struct retention *retention)
{
  uint64_t age_ms = retention->bounds.age_ms;
  if (!age_ms || age_ms > LOOK_MS_MOST)
    return LOOK_MS_MOST;
  return age_ms < LOOK_MS_LEAST ? LOOK_MS_LEAST : age_ms;
}

static void retained(void *context, unsigned removed, bool more)
{
  struct retention *retention = context;
  if (removed)
    log_debug(0, "retention: %u evaluation%s deleted", removed, removed == 1 ? "" : "s");
  if (!uv_is_closing((uv_handle_t *)&retention->timer))
    uv_timer_start(&retention->timer, look, more ? REST_MS : look_ms(retention), 0);
}

static void look(uv_timer_t *timer)
{
  struct retention *retention = timer->data;
  store_retain(retention->store, &retention->bounds, retained, retention);
}

void retention_init(struct retention *retention, uv_loop_t *loop)
{
  *retention = (struct retention){0};
  uv_timer_init(loop, &retention->timer);
  retention->timer.data = retention;
}

void retention_start(struct retention *retention, struct store *store, const struct store_retention *bounds)
{
  retention->store = store;
  retention->bounds = *bounds;
  if (bounds->age_ms || bounds->bytes)
    uv_timer_start(&retention->timer, look, LOOK_MS_LEAST, 0);
}

void retention_close(struct retention *retention)
{
  uv_close((uv_handle_t *)&retention->timer, 0);
}
