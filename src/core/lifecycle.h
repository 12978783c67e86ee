#pragma once

/*
 * The life of an evaluation, as one table. The enum, the names in the API and the CLI, the deadlines, the legal moves
 * and the documentation come from here.
 *
 *     queued → starting → running → sealing → finished
 *        ↖  preparing ↙
 */

#include "base/limits.h"

#include <stdbool.h>

/* name, text in the API, deadline in ms (0: none; RUNNING adds the evaluation's own time limits), what it means */
#define STATES(X)                                                                                                      \
  X(ACCEPTING, "accepting", 0, "handed to the store, not yet durable; no client has been told")                        \
  X(QUEUED, "queued", QUEUED_MS_MAX, "durable, waiting for a slot")                                                    \
  X(PREPARING, "preparing", PREPARING_MS_MAX, "what it needs, such as an image, is being fetched; it holds no slot")   \
  X(STARTING, "starting", STARTING_MS_MAX, "handed to a backend; no sign yet that the program was started")            \
  X(RUNNING, "running", RUNNING_GRACE_MS, "the start marker is there")                                                 \
  X(SEALING, "sealing", SEALING_MS_MAX, "the program is dead; output is gathered and the verdict made durable")        \
  X(FINISHED, "finished", 0, "the verdict is durable; from here on the status is the verdict")

enum state {
#define X(name, text, deadline, meaning) STATE_##name,
  STATES(X)
#undef X
    STATE_COUNT
};

/* from, to, why. Whatever is not here is refused. */
#define MOVES(X)                                                                                                       \
  X(ACCEPTING, QUEUED, "the acceptance is durable")                                                                    \
  X(QUEUED, STARTING, "a slot is free")                                                                                \
  X(QUEUED, RUNNING, "found running after a restart")                                                                  \
  X(QUEUED, SEALING, "cancelled, overdue, or found dead after a restart")                                              \
  X(STARTING, QUEUED, "the backend had no room, and nothing was started")                                              \
  X(QUEUED, PREPARING, "found being prepared after a restart")                                                         \
  X(STARTING, PREPARING, "the backend has to fetch something first, and nothing was started")                          \
  X(PREPARING, QUEUED, "what it needs is there, or will not be: the next launch tells")                                \
  X(PREPARING, RUNNING, "found running")                                                                               \
  X(PREPARING, SEALING, "cancelled, overdue, or found dead")                                                           \
  X(STARTING, RUNNING, "the start marker is there")                                                                    \
  X(STARTING, SEALING, "it ended before it was seen running, or could not be launched")                                \
  X(RUNNING, SEALING, "it ended")                                                                                      \
  X(SEALING, QUEUED, "lost, and another attempt was asked for and is durable")                                         \
  X(SEALING, FINISHED, "the verdict is durable")

const char *state_name(enum state state);
const char *state_meaning(enum state state);
unsigned state_deadline_ms(enum state state);
bool move_legal(enum state from, enum state to);
/* Whether a slot of the backend is taken by an evaluation in this state. */
bool state_holds_slot(enum state state);
/* Whether it takes a place among those that wait (--queue). */
bool state_waits(enum state state);
