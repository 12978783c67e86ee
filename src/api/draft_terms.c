/* On what terms a program runs: limits, network, priority, attempts, labels. */

#include "api/draft.h"

#include "api/json_writer.h"
#include "http/address.h"
#include "http/url.h"

#include <ctype.h>
#include <string.h>

/* One member a limit, LIMIT_NONE's left out. */
enum { LIMIT_MEMBERS = LIMIT_COUNT - 1 };
static const struct member limit_members[LIMIT_MEMBERS] = {
#define X(field, name, standard, least, most) [LIMIT_##name - 1] = {#field, VALUE_INTEGER},
  LIMITS(X)
#undef X
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

void draft_limits(struct draft *draft, const json_t *value, const struct json_path *path)
{
  const json_t *given[LIMIT_MEMBERS] = {0};
  draft_members(draft, value, path, limit_members, LIMIT_MEMBERS, given);
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++) {
    const struct limit_rule *rule = limit_rule(kind);
    struct json_path at = json_path_member(path, rule->name);
    uint64_t most = smaller(rule->most, limit_value(&draft->rules->limits_max, kind));
    int64_t number;
    if (given[kind - 1] && draft_integer(draft, given[kind - 1], &at, (int64_t)rule->least, (int64_t)most, &number))
      limit_set(&draft->evaluation->limits, kind, (uint64_t)number);
  }
}

void draft_on_output_limit(struct draft *draft, const json_t *value, const struct json_path *path)
{
  static const char *const choices[] = {"truncate", "kill", NULL};
  if (draft_choice(draft, value, path, choices) == 1)
    draft->flags |= PLAN_KILL_ON_OUTPUT;
}

void draft_network(struct draft *draft, const json_t *value, const struct json_path *path)
{
  static const char *const choices[] = {"none", NULL};
  draft_choice(draft, value, path, choices);
}

void draft_priority(struct draft *draft, const json_t *value, const struct json_path *path)
{
  int64_t number;
  if (draft_integer(draft, value, path, -SUBMISSION_PRIORITY_MAX, SUBMISSION_PRIORITY_MAX, &number))
    draft->evaluation->priority = (int)number;
}

void draft_max_attempts(struct draft *draft, const json_t *value, const struct json_path *path)
{
  int64_t number;
  if (draft_integer(draft, value, path, 1, SUBMISSION_ATTEMPTS_MAX, &number))
    draft->evaluation->attempts_max = (unsigned)number;
}

/* A filter is written label=key:value or label=key=value, so that a key can hold neither. */
static bool label_key_valid(const char *key)
{
  size_t length = strlen(key);
  for (const char *c = key; *c; c++)
    if (!isalnum((unsigned char)*c) && !strchr("._-/", *c))
      return false;
  return length > 0 && length <= LABEL_KEY_BYTES_MAX;
}

static void add_label(struct draft *draft, const char *key, const json_t *value, const struct json_path *path,
                      struct json_writer *json)
{
  const char *text = draft_text(draft, value, path);
  if (!label_key_valid(key))
    faults_add(draft->faults, path->text, "the name of a label must be 1 to %d letters, digits, '.', '_', '-', '/'",
               LABEL_KEY_BYTES_MAX);
  else if (text && strlen(text) > LABEL_VALUE_BYTES_MAX)
    faults_add(draft->faults, path->text, "longer than %d bytes", LABEL_VALUE_BYTES_MAX);
  else if (text)
    json_write_member_text(json, key, text);
}

void draft_labels(struct draft *draft, const json_t *value, const struct json_path *path)
{
  if (json_object_size(value) > LABELS_MAX) {
    faults_add(draft->faults, path->text, "more than %d labels", LABELS_MAX);
    return;
  }
  CLEANUP_BUFFER struct buffer labels = {0};
  struct json_writer json = {.out = &labels};
  const char *key;
  json_t *text;
  json_write_object_begin(&json);
  json_object_foreach ((json_t *)value, key, text) {
    struct json_path at = json_path_member(path, key);
    add_label(draft, key, text, &at, &json);
  }
  json_write_object_end(&json);
  draft->evaluation->labels = buffer_take(&labels, NULL);
}

void draft_callback_url(struct draft *draft, const json_t *value, const struct json_path *path)
{
  const char *text = draft_text(draft, value, path);
  if (!text)
    return;
  if (strlen(text) > CALLBACK_URL_BYTES_MAX) {
    faults_add(draft->faults, path->text, "longer than %d bytes", CALLBACK_URL_BYTES_MAX);
    return;
  }
  struct error error;
  CLEANUP_FREE char *host = NULL;
  CLEANUP_FREE char *url = http_url_normal(text, &host, &error);
  if (!url)
    faults_add(draft->faults, path->text, "%s", error.message);
  else if (!draft->rules->callbacks_private && !host_may_be_public(host))
    faults_add(draft->faults, path->text, "%s is not public, and this daemon sends nothing to a private network", host);
  else
    draft->evaluation->callback_url = TAKE_PTR(url);
}
