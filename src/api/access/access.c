#include "api/access/access.h"

#include "api/access/origin.h"
#include "api/access/secret.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct entry {
  struct token token; /* first: handed out as a pointer to it */
  struct mono settled_at;
};

struct access {
  struct access_config config;
  struct entry *entries[TOKENS_MAX]; /* by name */
  size_t count;
  struct mono refusals_since; /* the second that is counted, and what of it was logged and left out */
  unsigned refusals_logged, refusals_left_out;
};

enum { REFUSALS_A_SECOND_MAX = 10, SECOND_US = 1000 * 1000 };

struct access *access_create(const struct access_config *config)
{
  struct access *access = xcalloc(1, sizeof *access);
  access->config = *config;
  return access;
}

void access_destroy(struct access *access)
{
  if (!access)
    return;
  for (size_t i = 0; i < access->count; i++)
    free(access->entries[i]);
  free(access);
}

bool access_is_required(const struct access *access)
{
  return access->config.is_required;
}

/* The registry. */

/* Where it is, or where it would have to be. */
static size_t place_of(const struct access *access, const char *name)
{
  size_t place = 0;
  while (place < access->count && strcmp(access->entries[place]->token.name, name) < 0)
    place++;
  return place;
}

const struct token *access_find(const struct access *access, const char *name)
{
  size_t place = place_of(access, name);
  return place < access->count && !strcmp(access->entries[place]->token.name, name) ? &access->entries[place]->token
                                                                                    : NULL;
}

bool access_add(struct access *access, const struct token *token)
{
  if (access->count == TOKENS_MAX || access_find(access, token->name))
    return false;
  size_t place = place_of(access, token->name);
  struct entry **at = &access->entries[place];
  memmove(at + 1, at, (access->count++ - place) * sizeof(struct entry *));
  *at = xcalloc(1, sizeof **at);
  (*at)->token = *token;
  return true;
}

void access_remove(struct access *access, const char *name)
{
  if (!access_find(access, name))
    return;
  size_t place = place_of(access, name);
  struct entry **at = &access->entries[place];
  free(*at);
  memmove(at, at + 1, (--access->count - place) * sizeof(struct entry *));
}

const struct token *access_each(const struct access *access, size_t index)
{
  return index < access->count ? &access->entries[index]->token : NULL;
}

struct mono *access_settled_at(struct access *access, const struct token *token)
{
  return &access->entries[place_of(access, token->name)]->settled_at;
}

/* Refusals. */

bool access_logs_refusal(struct access *access, struct mono now, unsigned *ret_left_out)
{
  if (now.us - access->refusals_since.us >= SECOND_US) {
    access->refusals_since = now;
    access->refusals_logged = 0;
  }
  if (access->refusals_logged == REFUSALS_A_SECOND_MAX) {
    access->refusals_left_out++;
    return false;
  }
  access->refusals_logged++;
  *ret_left_out = access->refusals_left_out;
  access->refusals_left_out = 0;
  return true;
}

/* Requests. */

/* All are looked at, whichever it is. */
static const struct token *find_by_secret(const struct access *access, const char *secret)
{
  unsigned char digest[STORE_DIGEST_SIZE];
  const struct token *found = NULL;
  secret_digest(secret, digest);
  for (size_t i = 0; i < access->count; i++)
    if (secret_digests_equal(access->entries[i]->token.digest, digest))
      found = &access->entries[i]->token;
  return found;
}

const struct token *access_token_of(const struct access *access, const struct http_request *request)
{
  const char *secret = secret_of_field(http_header(request, "Authorization"));
  return secret ? find_by_secret(access, secret) : NULL;
}

static bool check_origin(const struct access *access, const struct http_request *request, struct error *error)
{
  const char *origin = http_header(request, "Origin");
  return !origin || origin_is_own(origin, http_header(request, "Host"), access->config.origins) ||
         error_set(error, ERROR_FORBIDDEN, 0,
                   "a page of another origin asks: this daemon answers no other site's pages");
}

static bool check_token(const struct token *token, enum scope scope, struct error *error)
{
  if (!token)
    return error_set(error, ERROR_UNAUTHORIZED, 0, "the access token is not known here, or was revoked");
  return token_has(token, scope) || error_set(error, ERROR_FORBIDDEN, 0, "the access token %s lacks the scope \"%s\"",
                                              token->name, scope_name(scope));
}

bool access_allows(const struct access *access, const struct http_request *request, enum scope scope,
                   struct error *error)
{
  if (!check_origin(access, request, error))
    return false;
  if (scope == SCOPE_OPEN)
    return true;
  if (secret_of_field(http_header(request, "Authorization")))
    return check_token(access_token_of(access, request), scope, error);
  return !access->config.is_required || http_is_from_unix(request) ||
         error_set(
           error, ERROR_UNAUTHORIZED, 0,
           "an access token is needed (Authorization: Bearer TOKEN); \"assay token create\" on the daemon's host "
           "makes one");
}
