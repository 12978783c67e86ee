#pragma once

/* Deleting what is old: rows in the transaction, files behind it. */

#include "store/sqlite/query.h"

enum { RETENTION_BATCH = 32 }; /* evaluations in one transaction, which others wait for */

/* At the start: how much there is in outputs/, and nothing left of what was deleted. */
void retention_take_stock(struct database *database);
/* Deletes the oldest that are past a bound. `ret` has those that were deleted, and whether there may be more. */
bool retention_delete(struct database *database, const struct store_retention *bounds, struct wall now,
                      struct evaluation_list *ret, struct error *error);
/* Their files, once that is durable. */
void retention_remove_files(struct database *database, const struct evaluation_list *deleted);
