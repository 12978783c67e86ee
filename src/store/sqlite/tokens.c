#include "store/sqlite/tokens.h"

#include "store/sqlite/sql.h"

#include <stdlib.h>
#include <string.h>

void store_token_copy(struct store_token *ret, const struct store_token *token)
{
  *ret = *token;
  ret->name = xstrdup(token->name);
  ret->scopes = xstrdup(token->scopes);
  ret->limits = xstrdup(token->limits);
}

void store_token_release(struct store_token *token)
{
  free((char *)token->name);
  free((char *)token->scopes);
  free((char *)token->limits);
  *token = (struct store_token){0};
}

void token_list_release(struct token_list *list)
{
  for (size_t i = 0; i < list->count; i++)
    store_token_release(&list->items[i]);
  free(list->items);
  *list = (struct token_list){0};
}

bool token_write(struct database *database, const struct store_token *token, enum store_result *ret,
                 struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT_TOKEN);
  sqlite3_bind_text(statement, 1, token->name, -1, SQLITE_STATIC);
  sqlite3_bind_blob(statement, 2, token->digest, sizeof token->digest, SQLITE_STATIC);
  sqlite3_bind_text(statement, 3, token->scopes, -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, 4, token->limits, -1, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 5, token->created_at.ms);
  if (sql_step(statement, error) < 0)
    return false;
  *ret = sqlite3_changes(database->handle) == 1 ? STORE_DONE : STORE_STANDS;
  return true;
}

bool token_delete(struct database *database, const char *name, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_DELETE_TOKEN);
  sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
  return sql_step(statement, error) >= 0;
}

/* Borrowed from the row. */
static bool row_of_token(sqlite3_stmt *statement, struct store_token *ret, struct error *error)
{
  const void *digest = sqlite3_column_blob(statement, 1);
  bool whole = digest && sqlite3_column_bytes(statement, 1) == STORE_DIGEST_SIZE;
  *ret = (struct store_token){
    .name = (const char *)sqlite3_column_text(statement, 0),
    .scopes = (const char *)sqlite3_column_text(statement, 2),
    .limits = (const char *)sqlite3_column_text(statement, 3),
    .created_at = {sqlite3_column_int64(statement, 4)},
  };
  if (!sql_columns_good(statement, error))
    return false;
  if (!whole)
    return error_set(error, ERROR_INTERNAL, 0, "the digest of an access token is not %d bytes", STORE_DIGEST_SIZE);
  memcpy(ret->digest, digest, sizeof ret->digest);
  return true;
}

bool token_read_all(struct database *database, struct token_list *ret, struct error *error)
{
  CLEANUP_RESET sqlite3_stmt *statement = database_statement(database, STATEMENT_EACH_TOKEN);
  struct token_list list = {0};
  int found;
  while ((found = sql_step(statement, error)) == 1) {
    struct store_token row;
    if (!row_of_token(statement, &row, error)) {
      found = -1;
      break;
    }
    list.items = xrealloc(list.items, (list.count + 1) * sizeof *list.items);
    store_token_copy(&list.items[list.count++], &row);
  }
  if (found < 0) {
    token_list_release(&list);
    return false;
  }
  *ret = list;
  return true;
}
