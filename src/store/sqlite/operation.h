#pragma once

/*
 * One thing that the store was asked for: what is needed to do it, copied from the caller, and then the answer. It is
 * made on the caller's thread, run on the store's, answered and destroyed on the caller's again; a lock stands
 * between, so nothing in it is shared at any time.
 */

#include "store/sqlite/query.h"
#include "store/sqlite/writes.h"

struct operation {
  struct operation *next;
  const struct operation_type *type;
  union {
    store_accept_done *accept;
    store_write_done *write;
    store_get_done *get;
    store_list_done *list;
  } done;
  void *context;
  bool awaited;  /* its caller waits for it, and answers itself */
  bool finished; /* awaited: it has been run */

  char id[ID_SIZE];
  unsigned attempt;
  struct wall at;                /* of a cancellation */
  struct evaluation *evaluation; /* to be written; or the one found */
  struct store_filter filter;    /* owns its texts */

  struct accept_answer answer; /* of writes; attempt and finish use its result only */
  struct evaluation_list list;
  enum store_known known;
  bool failed; /* and `error` says why */
  struct error error;
};

struct operation_type {
  bool write;
  bool (*run)(struct database *database, struct operation *operation, struct error *error);
  void (*answer)(struct operation *operation); /* NULL: always awaited */
};

extern const struct operation_type operation_accept, operation_attempt, operation_cancel, operation_finish;
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
