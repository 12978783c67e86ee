#pragma once

/*
 * All who follow events: GET /v1/evaluations/{id}/events (feed.h) and GET /v1/events (changes.h).
 *
 * State changes are sent on at once. What programs write is looked at every few milliseconds, and only where somebody
 * follows it. Both timers run only while there is something to do for them: an idle daemon is not woken.
 */

#include "api/api.h"

struct streams;
struct streams *streams_create(struct api *api);
/* Ends all streams, and nobody may follow any more. The timers' handles close when the loop runs on. Accepts NULL. */
void streams_destroy(struct streams *streams);

void streams_changed(struct streams *streams, const struct evaluation *evaluation);
unsigned streams_count(const struct streams *streams); /* clients that follow; NULL: 0 */
