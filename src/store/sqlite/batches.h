#pragma once

/*
 * Batches in the database (store.h). False: the disk or the database failed. What an evaluation's own write does to its
 * batch happens inside the transaction that its caller has open.
 */

#include "store/sqlite/database.h"
#include "store/store.h"

bool batch_open(struct database *database, const char *id, const char *key, struct wall at, enum store_result *ret,
                struct store_batch *ret_batch, struct error *error);
bool batch_reject(struct database *database, const char *id, uint64_t line, const char *errors, struct error *error);
bool batch_complete(struct database *database, const char *id, uint64_t lines, struct store_batch *ret_batch,
                    struct error *error);
bool batch_cancel(struct database *database, const char *id, struct wall at, enum store_result *ret,
                  struct store_batch *ret_batch, struct error *error);

/* `ret` is left without an id where there is none. */
bool batch_get(struct database *database, const char *id, struct store_batch *ret, struct error *error);
bool batch_find(struct database *database, const char *key, struct store_batch *ret, struct error *error);

struct batch_lines {
  struct store_line *items;
  size_t count;
};
bool batch_lines(struct database *database, const char *id, const struct store_page *page, bool errors,
                 struct batch_lines *ret, struct error *error);
void batch_lines_release(struct batch_lines *lines);

/* Counts a new line. CONFLICT where the batch was cancelled: then nothing was changed. */
bool batch_accept_line(struct database *database, const struct evaluation *evaluation, enum store_result *ret,
                       struct error *error);
bool batch_finish_line(struct database *database, uint64_t sequence, const struct evaluation *evaluation,
                       struct error *error);
/* Deletes it where no evaluation of it is left. `id` NULL: nothing. */
bool batch_forget(struct database *database, const char *id, struct error *error);
/* The oldest of those that have come whole and of which no line was accepted, if it was created before `then`. */
bool batch_find_all_refused(struct database *database, struct wall then, char ret_id[static ID_SIZE], bool *ret_found,
                            struct error *error);
