#pragma once

/* Access tokens in the store: as the caller has them, and as rows of their table. */

#include "store/sqlite/database.h"
#include "store/store.h"

/* A copy that owns its texts. */
void store_token_copy(struct store_token *ret, const struct store_token *token);
void store_token_release(struct store_token *token);

struct token_list {
  struct store_token *items; /* each owns its texts */
  size_t count;
};
void token_list_release(struct token_list *list);

/* Writes, inside a transaction. STORE_STANDS: there is one of this name. */
bool token_write(struct database *database, const struct store_token *token, enum store_result *ret,
                 struct error *error);
bool token_delete(struct database *database, const char *name, struct error *error);

/* A read: all of them, by name. */
bool token_read_all(struct database *database, struct token_list *ret, struct error *error);
