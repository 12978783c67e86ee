#pragma once

/*
 * Inside the executor: executor.c holds what is open and takes submissions, cancellations and ticks; life.c leads one
 * evaluation from look to look to its verdict.
 */

#include "core/drain.h"
#include "core/executor.h"
#include "core/queue.h"

enum { BACKENDS_MAX = 8 };

struct backend_state {
  char name[BACKEND_NAME_SIZE];
  unsigned patience_ms; /* with it, beyond the deadlines of what was handed to it */
  unsigned slots, busy;
  bool blocked; /* it said BUSY: wait for a sign that there is room */
  bool gone;    /* not configured any more; known only from what the store held */
  struct queue queue;
  struct drain drain;
};

struct executor {
  struct world world;
  struct executor_config config;
  struct backend_state backends[BACKENDS_MAX];
  unsigned backend_count;
  void *by_id; /* tsearch(3) */
  struct evaluation *oldest, *newest;
  unsigned in_state[STATE_COUNT];
  uint64_t queued_bytes, output_bytes;
  struct mono last_tick, last_reconcile;
  struct drain drain; /* of all queues together, which share what may wait */
  bool draining;
};

/* life.c */
void evaluation_move(struct executor *executor, struct evaluation *evaluation, enum state to);
void evaluation_look(struct executor *executor, struct evaluation *evaluation);
void evaluation_look_unless_looking(struct executor *executor, struct evaluation *evaluation);
void evaluation_enqueue(struct evaluation *evaluation);
void evaluation_launch(struct executor *executor, struct evaluation *evaluation);
void evaluation_kill(struct executor *executor, struct evaluation *evaluation);
void evaluation_observed(struct executor *executor, struct evaluation *evaluation, const struct observation *seen);
void evaluation_overdue(struct executor *executor, struct evaluation *evaluation);
/* It was never launched in this attempt and never will be. */
void evaluation_give_up(struct executor *executor, struct evaluation *evaluation);
/* It is being prepared, and that is to end: by its deadline, or because it was cancelled. */
void evaluation_end_preparing(struct executor *executor, struct evaluation *evaluation);
/* Nobody can say what became of it. */
void evaluation_backend_gone(struct executor *executor, struct evaluation *evaluation);
/* What its plan adds to queued_bytes in this state. */
uint64_t evaluation_waiting_bytes(const struct evaluation *evaluation, enum state state);
struct name evaluation_name(const struct evaluation *evaluation);
