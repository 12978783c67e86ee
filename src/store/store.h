#pragma once

/*
 * The durable store of evaluations, for callers.
 *
 * One thread of its own does all the work; every operation returns at once and is answered by its callback, from inside
 * store_dispatch(), on the caller's thread, in the order of asking for writes. Whatever has queued up while one fsync
 * was under way goes into the next transaction (group commit). A callback with STORE_DONE means durable.
 *
 * A full disk is met from a reserve, which the store holds on it for the verdicts of what is open.
 *
 * An fsync error is never retried: after the first failed commit every further write is answered STORE_FAILED, and
 * `failed` is called; the daemon stops and recovers. What was in the failed commit is not known to be durable, and may
 * all the same be found at the next start.
 */

#include "core/delivery.h"
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
/* Waits until everything asked for is written, dispatches it, and closes; a backup is given up. Accepts NULL. */
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

/* The array and all in it are the callee's. */
typedef void store_list_done(void *context, struct evaluation **evaluations, size_t count, bool more,
                             const struct error *error);

/*
 * Batches: many evaluations that came as the lines of one body. An evaluation's `batch` and `batch_line` say so; the store
 * counts what becomes of them in the transactions in which it does. A line is accepted once: store_accept() of a line
 * that is there already is answered STANDS with the same body_digest, CONFLICT with another one; also CONFLICT, and
 * without a standing id, where the batch was cancelled.
 */
struct store_batch {
  char id[ID_SIZE];
  struct wall created_at, cancelled_at; /* 0: it was not */
  bool is_complete;                     /* all `lines` have come */
  uint64_t lines, received;             /* received: the last line of which the outcome is stored */
  uint64_t accepted, rejected, finished;
  uint64_t verdicts[VERDICT_COUNT];
};
/* `batch` NULL: there is none, or `error` is set, or the write failed (result). Valid during the call only. */
typedef void store_batch_done(void *context, enum store_result result, const struct store_batch *batch,
                              const struct error *error);
/* A new one (DONE), or the one that came with the same key (STANDS); `key` NULL: always a new one. DUPLICATE: this id is
 * taken, try another. */
void store_batch_open(struct store *store, const char *id, const char *key, store_batch_done *done, void *context);
/* That a line was refused, and why, as JSON. Counted once, but for what was said of it before. */
void store_batch_reject(struct store *store, const char *id, uint64_t line, const char *errors, store_batch_done *done,
                        void *context);
void store_batch_complete(struct store *store, const char *id, uint64_t lines, store_batch_done *done, void *context);
/* The batch, and every evaluation of it that is open: what recovery finds as their cancelled_at. */
void store_batch_cancel(struct store *store, const char *id, struct wall at, store_batch_done *done, void *context);
void store_batch_get(struct store *store, const char *id, store_batch_done *done, void *context);
void store_batch_find(struct store *store, const char *key, store_batch_done *done, void *context);

struct store_page {
  bool by_line;   /* in the order of lines, and with the open ones; else in that in which they ended */
  uint64_t after; /* this line, or place */
  unsigned limit;
};
/* Evaluations of a batch with their outputs, as store_get() has them. The page may be shorter, but for `more`. */
void store_batch_results(struct store *store, const char *id, const struct store_page *page, store_list_done *done,
                         void *context);
struct store_line {
  uint64_t line, body_digest;
  char *errors; /* JSON, of a refused one */
};
/* The lines that were accepted with their digests, or those that were refused with their errors. Valid during the call
 * only. */
typedef void store_batch_lines_done(void *context, const struct store_line *lines, size_t count,
                                    const struct error *error);
void store_batch_accepted(struct store *store, const char *id, uint64_t after, unsigned limit,
                          store_batch_lines_done *done, void *context);
void store_batch_errors(struct store *store, const char *id, uint64_t after, unsigned limit,
                        store_batch_lines_done *done, void *context);

struct store_filter {
  const char *status; /* state or verdict, as in the API; open ones by state are the executor's: none here. NULL: all */
  const char *label_key, *label_value; /* both, or NULL: any */
  uint64_t before_sequence;            /* 0: from the newest */
  unsigned limit;                      /* 1 … LIST_LIMIT_MAX */
};
/* Newest first, without plans and outputs' bytes (the sizes are there, in the `outputs` of finished ones). */
void store_list(struct store *store, const struct store_filter *filter, store_list_done *done, void *context);

/* At start only, blocking: every open evaluation, oldest first, each the callee's. */
bool store_each_open(struct store *store, void (*each)(void *context, struct evaluation *evaluation), void *context,
                     struct error *error);
/* At start only, blocking: whether this id is open, finished or unknown; for removing what is left of finished ones.
 * Open where it cannot be read. */
enum store_known { STORE_UNKNOWN, STORE_OPEN, STORE_FINISHED };
enum store_known store_known(struct store *store, const char *id);

/*
 * The outbox. A verdict whose evaluation has a callback_url is written together with a delivery, pending and due at
 * once. Whoever delivers asks for what is due, receiver by receiver, and writes down what came of each attempt.
 */
struct store_due_filter {
  const char *after_host; /* receivers behind this one in the order of their names; "": all */
  struct wall now;
  unsigned per_host; /* of each receiver at most so many, the longest due first */
  unsigned limit;    /* of all */
};
struct store_due {
  struct evaluation *evaluation; /* as from a list */
  struct delivery *delivery;
};
/* What is in the array is the callee's, the array itself is not. `next_host`: the last receiver that was looked at, with
 * more behind it; "": there are none. `next_at`: when the first of what is not due yet will be; 0: nothing else is
 * pending. */
typedef void store_due_done(void *context, struct store_due *due, size_t count, const char *next_host,
                            struct wall next_at, const struct error *error);
void store_due(struct store *store, const struct store_due_filter *filter, store_due_done *done, void *context);
/* Copied before this returns. When it was asked for is not written: a client may have asked again meanwhile. */
void store_delivery_tried(struct store *store, const char *id, const struct delivery *delivery, store_write_done *done,
                          void *context);
/* The delivery of one evaluation, NULL where it has none; valid during the call, as is the error. `was_pending` is for
 * store_delivery_again(). */
typedef void store_delivery_done(void *context, enum store_known known, const struct delivery *delivery,
                                 bool was_pending, const struct error *error);
void store_delivery(struct store *store, const char *id, store_delivery_done *done, void *context);
/* Makes it pending and due at once, whatever came of it before; answered with how it is now. */
void store_delivery_again(struct store *store, const char *id, struct wall at, store_delivery_done *done,
                          void *context);
/* At start only, blocking: how many are pending. */
bool store_deliveries_pending(struct store *store, uint64_t *ret, struct error *error);

/*
 * Deletes the oldest finished evaluations that are past a bound, a few at a time, so that nobody waits long for the
 * transaction that they share; never an open one, nor one whose delivery is pending. `more`: there are others, ask
 * again. Files of outputs go when that is durable. Whoever asks for what was deleted hears that there is no such evaluation.
 */
struct store_retention {
  uint64_t age_ms; /* since it was finished; 0: no bound */
  uint64_t bytes;  /* that all of them take, in the database and in files; 0: no bound */
};
typedef void store_retain_done(void *context, unsigned removed, bool more);
void store_retain(struct store *store, const struct store_retention *retention, store_retain_done *done, void *context);

/*
 * Makes a copy of everything, a little at a time, while others read and write: a directory below STATE/backups/ that is
 * itself a state directory, with what was durable when the copy was complete, and without evidence of what was open.
 * `path` NULL: `error` says why not. Both are valid during the call only.
 */
typedef void store_backup_done(void *context, const char *path, const struct error *error);
void store_backup(struct store *store, store_backup_done *done, void *context);

/*
 * Access tokens. Of the secret only a digest is kept; what a token may do is its owner's text. All texts are copied before
 * store_put_token() returns, and are the callee's during store_each_token() only.
 */
enum { STORE_DIGEST_SIZE = 32 };
struct store_token {
  const char *name; /* unique */
  const char *scopes, *limits;
  unsigned char digest[STORE_DIGEST_SIZE];
  struct wall created_at;
};
typedef void store_token_done(void *context, enum store_result result);
/* STORE_STANDS: there is one of this name, which stays as it is. */
void store_put_token(struct store *store, const struct store_token *token, store_token_done *done, void *context);
/* STORE_DONE also where there is none of this name. */
void store_remove_token(struct store *store, const char *name, store_token_done *done, void *context);
/* At start only, blocking: all of them, by name. */
bool store_each_token(struct store *store, void (*each)(void *context, const struct store_token *token), void *context,
                      struct error *error);

/* Whether the reserve is there. Where it was given up it is taken again here, if there is room. Any thread. */
bool store_has_reserve(const struct store *store);

/* Counters since the start, for metrics. Any thread. */
struct store_stats {
  uint64_t commits, writes; /* transactions, and the operations in them */
  uint64_t commit_us_total; /* from the beginning of each transaction until it was durable */
  uint64_t reads;
  uint64_t removed; /* evaluations that store_retain() deleted */
};
struct store_stats store_stats(const struct store *store);
