#pragma once

/*
 * One evaluation as a stream of events: its states, and what it writes. What the events are made from is the same that
 * answers every other question: the executor's evaluation and the keeper's evidence while it is open, the store once it is
 * finished. Nothing that was told is remembered, but for a few blocks that save making them again (followers.h).
 */

#include "api/api_impl.h"
#include "api/events/followers.h"

struct feed;
struct feed_events {
  void (*hungry)(void *context, struct feed *feed);
  void (*empty)(void *context, struct feed *feed); /* nobody follows any more: destroy it */
  void *context;
};

struct feed *feed_create(struct api *api, const char *id, const struct feed_events *events);
void feed_destroy(struct feed *feed);
const char *feed_id(const struct feed *feed);
struct followers *feed_followers(struct feed *feed);

/* It is finished: from here on all comes from what the store has. Takes the evaluation. */
void feed_finish(struct feed *feed, struct evaluation *evaluation);
bool feed_is_finished(const struct feed *feed);
/* Whether there may be more of it without anybody telling: then feed_look() every few milliseconds. */
bool feed_is_live(const struct feed *feed);
/* Looks at what the program has written meanwhile. Returns whether there is more. */
bool feed_look(struct feed *feed);
