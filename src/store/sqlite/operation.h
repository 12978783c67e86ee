#pragma once

/*
 * One thing that the store was asked for: what is needed to do it, copied from the caller, and then the answer. It is
 * made on the caller's thread, run on the store's, answered and destroyed on the caller's again; a lock stands
 * between, so nothing in it is shared at any time.
 */

#include "store/sqlite/backup.h"
#include "store/sqlite/batches.h"
#include "store/sqlite/query.h"
#include "store/sqlite/retention.h"
#include "store/sqlite/tokens.h"
#include "store/sqlite/writes.h"

struct operation {
  struct operation *next;
  const struct operation_type *type;
  union {
    store_accept_done *accept;
    store_write_done *write;
    store_get_done *get;
    store_list_done *list;
    store_retain_done *retain;
    store_backup_done *backup;
    store_token_done *token;
    store_delivery_done *delivery;
    store_due_done *due;
    store_batch_done *batch;
    store_batch_lines_done *batch_lines;
  } done;
  void *context;
  bool awaited;  /* its caller waits for it, and answers itself */
  bool finished; /* awaited: it has been run */

  char id[ID_SIZE];
  unsigned attempt;
  struct wall at;                /* of a cancellation, or of asking for a delivery again; now */
  struct evaluation *evaluation; /* to be written; or the one found */
  struct store_filter filter;    /* owns its texts */
  struct store_retention retention;
  struct store_token token;           /* to be written, or the name of one to be removed; owns its texts */
  struct store_due_filter due_filter; /* owns its text */

  char *text;               /* of a batch: its key, or a line's errors; or NULL */
  uint64_t number;          /* a line of a batch */
  struct store_page page;   /* of a batch */
  bool errors_wanted;       /* of its lines */
  struct store_batch batch; /* as it is then; without an id: there is none */
  struct batch_lines lines; /* found */

  struct backup *backup;       /* under way */
  char *path;                  /* of one that is whole */
  struct accept_answer answer; /* of writes; attempt and finish use its result only */
  struct evaluation_list list; /* found; or deleted */
  enum store_known known;
  struct token_list tokens;       /* found */
  struct delivery_found delivery; /* to be written; or the one found */
  struct due_list due;
  uint64_t pending;
  bool failed; /* and `error` says why */
  struct error error;
};

struct operation_type {
  bool write;
  bool (*run)(struct database *database, struct operation *operation, struct error *error);
  void (*answer)(struct operation *operation); /* NULL: always awaited */
  /* What follows of a write, on the store's thread, once it is durable. NULL: nothing. */
  void (*durable)(struct database *database, struct operation *operation);
};

extern const struct operation_type operation_accept, operation_attempt, operation_cancel, operation_finish;
extern const struct operation_type operation_retain, operation_backup;
extern const struct operation_type operation_put_token, operation_remove_token, operation_tokens;
extern const struct operation_type operation_delivery_tried, operation_delivery_again;
extern const struct operation_type operation_delivery, operation_due, operation_pending;
extern const struct operation_type operation_batch_open, operation_batch_reject, operation_batch_complete;
extern const struct operation_type operation_batch_cancel, operation_batch_get, operation_batch_find;
extern const struct operation_type operation_batch_results, operation_batch_lines;
extern const struct operation_type operation_get, operation_list, operation_open, operation_known;

struct operation *operation_create(const struct operation_type *type, const char *id, void *context);
void operation_destroy(struct operation *operation);

/* A copy for the store's thread: blobs by reference, and without what only the executor needs. */
struct evaluation *evaluation_snapshot(const struct evaluation *evaluation);

/* First in, first out; zero-initialised is empty. */
struct operation_queue {
  struct operation *first, *last;
};
void operation_queue_push(struct operation_queue *queue, struct operation *operation);
struct operation *operation_queue_pop(struct operation_queue *queue); /* NULL: empty */
/* The first `most` of them. */
struct operation_queue operation_queue_take(struct operation_queue *queue, unsigned most);
