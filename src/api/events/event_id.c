#include "api/events/event_id.h"

#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void event_id_format(const struct event_id *id, char ret[static EVENT_ID_SIZE])
{
  snprintf(ret, EVENT_ID_SIZE, "%u.%s.%" PRIu64, id->attempt, state_name(id->state), id->position);
}

static enum state find_state(const char *name, size_t length)
{
  enum state state = STATE_ACCEPTING;
  while (state < STATE_COUNT && (strlen(state_name(state)) != length || memcmp(state_name(state), name, length) != 0))
    state++;
  return state;
}

bool event_id_parse(const char *text, struct event_id *ret)
{
  uint64_t attempt, position;
  const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;
  if (!second || !parse_u64(text, (size_t)(first - text), ATTEMPT_MAX, &attempt) ||
      !parse_u64_text(second + 1, UINT64_MAX, &position))
    return false;
  enum state state = find_state(first + 1, (size_t)(second - first - 1));
  if (state == STATE_COUNT)
    return false;
  struct event_id id = {(unsigned)attempt, state, position};
  char canonical[EVENT_ID_SIZE];
  event_id_format(&id, canonical); /* numbers have one form only */
  if (attempt == 0 || strcmp(canonical, text) != 0)
    return false;
  *ret = id;
  return true;
}

bool event_id_equal(const struct event_id *a, const struct event_id *b)
{
  return a->attempt == b->attempt && a->state == b->state && a->position == b->position;
}
