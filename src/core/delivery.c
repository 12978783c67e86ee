#include "core/delivery.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
#define X(state, name, text) [DELIVERY_##state] = name,
  DELIVERY_STATES(X)
#undef X
};

const char *delivery_state_name(enum delivery_state state)
{
  return state_names[state];
}

enum delivery_state delivery_state_from_name(const char *name)
{
  enum delivery_state state = 0;
  while (state < DELIVERY_STATE_COUNT && strcmp(state_names[state], name) != 0)
    state++;
  return state;
}

struct delivery *delivery_create(void)
{
  return xcalloc(1, sizeof(struct delivery));
}

void delivery_destroy(struct delivery *delivery)
{
  if (!delivery)
    return;
  free(delivery->url);
  free(delivery);
}

void delivery_id(const char *evaluation_id, char ret[static DELIVERY_ID_SIZE])
{
  snprintf(ret, DELIVERY_ID_SIZE, "msg_%s", evaluation_id);
}

size_t delivery_host_length(const char *url)
{
  const char *host = strstr(url, "://");
  size_t scheme = host ? (size_t)(host - url) + 3 : 0;
  return scheme + strcspn(url + scheme, "/?#");
}

static bool is_success(int status)
{
  return status >= 200 && status < 300;
}

static bool is_wanted(int status)
{
  return status != 410;
}

static uint64_t pause_ms(unsigned attempts, uint64_t first_ms, uint32_t chance)
{
  uint64_t pause = first_ms;
  for (unsigned i = 1; i < attempts && pause < DELIVERY_PAUSE_MS_MAX; i++)
    pause *= 2;
  if (pause > DELIVERY_PAUSE_MS_MAX)
    pause = DELIVERY_PAUSE_MS_MAX;
  return pause - pause / 2 + chance % (pause / 2 + 1);
}

static void note_fault(struct delivery *delivery, const struct delivery_answer *answer)
{
  if (answer->status)
    snprintf(delivery->message, sizeof delivery->message, "answered with status %d", answer->status);
  else
    snprintf(delivery->message, sizeof delivery->message, "%s", answer->message ? answer->message : "no answer");
}

static void end(struct delivery *delivery, enum delivery_state state)
{
  delivery->state = state;
  delivery->due_at = (struct wall){0};
}

/* The last attempt is when the time is over, however long the pause before it would have been. */
static void put_off(struct delivery *delivery, uint64_t pause, struct wall now)
{
  int64_t last_ms = delivery->asked_at.ms + DELIVERY_MS_MAX;
  int64_t next_ms = now.ms + (int64_t)pause;
  if (now.ms >= last_ms) {
    end(delivery, DELIVERY_GIVEN_UP);
    return;
  }
  delivery->due_at.ms = next_ms < last_ms ? next_ms : last_ms;
}

void delivery_tried(struct delivery *delivery, const struct delivery_answer *answer, uint64_t first_pause_ms,
                    struct wall now, uint32_t chance)
{
  delivery->attempts++;
  delivery->tried_at = now;
  delivery->status = answer->status;
  delivery->message[0] = 0;
  if (is_success(answer->status)) {
    end(delivery, DELIVERY_DELIVERED);
    return;
  }
  note_fault(delivery, answer);
  if (!is_wanted(answer->status)) {
    end(delivery, DELIVERY_GIVEN_UP);
    return;
  }
  uint64_t pause = pause_ms(delivery->attempts, first_pause_ms, chance);
  uint64_t asked_for = answer->retry_after_s * 1000ull;
  put_off(delivery, asked_for > pause ? asked_for : pause, now);
}
