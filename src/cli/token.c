/* assay token create|list|revoke: who may ask the server, and for what. */

#include "cli/command.h"

#include "base/memory.h"
#include "cli/inert.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "cli/submission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_t *scopes_make(const struct texts *scopes)
{
  json_t *list = json_array();
  for (size_t i = 0; i < scopes->count; i++)
    json_array_append_new(list, json_string(scopes->items[i]));
  return list;
}

static void quota_put(json_t *limits, const char *name, const struct quantity *quantity)
{
  if (quantity->given)
    json_object_set_new(limits, name, json_integer((json_int_t)quantity->value));
}

static json_t *creation(const char *name, const struct options *options)
{
  json_t *limits = limits_make(options);
  quota_put(limits, "submissions_per_minute", &options->rate);
  quota_put(limits, "open_evaluations", &options->open);
  json_t *body = json_pack("{s:s, s:o}", "name", name, "limits", limits);
  if (options->scopes.count)
    json_object_set_new(body, "scopes", scopes_make(&options->scopes));
  return body;
}

/* The secret alone on standard output, so that it can go into a file and nowhere else. */
static void print_secret(const json_t *answer)
{
  CLEANUP_FREE char *secret = inert_line(json_text_at(answer, "token"));
  puts(secret);
  fputs("assay: this is shown once; keep it in a file that only its user can read, and name that with --token-file\n",
        stderr);
}

/* A token that is not asked for keeps nobody out. */
static void warn_unless_required(struct session *session)
{
  CLEANUP_JSON json_t *list = 0;
  const struct client_request request = {.method = "GET", .path = "/v1/tokens", .interrupts = -1};
  if (client_call(session->client, &request, &list, 0) && !json_is_true(json_at(list, "required")))
    fputs("assay: the server requires no tokens; start assayd with --auth required\n", stderr);
}

static bool create(struct session *session, const char *name, struct error *error)
{
  CLEANUP_JSON json_t *body = creation(name, session->options);
  CLEANUP_JSON json_t *answer = 0;
  const struct client_request request = {.method = "POST", .path = "/v1/tokens", .body = body, .interrupts = -1};
  if (!client_call(session->client, &request, &answer, error))
    return false;
  if (session->options->json) {
    print_json(answer);
    return true;
  }
  print_secret(answer);
  warn_unless_required(session);
  return true;
}

static char *join(const json_t *texts)
{
  char *joined = xstrdup("");
  for (size_t i = 0; i < json_array_size(texts); i++) {
    CLEANUP_FREE char *before = joined;
    joined = xasprintf("%s%s%s", before, i ? "," : "", json_text_at(json_array_get(texts, i), ""));
  }
  return joined;
}

/* "open_evaluations=4 wall_time_ms=1000" */
static char *show_limits(json_t *limits)
{
  char *shown = xstrdup("");
  const char *name;
  json_t *value;
  json_object_foreach (limits, name, value) {
    CLEANUP_FREE char *before = shown;
    shown = xasprintf("%s%s%s=%lld", before, *before ? " " : "", name, json_integer_value(value));
  }
  return shown;
}

static void print_table(const json_t *tokens)
{
  static const struct column columns[] = {
    {"NAME", COLUMN_LEFT}, {"SCOPES", COLUMN_LEFT}, {"CREATED", COLUMN_LEFT}, {"LIMITS", COLUMN_WRAPPED}};
  struct table *table = table_create(columns, sizeof columns / sizeof *columns, true);
  for (size_t i = 0; i < json_array_size(tokens); i++) {
    const json_t *token = json_array_get(tokens, i);
    CLEANUP_FREE char *scopes = join(json_at(token, "scopes"));
    CLEANUP_FREE char *limits = show_limits(json_object_get(token, "limits"));
    table_row(table,
              (const char *const[]){json_text_at(token, "name"), scopes, json_text_at(token, "created_at"), limits});
  }
  table_print(table);
  table_destroy(table);
}

static bool list(struct session *session, const char *name, struct error *error)
{
  (void)name;
  CLEANUP_JSON json_t *answer = 0;
  const struct client_request request = {.method = "GET", .path = "/v1/tokens", .interrupts = -1};
  if (!client_call(session->client, &request, &answer, error))
    return false;
  if (session->options->json)
    print_json(answer);
  else
    print_table(json_at(answer, "tokens"));
  return true;
}

static bool revoke(struct session *session, const char *name, struct error *error)
{
  CLEANUP_FREE char *encoded = url_encode(name);
  CLEANUP_FREE char *path = xasprintf("/v1/tokens/%s/revoke", encoded);
  CLEANUP_JSON json_t *answer = 0;
  const struct client_request request = {.method = "POST", .path = path, .interrupts = -1};
  if (!client_call(session->client, &request, &answer, error))
    return false;
  if (session->options->json)
    print_json(answer);
  return true;
}

static const struct {
  const char *name;
  bool takes_name;
  bool (*function)(struct session *session, const char *name, struct error *error);
} actions[] = {{"create", true, create}, {"list", false, list}, {"revoke", true, revoke}};

bool command_token(struct session *session, int *ret_status, struct error *error)
{
  const struct texts *operands = &session->options->operands;
  const char *name = operands->count > 1 ? operands->items[1] : 0;
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    if (strcmp(actions[i].name, operands->items[0]) != 0)
      continue;
    if (actions[i].takes_name != (name != 0))
      return error_set(error, ERROR_INVALID, EINVAL, "token %s takes %s", actions[i].name,
                       actions[i].takes_name ? "the name of a token" : "no name");
    *ret_status = 0;
    return session_open_as_owner(session, error) && actions[i].function(session, name, error);
  }
  return error_set(error, ERROR_INVALID, EINVAL, "%s is nothing to do with tokens; there are: create, list, revoke",
                   operands->items[0]);
}
