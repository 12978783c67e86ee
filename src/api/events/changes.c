#include "api/events/changes.h"

#include "api/events/event_text.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INSTANCE_DIGITS = 8, BLOCK_BYTES = 32 * 1024 };

struct change {
  char id[ID_SIZE];
  enum state state;
  enum verdict_kind verdict;
  unsigned attempt;
  struct wall at;
};

struct changes {
  char instance[INSTANCE_DIGITS + 1];
  uint64_t count; /* since the start */
  struct change kept[CHANGES_KEPT];
  struct followers *followers;
  void (*hungry)(void *context);
  void *context;
};

/* The id of somebody who was told of the first `count` changes. */
static void format_id(const struct changes *changes, uint64_t count, char ret[static EVENT_ID_SIZE])
{
  snprintf(ret, EVENT_ID_SIZE, "%s.%" PRIu64, changes->instance, count);
}

/* A place beyond all that there will ever be. It is another one after each change, so that of the blocks that are kept
 * (followers.h) none sends its reader back in time. */
static uint64_t nowhere(const struct changes *changes)
{
  return UINT64_MAX - changes->count;
}

struct event_id changes_place(const struct changes *changes, const char *last_event_id)
{
  struct event_id place = {.position = nowhere(changes)};
  const char *dot = last_event_id ? strchr(last_event_id, '.') : NULL;
  bool is_ours = dot && dot - last_event_id == INSTANCE_DIGITS &&
                 !memcmp(last_event_id, changes->instance, INSTANCE_DIGITS) &&
                 parse_u64_text(dot + 1, changes->count, &place.position);
  if (!is_ours)
    place.position = nowhere(changes);
  return place;
}

static void put_reset(const struct changes *changes, struct buffer *out)
{
  char id[EVENT_ID_SIZE];
  format_id(changes, changes->count, id);
  struct json_writer json = event_begin(out, "reset");
  json_write_member_text(&json, "reason", "what was before is not told: look at the list; all that comes after is");
  event_end(&json, id);
}

static void put_change(const struct changes *changes, uint64_t number, struct buffer *out)
{
  const struct change *change = &changes->kept[number % CHANGES_KEPT];
  char id[EVENT_ID_SIZE], at[WALL_TEXT_SIZE];
  bool is_finished = change->state == STATE_FINISHED && change->verdict != VERDICT_NONE;
  format_id(changes, number + 1, id);
  wall_format(change->at, at);
  struct json_writer json = event_begin(out, "state");
  json_write_member_text(&json, "id", change->id);
  json_write_member_text(&json, "status", is_finished ? verdict_name(change->verdict) : state_name(change->state));
  json_write_member_bool(&json, "finished", change->state == STATE_FINISHED);
  json_write_member_text(&json, "at", at);
  json_write_member_u64(&json, "attempt", change->attempt);
  event_end(&json, id);
}

static bool next_block(void *context, const struct event_id *from, struct event_block *ret)
{
  struct changes *changes = context;
  CLEANUP_BUFFER struct buffer out = {0};
  uint64_t number = from->position;
  uint64_t oldest = changes->count > CHANGES_KEPT ? changes->count - CHANGES_KEPT : 0;
  if (number < oldest || number > changes->count) {
    put_reset(changes, &out);
    number = changes->count;
  }
  while (number < changes->count && out.size < BLOCK_BYTES)
    put_change(changes, number++, &out);
  if (!out.size)
    return false;
  *ret = (struct event_block){
    .from = *from,
    .to = {.position = number},
    .bytes = blob_create(out.data, out.size),
  };
  return true;
}

static void hungry(void *context)
{
  struct changes *changes = context;
  changes->hungry(changes->context);
}

static void empty(void *context)
{
  (void)context; /* changes are kept for who comes again */
}

struct changes *changes_create(uint32_t instance, void (*on_hungry)(void *context), void *context)
{
  struct changes *changes = xcalloc(1, sizeof *changes);
  snprintf(changes->instance, sizeof changes->instance, "%08" PRIx32, instance);
  changes->hungry = on_hungry;
  changes->context = context;
  changes->followers = followers_create(
    &(struct followers_events){.next = next_block, .hungry = hungry, .empty = empty, .context = changes});
  return changes;
}

void changes_destroy(struct changes *changes)
{
  if (!changes)
    return;
  followers_destroy(changes->followers);
  free(changes);
}

struct followers *changes_followers(struct changes *changes)
{
  return changes->followers;
}

void changes_add(struct changes *changes, const struct evaluation *evaluation)
{
  struct change *change = &changes->kept[changes->count++ % CHANGES_KEPT];
  *change = (struct change){
    .state = evaluation->state,
    .verdict = evaluation->verdict.kind,
    .attempt = evaluation->attempt,
    .at = evaluation->entered_at[evaluation->state],
  };
  snprintf(change->id, sizeof change->id, "%s", evaluation->id);
}
