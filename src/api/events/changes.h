#pragma once

/*
 * The state changes of all evaluations as one stream of events. The last CHANGES_KEPT are kept in memory, under numbers
 * that begin anew with each start of the daemon. Who comes without an id, or with that of a change that is not kept any
 * more, or of a daemon before this one, is told `reset` first: what was before stands in the list, and all that comes
 * after will be told.
 */

#include "api/events/followers.h"
#include "core/evaluation.h"

enum { CHANGES_KEPT = 16384 };

struct changes;
struct changes *changes_create(uint32_t instance, void (*hungry)(void *context), void *context);
void changes_destroy(struct changes *changes); /* once nobody follows; accepts NULL */
struct followers *changes_followers(struct changes *changes);

void changes_add(struct changes *changes, const struct evaluation *evaluation);
/* Where somebody goes on who was told of everything up to `last_event_id`, or of nothing (NULL). */
struct event_id changes_place(const struct changes *changes, const char *last_event_id);
