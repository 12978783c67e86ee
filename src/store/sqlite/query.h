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
/* Oldest first, with their plans. */
bool query_open(struct database *database, struct evaluation_list *ret, struct error *error);
bool query_known(struct database *database, const char *id, enum store_known *ret, struct error *error);
