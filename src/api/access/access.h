#pragma once

/*
 * Who may do what. Over a Unix socket the file's mode has decided already; over TCP it is the access token, where tokens
 * are required, and else everybody who reaches the address. A token that is presented counts in any case: nobody is let do
 * more with it than without.
 *
 * All tokens are held in memory, as digests. One thread.
 */

#include "api/access/token.h"
#include "http/server.h"

enum { TOKENS_MAX = 1000 };

struct access;

struct access_config {
  bool is_required;           /* over TCP */
  const char *const *origins; /* of pages that may ask, beside our own; NULL-terminated, or NULL */
};

struct access *access_create(const struct access_config *config);
void access_destroy(struct access *access); /* accepts NULL */
bool access_is_required(const struct access *access);

/* The tokens; they are the registry's, and stay where they are until they are removed. */
bool access_add(struct access *access, const struct token *token); /* false: there is one of this name, or too many */
void access_remove(struct access *access, const char *name);
const struct token *access_find(const struct access *access, const char *name);
const struct token *access_each(const struct access *access, size_t index); /* by name; NULL at the end */

/* Whether one more refusal is to be logged: a few each second, so that who guesses cannot fill a disk. Counts the others;
 * `*ret_left_out` is how many there were since the last one that was. */
bool access_logs_refusal(struct access *access, struct mono now, unsigned *ret_left_out);

/* When the submissions that were made with it would have been due, at its rate (admission.h). */
struct mono *access_settled_at(struct access *access, const struct token *token);

/* The token that a request presents; NULL: none, or one that is not known. */
const struct token *access_token_of(const struct access *access, const struct http_request *request);

/* Whether a request may have what needs this scope. If not: UNAUTHORIZED or FORBIDDEN. */
bool access_allows(const struct access *access, const struct http_request *request, enum scope scope,
                   struct error *error);
