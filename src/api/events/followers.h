#pragma once

/*
 * The clients that follow one stream of events. Each is sent what comes after its own event id, one block at a time, as
 * quickly as it takes them: a slow one costs one reference to a block, slows nobody, is dropped by the server when it
 * takes nothing at all, and goes on from its id when it comes again.
 *
 * Blocks are made by `next` from the id of whoever needs one, and are shared with all who stand at the same place; the
 * last few are kept for those who are a little behind.
 */

#include "api/events/event_id.h"
#include "base/memory.h"
#include "http/server.h"

#include <stdbool.h>

struct event_block {
  struct event_id from, to;
  struct blob *bytes;
  bool ends; /* the stream's last */
};

struct followers_events {
  /* What comes after `from`; false where there is nothing yet. A block that was made stays right for good. */
  bool (*next)(void *context, const struct event_id *from, struct event_block *ret);
  void (*hungry)(void *context); /* one could take more at once, but others have their turn first: pump again soon */
  void (*empty)(void *context);  /* nobody follows any more; they may be destroyed */
  void *context;
};

struct followers;
struct followers *followers_create(const struct followers_events *events);
void followers_destroy(struct followers *followers); /* once nobody follows; accepts NULL */

/* Answers the request with the stream of what comes after `id`; of that nothing is sent before the next followers_pump().
 * False where nobody is there to follow. */
bool followers_add(struct followers *followers, struct http_request *request, const struct http_response *response,
                   const struct event_id *id);
unsigned followers_count(const struct followers *followers);
/* Sends what there is to whoever can take it. */
void followers_pump(struct followers *followers);
/* A comment to all who can take it. Also to whoever was just sent something: else silence could last for two beats. */
void followers_beat(struct followers *followers, struct blob *heartbeat);
/* Ends all their streams; they come again. Then `empty`. */
void followers_dismiss(struct followers *followers);
