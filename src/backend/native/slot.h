#pragma once

/*
 * One slot: one keeper at a time, and what it is doing. A slot starts its keeper or finds the one that an earlier
 * daemon left, talks to it (wire/control.h), and starts another when it dies, never faster than a backoff allows.
 *
 * Whatever a slot has to tell goes through `struct slot_events`, from the loop or from slot_pump(), and also from
 * inside the calls below; so whoever is told must only take note.
 */

#include "backend/native/native.h"
#include "wire/control.h"

/* state, whether the slot counts as capacity, meaning */
#define SLOT_STATES(X)                                                                                                 \
  X(VACANT, false, "no keeper; one is started when the timer rings")                                                   \
  X(CALLING, false, "a keeper holds the lock or is about to; connecting is tried again and again")                     \
  X(GREETING, false, "connected; its hello is awaited")                                                                \
  X(UNFIT, false, "its keeper cannot isolate as strictly as was asked for")                                            \
  X(IDLE, true, "can take the next one")                                                                               \
  X(PENDING, true, "was told to run one; no answer yet")                                                               \
  X(RUNNING, true, "runs one")                                                                                         \
  X(SETTLING, true, "its last one has ended; it will be idle in a moment")                                             \
  X(ASIDE, false, "its last one has ended, but a process of it could not be killed yet")                               \
  X(RESTING, false, "refused one for lack of something on this host; waits before the next")

enum slot_state {
#define X(name, counts, meaning) SLOT_##name,
  SLOT_STATES(X)
#undef X
};

enum { SLOT_UIDS = 16 }; /* that each may use */

struct slot_events {
  void *context;
  void (*launched)(void *context, struct name name, enum launch_result result, const char *reason);
  void (*hint)(void *context, struct name name);
  void (*changed)(void *context); /* it became free, or capacity, or ceased to be */
  /* Its keeper does not react: end the tree of this one. `init_pidfd` is the slot's, and may be -1. */
  void (*unresponsive)(void *context, struct name name, int init_pidfd);
  /* Its keeper died while it ran this one: kill the tree and say when it is gone. `init_pidfd` likewise. */
  void (*orphaned)(void *context, struct name name, int init_pidfd);
  void (*unremoved)(void *context, struct name name); /* its keeper died with this removal perhaps undone */
};

struct slot_config {
  uv_loop_t *loop;
  const char *keeper_path;
  const char *native_path, *evidence_path; /* absolute */
  const struct cgroup_layout *cgroups;
  uint32_t uid_base; /* of slot 0 */
  bool strict;
  struct slot_events events;
};

struct slot;
/* `config` stays the caller's and outlives the slot. `retiring`: a slot beyond those wanted, whose living keeper may
 * finish what it does and is then let go; it is retired at once where there is no such keeper. NULL with an error. */
struct slot *slot_create(const struct slot_config *config, unsigned index, bool retiring, struct error *error);
void slot_destroy(struct slot *slot); /* accepts NULL; its keeper lives on */

/* Does by itself what the loop would do now, so that native_create() can wait for a greeting without turning the loop.
 */
void slot_pump(struct slot *slot);

unsigned slot_index(const struct slot *slot); /* as slot_create() was told */
enum slot_state slot_state(const struct slot *slot);
bool slot_counts(const struct slot *slot);
bool slot_greeted(const struct slot *slot);
bool slot_retired(const struct slot *slot);                 /* retiring, and its keeper is gone */
bool slot_certain(const struct slot *slot);                 /* it is known whether it runs one, and which */
uint32_t slot_features(const struct slot *slot);            /* of the keeper that greeted last */
bool slot_holds(const struct slot *slot, struct name name); /* its keeper runs it, as far as is known */
bool slot_ran_last(const struct slot *slot, struct name name);
bool slot_connected(const struct slot *slot);
const char *slot_trouble(const struct slot *slot); /* why no keeper could be started; "" */

/* Only in IDLE. False: it could not be sent, nothing was started, and the slot is no longer idle. */
bool slot_run(struct slot *slot, struct name name, int plan_fd);
/* Of what it holds. Asks the keeper; when that does not help in time, ends the tree, and at last the keeper. */
void slot_kill(struct slot *slot, enum kill_reason reason);
/* False: it could not be sent. */
bool slot_remove(struct slot *slot, struct name name);
void slot_quit(struct slot *slot);
/* Waits until `deadline` for the keeper to be gone. */
bool slot_gone_by(struct slot *slot, struct mono deadline);
