#pragma once

/*
 * What a write does to the tables, inside the transaction that its caller has open. False: the disk or the database
 * failed, and the whole transaction with it. A write that is refused on its own (its id is known, another verdict
 * stands) has changed nothing, so that the others of its transaction are not touched.
 */

#include "store/sqlite/query.h"
#include "store/store.h"

struct accept_answer {
  enum store_result result;
  uint64_t sequence;
  char standing_id[ID_SIZE]; /* STANDS, CONFLICT */
};

bool write_accept(struct database *database, const struct evaluation *evaluation, struct accept_answer *ret,
                  struct error *error);
bool write_attempt(struct database *database, const char *id, unsigned attempt, enum store_result *ret,
                   struct error *error);
/* The first time that is asked for stays. */
bool write_cancel(struct database *database, const char *id, struct wall at, enum store_result *ret,
                  struct error *error);
bool write_finish(struct database *database, const struct evaluation *evaluation, enum store_result *ret,
                  struct error *error);
bool write_delivery_tried(struct database *database, const char *id, const struct delivery *delivery,
                          enum store_result *ret, struct error *error);
/* `ret` is as it is behind this, but for `was_pending`. */
bool write_delivery_again(struct database *database, const char *id, struct wall at, struct delivery_found *ret,
                          struct error *error);
