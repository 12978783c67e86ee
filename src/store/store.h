#pragma once

/*
 * The durable store of evaluations, for callers.
 *
 * One thread of its own does all the work; every operation returns at once and is answered by its callback, from inside
 * store_dispatch(), on the caller's thread, in the order of asking for writes. Whatever has queued up while one fsync
 * was under way goes into the next transaction (group commit). A callback with STORE_DONE means durable.
 *
 * An fsync error is never retried: after the first failed commit every further write is answered STORE_FAILED, and
 * `failed` is called; the daemon stops and recovers. What was in the failed commit is not known to be durable, and may
 * all the same be found at the next start.
 */

#include "core/world.h"

struct store;

struct store_config {
  const char *state_dir;                           /* absolute; uses assay.db and outputs/ in it */
  void (*wake)(void *context);                     /* any thread: call store_dispatch() soon on the owner's */
  void (*failed)(void *context, const char *what); /* from store_dispatch() */
  void *context;
};

/* Opens or makes the database. A damaged one, or one of a newer version, is refused with a clear message and left
 * untouched. The caller holds the lock on the state directory. */
struct store *store_open(const struct store_config *config, struct error *error);
/* Waits until everything asked for is written, dispatches it, and closes. Accepts NULL. */
void store_close(struct store *store);
void store_dispatch(struct store *store);

/* Writes. The evaluation is copied (blobs by reference) before these return. */
typedef void store_accept_done(void *context, const char *id, enum store_result result, uint64_t sequence,
                               const char *standing_id);
typedef void store_write_done(void *context, const char *id, unsigned attempt, enum store_result result);
void store_accept(struct store *store, const struct evaluation *evaluation, store_accept_done *done, void *context);
void store_attempt(struct store *store, const char *id, unsigned attempt, store_write_done *done, void *context);
/* That a client asked for its end, and when: what recovery finds as cancelled_at. Asked again, the first time stays. */
void store_cancel(struct store *store, const char *id, struct wall at, store_write_done *done, void *context);
/* The one verdict, by compare-and-set on "still open", with outputs and timeline, in one transaction. Output files
 * named in the evaluation's outputs are synced and linked (or copied) into outputs/ before the commit; the files named
 * stay where they are, being evidence (law 7). A stream in memory that is too large for the database becomes a file as
 * well. Where entered_at[STATE_FINISHED] is not set, the time of this call is stored as such. An id that the store does
 * not have is answered STORE_FAILED, here and by store_attempt() and store_cancel(). */
void store_finish(struct store *store, const struct evaluation *evaluation, store_write_done *done, void *context);

/* A finished evaluation's plan is deleted with its verdict, unless it has this label: then it is kept, for who wants to
 * see later what was run. */
#define STORE_LABEL_KEEP "assay/keep"
#define STORE_LABEL_KEEP_PROGRAM "program"

/* Reads; each sees all writes that were answered before. `evaluation` NULL: no such id, or `error` set. It is the
 * callee's to destroy; an open one is QUEUED and without its plan, a finished one has its outputs (`data`, or `path`
 * for those in files), and its plan where that was kept. The error, if any, is valid during the call only. */
typedef void store_get_done(void *context, struct evaluation *evaluation, const struct error *error);
void store_get(struct store *store, const char *id, store_get_done *done, void *context);

struct store_filter {
  const char *status; /* state or verdict, as in the API; open ones by state are the executor's: none here. NULL: all */
  const char *label_key, *label_value; /* both, or NULL: any */
  uint64_t before_sequence;            /* 0: from the newest */
  unsigned limit;                      /* 1 … LIST_LIMIT_MAX */
};
/* Newest first, without plans and outputs' bytes (the sizes are there, in the `outputs` of finished ones). The array
 * and all in it are the callee's. */
typedef void store_list_done(void *context, struct evaluation **evaluations, size_t count, bool more,
                             const struct error *error);
void store_list(struct store *store, const struct store_filter *filter, store_list_done *done, void *context);

/* At start only, blocking: every open evaluation, oldest first, each the callee's. */
bool store_each_open(struct store *store, void (*each)(void *context, struct evaluation *evaluation), void *context,
                     struct error *error);
/* At start only, blocking: whether this id is open, finished or unknown; for removing what is left of finished ones.
 * Open where it cannot be read. */
enum store_known { STORE_UNKNOWN, STORE_OPEN, STORE_FINISHED };
enum store_known store_known(struct store *store, const char *id);

/* Counters since the start, for metrics. Any thread. */
struct store_stats {
  uint64_t commits, writes; /* transactions, and the operations in them */
  uint64_t commit_us_total; /* from the beginning of each transaction until it was durable */
  uint64_t reads;
};
struct store_stats store_stats(const struct store *store);
