#pragma once

/*
 * Everything that the core cannot do itself, as one table of functions. The daemon hands in the real world, the
 * simulator a hostile one. All of them return at once; what takes time is answered later by a call of the executor_…
 * function named behind it, from the same thread and never from inside the call itself. Every one of them is safe to
 * repeat (law 9).
 */

#include "base/clock.h"
#include "base/error.h"
#include "core/evaluation.h"

/* What a backend and the evidence say of an attempt; in this order of looking (law 4). */
struct observation {
  enum presence presence;
  bool started; /* the start marker is there */
  struct wall started_at;
  uint32_t isolation;
  const struct record *record; /* NULL: no complete exit record */
  struct outputs *outputs;     /* what was written so far; set once it is dead or has a record, else NULL. Borrowed */
  const char *progress;        /* PENDING: of what is being fetched, for a person; or NULL */
  const char *platform_reason; /* for a person, where the platform is known to have failed; or NULL */
};

enum launch_result {
  LAUNCH_ACCEPTED,  /* or adopted: a second launch of the same name is not a second start */
  LAUNCH_BUSY,      /* no room just now, and nothing was started */
  LAUNCH_REFUSED,   /* will never work: the request's fault */
  LAUNCH_PREPARING, /* something that it needs is being fetched; nothing was started. A hint comes when that has ended */
  LAUNCH_UNKNOWN,   /* no answer: it may run. Look */
};

enum store_result {
  STORE_DONE,
  STORE_STANDS,    /* finish: another verdict stands already (law 6). accept: the key is known, with the same body */
  STORE_CONFLICT,  /* accept: the idempotency key is known with another body */
  STORE_DUPLICATE, /* accept: the id exists; try another */
  STORE_FAILED,    /* not durable, and never will be */
};

struct world {
  void *context;
  struct mono (*now)(void *context);
  struct wall (*wall_now)(void *context);
  uint32_t (*random)(void *context);

  /* The store. The evaluation is copied before these return. */
  void (*store_accept)(void *context, const struct evaluation *evaluation); /* → executor_accepted */
  void (*store_attempt)(void *context, const struct evaluation *evaluation,
                        unsigned attempt); /* → executor_attempt_stored */
  void (*store_cancel)(void *context, const struct evaluation *evaluation,
                       void *token);                                        /* cancelled_at → executor_cancelled */
  void (*store_finish)(void *context, const struct evaluation *evaluation); /* verdict, outputs → executor_finished */

  /* A backend, by name. */
  void (*launch)(void *context, const struct evaluation *evaluation); /* → executor_launched */
  void (*observe)(void *context, const char *backend,
                  struct name name); /* → executor_observed; asked again after RECONCILE_MS */
  void (*kill)(void *context, const char *backend, struct name name,
               enum kill_reason reason);                                /* bounded, no answer: look */
  void (*remove)(void *context, const char *backend, struct name name); /* the verdict is durable (law 7) */

  /* Told to others. */
  void (*accepted)(void *context, struct evaluation *evaluation, void *token, enum store_result result,
                   const char *standing_id); /* evaluation NULL unless DONE, or STANDS and still open */
  /* The cancellation that came with `token` is durable (DONE), or a verdict was before it (STANDS). */
  void (*cancelled)(void *context, const char *id, void *token, enum store_result result);
  void (*changed)(void *context, const struct evaluation *evaluation); /* entered a state; FINISHED is the last call */
  void (*broken)(void *context, const char *what); /* the store failed: stop, restart, recover (never retry an fsync) */
};
