#include "api/access/token.h"

#include "base/json_bounds.h"
#include "base/memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const scope_names[] = {
#define X(name, text, meaning) text,
  SCOPES(X)
#undef X
};

const char *scope_name(enum scope scope)
{
  for (int i = 0; i < SCOPE_COUNT; i++)
    if (scope == 1u << i)
      return scope_names[i];
  return "";
}

/* The bit of a scope's name; 0: there is none of this name. */
static unsigned scope_from_name(const char *name, size_t length)
{
  for (int i = 0; i < SCOPE_COUNT; i++)
    if (strlen(scope_names[i]) == length && !strncmp(scope_names[i], name, length))
      return 1u << i;
  return 0;
}

bool token_name_valid(const char *name)
{
  const char *c = name;
  while (isalnum((unsigned char)*c) || *c == '_' || (c > name && (*c == '-' || *c == '.')))
    c++;
  return c > name && !*c && c - name <= TOKEN_NAME_BYTES_MAX;
}

bool token_has(const struct token *token, enum scope scope)
{
  return scope == SCOPE_OPEN || token->scopes & (unsigned)(scope | SCOPE_ADMIN);
}

/* What a request says. */

static void decode_name(const json_t *value, struct token *ret, struct faults *faults)
{
  const char *name = json_string_value(value);
  if (!name)
    faults_add(faults, "$.name", value ? "must be a string" : "is missing: what the token is called");
  else if (strlen(name) != json_string_length(value) || !token_name_valid(name))
    faults_add(faults, "$.name",
               "must be 1 to %d letters, digits, \"_\", \"-\" and \".\", and not begin with the last two",
               TOKEN_NAME_BYTES_MAX);
  else
    snprintf(ret->name, sizeof ret->name, "%s", name);
}

static void decode_scope(const json_t *value, size_t index, struct token *ret, struct faults *faults)
{
  const struct json_path scopes = json_path_member(&JSON_PATH_ROOT, "scopes"), path = json_path_item(&scopes, index);
  const char *name = json_string_value(value);
  unsigned scope = name ? scope_from_name(name, json_string_length(value)) : 0;
  if (!scope)
    faults_add(faults, path.text, "must be one of \"submit\", \"read\" and \"admin\"");
  ret->scopes |= scope;
}

static void decode_scopes(const json_t *value, struct token *ret, struct faults *faults)
{
  if (!value) {
    ret->scopes = SCOPE_SUBMIT | SCOPE_READ;
    return;
  }
  if (!json_array_size(value) || json_array_size(value) > SCOPE_COUNT) {
    faults_add(faults, "$.scopes", "must be an array of 1 to %d scopes", SCOPE_COUNT);
    return;
  }
  for (size_t i = 0; i < json_array_size(value); i++)
    decode_scope(json_array_get(value, i), i, ret, faults);
}

static const struct {
  const char *name;
  size_t offset;
} quotas[] = {
#define X(name, bounds) {#name, offsetof(struct token, name)},
  QUOTAS(X)
#undef X
};
enum { QUOTA_COUNT = sizeof quotas / sizeof *quotas };

static unsigned *quota_of(struct token *token, const char *name)
{
  for (size_t i = 0; i < QUOTA_COUNT; i++)
    if (!strcmp(quotas[i].name, name))
      return (unsigned *)(void *)((char *)token + quotas[i].offset);
  return NULL;
}

static bool is_from(const json_t *value, uint64_t least, uint64_t most, const char *path, struct faults *faults)
{
  json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
  if (number >= 0 && (uint64_t)number >= least && (uint64_t)number <= most)
    return true;
  faults_add(faults, path, "must be an integer from %" PRIu64 " to %" PRIu64, least, most);
  return false;
}

static void decode_limit(const char *name, const json_t *value, struct token *ret, struct faults *faults)
{
  const struct json_path limits = json_path_member(&JSON_PATH_ROOT, "limits"), path = json_path_member(&limits, name);
  unsigned *quota = quota_of(ret, name);
  enum limit_kind kind = limit_from_name(name);
  if (quota) {
    if (is_from(value, 1, QUOTA_MAX, path.text, faults))
      *quota = (unsigned)json_integer_value(value);
  } else if (kind == LIMIT_NONE) {
    faults_add(faults, path.text, "is no limit of a token");
  } else if (is_from(value, limit_rule(kind)->least, limit_rule(kind)->most, path.text, faults)) {
    limit_set(&ret->limits, kind, (uint64_t)json_integer_value(value));
  }
}

static void decode_limits(json_t *object, struct token *ret, struct faults *faults)
{
  const char *name;
  json_t *value;
  ret->limits = limits_most();
  if (object && !json_is_object(object))
    faults_add(faults, "$.limits", "must be an object");
  json_object_foreach (object, name, value) {
    decode_limit(name, value, ret, faults);
  }
}

static void refuse_unknown(json_t *object, struct faults *faults)
{
  const char *key;
  json_t *value;
  json_object_foreach (object, key, value) {
    const struct json_path path = json_path_member(&JSON_PATH_ROOT, key);
    if (strcmp(key, "name") != 0 && strcmp(key, "scopes") != 0 && strcmp(key, "limits") != 0)
      faults_add(faults, path.text, "is not a field of a token");
  }
}

bool token_decode(const void *body, size_t size, struct token *ret, struct faults *faults)
{
  struct error error;
  json_error_t why;
  if (!json_bounds_check(body, size, &error)) {
    faults_add(faults, "$", "%s", error.message);
    return false;
  }
  json_t *object = json_loadb(body, size, JSON_REJECT_DUPLICATES, &why);
  *ret = (struct token){0};
  if (!json_is_object(object)) {
    faults_add(faults, "$", object ? "must be an object" : "is not JSON: %s", why.text);
  } else {
    decode_name(json_object_get(object, "name"), ret, faults);
    decode_scopes(json_object_get(object, "scopes"), ret, faults);
    decode_limits(json_object_get(object, "limits"), ret, faults);
    refuse_unknown(object, faults);
  }
  json_decref(object);
  return !faults->count;
}

/* What a client sees. */

/* Those that it has, as an object. */
static void encode_limits(struct json_writer *json, const struct token *token)
{
  json_write_object_begin(json);
#define X(name, bounds)                                                                                                \
  if (token->name)                                                                                                     \
    json_write_member_u64(json, #name, token->name);
  QUOTAS(X)
#undef X
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    if (limit_value(&token->limits, kind) < limit_rule(kind)->most)
      json_write_member_u64(json, limit_name(kind), limit_value(&token->limits, kind));
  json_write_object_end(json);
}

void token_encode(struct json_writer *json, const struct token *token, const char *secret)
{
  char created_at[WALL_TEXT_SIZE];
  wall_format(token->created_at, created_at);
  json_write_object_begin(json);
  json_write_member_text(json, "name", token->name);
  json_write_key(json, "scopes");
  json_write_array_begin(json);
  for (int i = 0; i < SCOPE_COUNT; i++)
    if (token->scopes & 1u << i)
      json_write_text(json, scope_names[i]);
  json_write_array_end(json);
  json_write_key(json, "limits");
  encode_limits(json, token);
  json_write_member_text(json, "created_at", created_at);
  if (secret)
    json_write_member_text(json, "token", secret);
  json_write_object_end(json);
}

/* What the store keeps: the scopes' names with a space between them, and the limits as a client sees them. */

void token_texts_release(struct token_texts *texts)
{
  free(texts->scopes);
  free(texts->limits);
  *texts = (struct token_texts){0};
}

struct store_token token_to_store(const struct token *token, struct token_texts *ret_texts)
{
  struct buffer scopes = {0}, limits = {0};
  for (int i = 0; i < SCOPE_COUNT; i++)
    if (token->scopes & 1u << i)
      buffer_printf(&scopes, "%s%s", scopes.size ? " " : "", scope_names[i]);
  encode_limits(&(struct json_writer){.out = &limits}, token);
  *ret_texts = (struct token_texts){buffer_take(&scopes, NULL), buffer_take(&limits, NULL)};
  struct store_token stored = {
    .name = token->name, .scopes = ret_texts->scopes, .limits = ret_texts->limits, .created_at = token->created_at};
  memcpy(stored.digest, token->digest, sizeof stored.digest);
  return stored;
}

/* What cannot be read takes the right to submit away: a limit that is not known is not a limit that is not there. */
static void read_limits(struct token *token, const char *text)
{
  struct faults faults;
  faults.count = 0;
  json_t *limits = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  decode_limits(limits, token, &faults);
  if (!limits || faults.count)
    token->scopes &= (unsigned)SCOPE_READ;
  json_decref(limits);
}

struct token token_from_store(const struct store_token *stored)
{
  struct token token = {.created_at = stored->created_at};
  snprintf(token.name, sizeof token.name, "%s", stored->name);
  memcpy(token.digest, stored->digest, sizeof token.digest);
  for (const char *name = stored->scopes; *name; name += strspn(name, " ")) {
    size_t length = strcspn(name, " ");
    token.scopes |= scope_from_name(name, length);
    name += length;
  }
  read_limits(&token, stored->limits);
  return token;
}
