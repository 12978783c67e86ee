#pragma once

/*
 * Webhooks: each verdict whose evaluation has a callback_url is told to it, at least once, behind the durable verdict
 * and never in its way. What is to be delivered stands in the store's outbox, and nothing else is relied on: whoever
 * tells that something is due only makes us look (as with hints). So a daemon that was killed goes on where it was,
 * and what it could not write down is sent again, with the same id.
 *
 * At most DELIVERIES_MAX are under way, of these DELIVERIES_PER_RECEIVER_MAX to one receiver, and receivers take
 * turns: a slow one delays nobody else. One thread, the loop's. With nothing pending, no timer runs.
 *
 * Order: create (the store is open), start, any calls, stop (before the store is closed), and destroy when the store
 * is.
 */

#include "store/store.h"

#include <uv.h>

struct webhooks;

struct webhooks_config {
  uv_loop_t *loop;
  struct store *store;
  const char *secret_path; /* secrets.h; NULL: what is sent is not signed */
  bool allow_private;      /* receivers at addresses that are not public */
  unsigned timeout_ms;     /* of one attempt */
  uint64_t first_pause_ms; /* delivery_tried() */
};

struct webhooks *webhooks_create(const struct webhooks_config *config, struct error *error);
void webhooks_start(struct webhooks *webhooks, uint64_t pending);
/* Nothing is sent any more, and its handles close. Accepts NULL. */
void webhooks_stop(struct webhooks *webhooks);
void webhooks_destroy(struct webhooks *webhooks); /* accepts NULL */

/* A verdict with a delivery is durable, or a delivery is pending again. */
void webhooks_added(struct webhooks *webhooks);
/* Something pending is due at once. */
void webhooks_look(struct webhooks *webhooks);

/* Prometheus text, appended. */
void webhooks_metrics(const struct webhooks *webhooks, struct buffer *ret);
