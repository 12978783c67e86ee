#pragma once

/*
 * An access token: its name, what it may do, and the digest of its secret. As a client asks for it, as a client sees it,
 * and as the store keeps it.
 */

#include "api/faults.h"
#include "store/store.h"
#include "wire/limit.h"

/* name, text, meaning. "admin" holds the others. */
#define SCOPES(X)                                                                                                      \
  X(SUBMIT, "submit", "submit and cancel evaluations")                                                                 \
  X(READ, "read", "read evaluations, metrics and the doctor's report")                                                 \
  X(ADMIN, "admin", "everything: also backups and tokens")

enum scope_index {
#define X(name, text, meaning) SCOPE_INDEX_##name,
  SCOPES(X)
#undef X
    SCOPE_COUNT
};

/* What a route asks for: OPEN is for everybody. */
enum scope {
  SCOPE_OPEN = 0,
#define X(name, text, meaning) SCOPE_##name = 1 << SCOPE_INDEX_##name,
  SCOPES(X)
#undef X
};

const char *scope_name(enum scope scope); /* of one; "" for OPEN */

/* What a token may do at the same time, and how often: name, what it bounds. Beside these, the limits of one evaluation. */
#define QUOTAS(X)                                                                                                      \
  X(submissions_per_minute, "submissions a minute, on average; so many at once")                                       \
  X(open_evaluations, "evaluations that are not finished")

enum { QUOTA_MAX = 1000000 };

enum { TOKEN_NAME_BYTES_MAX = 31 };

struct token {
  char name[TOKEN_NAME_BYTES_MAX + 1];
  unsigned scopes; /* of enum scope */
  unsigned char digest[STORE_DIGEST_SIZE];
  struct wall created_at;
#define X(name, bounds) unsigned name; /* 0: as many as there may be */
  QUOTAS(X)
#undef X
  struct limits limits; /* the most that an evaluation may ask for; limits_most(): whatever the daemon allows */
};

/* A letter, digit or "_", and behind it also "-" and ".". */
bool token_name_valid(const char *name);
bool token_has(const struct token *token, enum scope scope);

/* What a request to make one says. False: it has faults. */
bool token_decode(const void *body, size_t size, struct token *ret, struct faults *faults);
/* An object; `secret` where it is shown, which is once. */
void token_encode(struct json_writer *json, const struct token *token, const char *secret);

/* `ret_texts` are the record's, and to be released behind it. */
struct token_texts {
  char *scopes, *limits;
};
void token_texts_release(struct token_texts *texts);
struct store_token token_to_store(const struct token *token, struct token_texts *ret_texts);
struct token token_from_store(const struct store_token *stored);
