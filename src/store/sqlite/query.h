#pragma once

/*
 * Reads, outside of any transaction: they see what is durable and nothing else. False: the disk or the database failed.
 */

#include "store/sqlite/database.h"
#include "store/store.h"

/* `*ret` NULL: there is no such evaluation. */
bool query_get(struct database *database, const char *id, struct evaluation **ret, struct error *error);

/* The caller frees what it is given, element by element. */
struct evaluation_list {
  struct evaluation **items;
  size_t count;
  bool more; /* than the filter's limit */
};
void evaluation_list_release(struct evaluation_list *list);

bool query_list(struct database *database, const struct store_filter *filter, struct evaluation_list *ret,
                struct error *error);
/* A page of a batch in either order, with outputs, and not many more bytes of them than BATCH_PAGE_BYTES_MAX. */
bool query_batch(struct database *database, const char *batch, const struct store_page *page,
                 struct evaluation_list *ret, struct error *error);
/* The oldest finished ones of which nobody waits to be told, at most `most`. */
bool query_oldest(struct database *database, unsigned most, struct evaluation_list *ret, struct error *error);
/* Oldest first, with their plans. */
bool query_open(struct database *database, struct evaluation_list *ret, struct error *error);
bool query_known(struct database *database, const char *id, enum store_known *ret, struct error *error);

struct delivery_found {
  enum store_known known;
  bool was_pending;          /* before a client wanted it again */
  struct delivery *delivery; /* NULL: there is none */
};
bool query_delivery(struct database *database, const char *id, struct delivery_found *ret, struct error *error);

struct due_list {
  struct store_due *items;
  size_t count;
  char *next_host;     /* go on behind this one; "": that was the last */
  struct wall next_at; /* of the first that is not due yet; 0: there is none */
};
void due_list_release(struct due_list *list);
bool query_due(struct database *database, const struct store_due_filter *filter, struct due_list *ret,
               struct error *error);
bool query_pending(struct database *database, uint64_t *ret, struct error *error);
