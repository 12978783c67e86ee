#pragma once

/*
 * The delivery of one verdict to the URL that its client gave: what is known of it, and what follows from an attempt.
 * Pure: time and chance are handed in.
 *
 * It is tried until the receiver has said that it has it (2xx), or that it wants none (410), or DELIVERY_MS_MAX are
 * over since it was asked for. Between two attempts there is a pause, doubled each time up to DELIVERY_PAUSE_MS_MAX,
 * of which half is left to chance, so that many that failed together do not come back together. A receiver that says
 * when to come again (Retry-After) is not asked before.
 */

#include "base/clock.h"
#include "base/limits.h"
#include "wire/name.h"

#include <stdbool.h>

#define DELIVERY_STATES(X)                                                                                             \
  X(PENDING, "pending", "it will be tried, for the first time or again")                                               \
  X(DELIVERED, "delivered", "the receiver has said that it has it")                                                    \
  X(GIVEN_UP, "given_up", "the receiver wants none, or could not be had in time")

enum delivery_state {
#define X(state, name, text) DELIVERY_##state,
  DELIVERY_STATES(X)
#undef X
    DELIVERY_STATE_COUNT
};
const char *delivery_state_name(enum delivery_state state);
/* DELIVERY_STATE_COUNT: there is none of this name. */
enum delivery_state delivery_state_from_name(const char *name);

struct delivery {
  char *url;
  enum delivery_state state;
  unsigned attempts;         /* since it was asked for */
  struct wall asked_at;      /* with the verdict, or later by a client */
  struct wall due_at;        /* PENDING: of the next attempt */
  struct wall tried_at;      /* 0: never */
  int status;                /* of the last answer; 0: there was none */
  char message[REASON_SIZE]; /* what was wrong with the last attempt, for a person; "" */
};
struct delivery *delivery_create(void);
void delivery_destroy(struct delivery *delivery); /* accepts NULL */

/* The one id of the delivery, the same whenever it is sent. */
enum { DELIVERY_ID_SIZE = ID_SIZE + 8 };
void delivery_id(const char *evaluation_id, char ret[static DELIVERY_ID_SIZE]);

/* How much of a URL is its scheme, host and port: what deliveries to one receiver have in common. */
size_t delivery_host_length(const char *url);

/* What came of an attempt. */
struct delivery_answer {
  int status;             /* 0: there was no answer, and `message` says why */
  unsigned retry_after_s; /* 0: the receiver did not say */
  const char *message;
};
/* `first_pause_ms`: after the first attempt. */
void delivery_tried(struct delivery *delivery, const struct delivery_answer *answer, uint64_t first_pause_ms,
                    struct wall now, uint32_t chance);
