#include "api/events/followers.h"

#include "base/error.h"

#include <stdlib.h>

enum { BLOCKS_KEPT = 4, BLOCKS_PER_PUMP_MAX = 16 };

struct follower {
  struct followers *owner;
  struct follower *next, **place; /* `place` is what points to it */
  struct http_stream *stream;
  struct event_id id;
};

struct followers {
  struct followers_events events;
  struct follower *first;
  unsigned count;
  struct event_block kept[BLOCKS_KEPT];
  unsigned oldest; /* of them */
};

static void link_into(struct follower **list, struct follower *follower)
{
  follower->next = *list;
  follower->place = list;
  if (*list)
    (*list)->place = &follower->next;
  *list = follower;
}

static void unlink_follower(struct follower *follower)
{
  *follower->place = follower->next;
  if (follower->next)
    follower->next->place = follower->place;
}

unsigned followers_count(const struct followers *followers)
{
  return followers->count;
}

static void leave(struct followers *followers)
{
  if (--followers->count == 0)
    followers->events.empty(followers->events.context);
}

/* Blocks. */

static const struct event_block *find_kept(const struct followers *followers, const struct event_id *from)
{
  for (unsigned i = 0; i < BLOCKS_KEPT; i++)
    if (followers->kept[i].bytes && event_id_equal(&followers->kept[i].from, from))
      return &followers->kept[i];
  return NULL;
}

/* Stays until BLOCKS_KEPT others were made. */
static const struct event_block *block_after(struct followers *followers, const struct event_id *from)
{
  const struct event_block *kept = find_kept(followers, from);
  struct event_block block;
  if (kept || !followers->events.next(followers->events.context, from, &block))
    return kept;
  struct event_block *place = &followers->kept[followers->oldest];
  followers->oldest = (followers->oldest + 1) % BLOCKS_KEPT;
  blob_unref(place->bytes);
  *place = block;
  return place;
}

/* Sending. */

enum advance {
  WAITS,  /* for the client, or for something to be told */
  HUNGRY, /* could take more, but others have their turn first */
  ENDS,
};

static enum advance advance(struct follower *follower)
{
  for (unsigned i = 0; i < BLOCKS_PER_PUMP_MAX; i++) {
    if (!http_stream_is_ready(follower->stream))
      return WAITS;
    const struct event_block *block = block_after(follower->owner, &follower->id);
    if (!block)
      return WAITS;
    follower->id = block->to;
    bool ends = block->ends;
    http_stream_send(follower->stream, block->bytes);
    if (ends)
      return ENDS;
  }
  return HUNGRY;
}

/*
 * Ends the streams of a list. That can let a client's next request in, which may do anything: so they belong to nobody by
 * then, and `empty` is told before.
 */
static void end_all(struct followers *followers, struct follower **list)
{
  for (struct follower *follower = *list; follower; follower = follower->next) {
    follower->owner = NULL;
    leave(followers);
  }
  while (*list) {
    struct follower *follower = *list;
    *list = follower->next;
    if (*list)
      (*list)->place = list;
    http_stream_end(follower->stream);
    free(follower);
  }
}

static void move(struct follower *follower, struct follower **list)
{
  unlink_follower(follower);
  link_into(list, follower);
}

static void advance_one(struct follower *follower, struct follower **ended)
{
  struct followers *followers = follower->owner;
  switch (advance(follower)) {
  case WAITS:
    break;
  case HUNGRY:
    followers->events.hungry(followers->events.context);
    break;
  case ENDS:
    move(follower, ended);
  }
}

void followers_pump(struct followers *followers)
{
  struct follower *ended = NULL;
  for (struct follower *follower = followers->first, *next; follower; follower = next) {
    next = follower->next;
    advance_one(follower, &ended);
  }
  end_all(followers, &ended);
}

static void on_ready(void *context)
{
  struct follower *follower = context, *ended = NULL;
  struct followers *followers = follower->owner;
  if (!followers)
    return;
  advance_one(follower, &ended);
  end_all(followers, &ended);
}

static void on_gone(void *context)
{
  struct follower *follower = context;
  struct followers *followers = follower->owner;
  unlink_follower(follower);
  free(follower);
  if (followers)
    leave(followers);
}

bool followers_add(struct followers *followers, struct http_request *request, const struct http_response *response,
                   const struct event_id *id)
{
  struct follower *follower = xcalloc(1, sizeof *follower);
  const struct http_stream_events events = {.ready = on_ready, .gone = on_gone, .context = follower};
  follower->owner = followers;
  follower->id = *id;
  link_into(&followers->first, follower);
  follower->stream = http_respond_stream(request, response, &events);
  if (follower->stream) {
    followers->count++;
    return true;
  }
  unlink_follower(follower);
  free(follower);
  return false;
}

void followers_beat(struct followers *followers, struct blob *heartbeat)
{
  for (struct follower *follower = followers->first; follower; follower = follower->next)
    if (http_stream_is_ready(follower->stream))
      http_stream_send(follower->stream, heartbeat);
}

void followers_dismiss(struct followers *followers)
{
  struct follower *ended = NULL;
  while (followers->first)
    move(followers->first, &ended);
  end_all(followers, &ended);
}

/* Life. */

struct followers *followers_create(const struct followers_events *events)
{
  struct followers *followers = xcalloc(1, sizeof *followers);
  followers->events = *events;
  return followers;
}

void followers_destroy(struct followers *followers)
{
  if (!followers)
    return;
  ASSERT(!followers->first);
  for (unsigned i = 0; i < BLOCKS_KEPT; i++)
    blob_unref(followers->kept[i].bytes);
  free(followers);
}
