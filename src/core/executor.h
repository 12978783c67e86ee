#pragma once

/*
 * The executor: the life cycle of all open evaluations, pure. It makes no system call and reads no clock; it is driven
 * by the functions below and acts through `struct world` alone. One thread.
 *
 * Three layers, each sufficient alone for a verdict: hints (executor_hint), the reconciler and the deadlines (both in
 * executor_tick). A hint only says "look at X now" (law 3): it may be lost, doubled, late or wrong.
 *
 * Order: executor_create, executor_add_backend for each, executor_recover for each open evaluation in the store (oldest
 * first), executor_start; then events in any order.
 */

#include "core/world.h"

struct executor;

struct executor_config {
  unsigned queue_max;       /* evaluations that wait; 0: default */
  uint64_t queue_bytes_max; /* plans that wait; 0: default */
};

struct executor *executor_create(const struct world *world, const struct executor_config *config);
void executor_destroy(struct executor *executor); /* forgets; nothing is stopped, nothing is written */
/* `patience_ms`: how long it may be without a word, such as one that is reached through a network, before what was handed
 * to it is overdue. */
void executor_add_backend(struct executor *executor, const char *backend, unsigned patience_ms);

/* Takes an evaluation that the store held as open. It is looked at before anything is launched. */
void executor_recover(struct executor *executor, struct evaluation *evaluation);
void executor_start(struct executor *executor);

/*
 * Takes `evaluation` (attempts_max, priority, backend, runtime, limits, labels, plan and key are set by the caller),
 * gives it an id and hands it to the store. world->accepted is called once with `token` when that is durable or
 * refused. False where it is refused at once, and then the evaluation stays the caller's: queue full (OVERLOADED, with
 * EAGAIN: executor_turn_away()), draining (UNAVAILABLE), unknown backend (INVALID).
 */
bool executor_submit(struct executor *executor, struct evaluation *evaluation, void *token, struct error *error);

/* Asks for the end of an open evaluation. That it was asked for is written down before anybody is told and anything is
 * killed: world->cancelled is called once with `token` when it is durable; not where it is not open. */
enum cancel_result {
  CANCEL_UNDER_WAY, /* it is open, and will end; as cancelled unless it ended on its own first */
  CANCEL_NOT_OPEN,  /* not among the open ones: unknown, not durable yet, or finished: the store knows */
};
enum cancel_result executor_cancel(struct executor *executor, const char *id, void *token);

/* Answers to what the world was asked for. */
void executor_accepted(struct executor *executor, const char *id, enum store_result result, uint64_t sequence,
                       const char *standing_id);
void executor_attempt_stored(struct executor *executor, const char *id, unsigned attempt, enum store_result result);
void executor_cancelled(struct executor *executor, const char *id, void *token, enum store_result result);
void executor_finished(struct executor *executor, const char *id, enum store_result result);
void executor_launched(struct executor *executor, struct name name, enum launch_result result, const char *reason);
void executor_observed(struct executor *executor, struct name name, const struct observation *observation);

/* Hints, from anywhere. An unknown name is left over from a finished evaluation, or nobody's: it changes nothing. */
void executor_hint(struct executor *executor, struct name name);
/* How many evaluations the backend can take in all at this time; more may hold a slot already (adopted ones). */
void executor_capacity(struct executor *executor, const char *backend, unsigned slots);

/* Deadlines and reconciliation. To be called at the time that executor_next() says, or at any other. */
void executor_tick(struct executor *executor);
/* When executor_tick() has something to do; false: nothing is open, so no timer is needed. */
bool executor_next(const struct executor *executor, struct mono *ret);

/* No new ones from now on (SIGTERM), and nothing waiting is launched. */
void executor_drain(struct executor *executor);

/* Reading. */
struct evaluation *executor_find(const struct executor *executor, const char *id); /* NULL: not open */
struct executor_counts {
  unsigned in_state[STATE_COUNT];
  unsigned queue_max, slots, slots_busy;
  uint64_t queued_bytes, queue_bytes_max;
  uint64_t output_bytes; /* that all open ones may print and have kept */
};
struct executor_counts executor_count(const struct executor *executor);
/* Open evaluations in order of acceptance; `previous` NULL: the oldest. NULL at the end. */
struct evaluation *executor_each(const struct executor *executor, const struct evaluation *previous);
/* Where a queued evaluation stands among those that wait for its backend, and when that will have come to it, as
 * things go now. False: it is not queued, or was found so after a restart and not looked at yet. Looks at all that
 * wait. */
struct queue_place {
  unsigned position; /* from 1 */
  bool has_estimate; /* false: nothing is known of how fast the queue drains, or the backend has no slots */
  uint64_t starts_in_ms;
};
bool executor_place(const struct executor *executor, const struct evaluation *evaluation, struct queue_place *ret);
/* In how many seconds a client whose submission found the queue full shall come again. Each is told a later time. */
unsigned executor_turn_away(struct executor *executor);
