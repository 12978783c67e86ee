#pragma once

/* Inside a slot: slot.c starts, finds and loses its keeper; slot_messages.c understands what it says. */

#include "backend/native/slot.h"
#include "base/memory.h"
#include "loop/timer.h"
#include "loop/watch.h"

#include <string.h>

/* What answers in time, in milliseconds. */
enum {
  GREETING_MS_MAX = 2000,
  LAUNCH_MS_MAX = 5000,   /* for an answer to RUN */
  SETTLING_MS_MAX = 1000, /* from ENDED to IDLE where nothing is left over */
  RESTING_MS = 1000,
};
#define NEVER UINT64_MAX

struct slot {
  const struct slot_config *config;
  unsigned index;
  bool retiring;
  char *path;
  int directory; /* of the slot */

  enum slot_state state;
  struct timer *timer; /* what it means depends on the state */

  /* The keeper */
  struct watch *socket, *process; /* `process` is a pidfd; each NULL where there is none */
  pid_t child;                    /* to be waited for; 0: an earlier daemon's */
  bool stranger;                  /* an earlier daemon's, and it has not said yet what it runs */
  uint32_t features;
  struct mono began_at; /* this keeper, or the calling of it */
  unsigned calls, failures;
  char trouble[ERROR_MESSAGE_SIZE];

  /* What it runs */
  struct name name; /* now, or last */
  bool holds;
  bool answer_due; /* to the launch of it */
  int init_pidfd;

  struct timer *kill_timer;
  bool killed_by_us; /* the tree was ended without the keeper's help; the keeper is next */

  /* Removals that were sent. Those before the last RUN are done once the keeper has answered that. */
  struct name *removals;
  size_t removal_count, removals_before_run;
};

/* `ms`: when the timer of the new state rings, or NEVER. */
void slot_enter(struct slot *slot, enum slot_state state, uint64_t ms);
/* Answers the launch, where an answer is due. */
void slot_answer(struct slot *slot, enum launch_result result, const char *reason);
void slot_hint(struct slot *slot, struct name name);
/* It runs nothing any more; whoever wants to know how that ended has to look. */
void slot_let_go(struct slot *slot);
void slot_hang_up(struct slot *slot);
void slot_call_later(struct slot *slot);

/* slot_messages.c: reads what the keeper has said. */
void slot_listen(struct slot *slot);
