#pragma once

/*
 * What is to be told on the loop's next turn, in the order in which it arose: no caller is answered from inside his own
 * call (backend.h), and nothing is done in the middle of reading a message. No wake-up while there is
 * nothing.
 */

#include "core/world.h"

#include <uv.h>

enum answer_kind {
  ANSWER_LAUNCHED,
  ANSWER_OBSERVED, /* the looking itself is done when the turn comes */
  ANSWER_HINT,
  ANSWER_SLOTS, /* slots have changed */
  ANSWER_FOUND,
};

struct answer {
  enum answer_kind kind;
  struct name name;
  enum launch_result result; /* LAUNCHED */
  char *reason;              /* LAUNCHED, or NULL; valid during the delivery */
};

struct answers;
struct answers *answers_create(uv_loop_t *loop, void (*deliver)(void *context, const struct answer *answer),
                               void *context);
void answers_destroy(struct answers *answers); /* accepts NULL; what was not delivered is forgotten */
/* A hint or a change of slots that is the last to wait already is not doubled. */
void answers_tell(struct answers *answers, enum answer_kind kind, struct name name);
/* Copies `reason`, which may be NULL. */
void answers_tell_launched(struct answers *answers, struct name name, enum launch_result result, const char *reason);
