#pragma once

/* Asks the store again and again to delete what is past the operator's bounds. Without bounds, nothing ever wakes up. */

#include "store/store.h"

#include <uv.h>

struct retention {
  struct store *store;
  struct store_retention bounds;
  uv_timer_t timer;
};

void retention_init(struct retention *retention, uv_loop_t *loop);
void retention_start(struct retention *retention, struct store *store, const struct store_retention *bounds);
/* The store must have been closed, so that no answer is under way. */
void retention_close(struct retention *retention);
