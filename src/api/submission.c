#include "api/submission.h"

#include "api/draft.h"
#include "base/json_bounds.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct member field_members[FIELD_COUNT] = {
#define X(field, kind, text) [FIELD_##field] = {#field, VALUE_##kind},
  SUBMISSION_FIELDS(X)
#undef X
};

static void (*const field_functions[FIELD_COUNT])(struct draft *, const json_t *, const struct json_path *) = {
#define X(field, kind, text) [FIELD_##field] = draft_##field,
  SUBMISSION_FIELDS(X)
#undef X
};

static void draft_release(struct draft *draft)
{
  evaluation_destroy(draft->evaluation);
  text_list_release(&draft->command);
  text_list_release(&draft->args);
  text_list_release(&draft->environment);
  text_list_release(&draft->decoded);
  free(draft->files);
}

static json_t *parse(const void *body, size_t size, struct faults *faults)
{
  struct error bounds;
  if (!size) {
    faults_add(faults, "$", "the body is empty; it must be a JSON object");
    return NULL;
  }
  if (!json_bounds_check(body, size, &bounds)) {
    faults_add(faults, "$", "%s", bounds.message);
    return NULL;
  }
  json_error_t error;
  /* NUL is allowed here because a file may hold it; where it may not be, draft_text() says so with the path. */
  json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (!root)
    faults_add(faults, "$", "not valid JSON: line %d, column %d: %s", error.line, error.column, error.text);
  return root;
}

/* Limits that the client leaves out. An operator who lowers the most lowers the default with it. */
static struct limits standard_limits(const struct submission_rules *rules)
{
  struct limits limits = rules->limits_default;
  limits_lower(&limits, &rules->limits_max);
  return limits;
}

static void take_fields(struct draft *draft, const json_t *root)
{
  struct json_path path = JSON_PATH_ROOT;
  if (!draft_kind(draft, root, VALUE_OBJECT, &path))
    return;
  draft_members(draft, root, &path, field_members, FIELD_COUNT, draft->given);
  if (!json_object_get(root, "backend"))
    draft->offer = &draft->rules->backends[0];
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    struct json_path at = json_path_member(&path, field_members[i].name);
    if (draft->given[i])
      field_functions[i](draft, draft->given[i], &at);
  }
}

static bool has_file(const struct draft *draft, const char *path)
{
  for (size_t i = 0; i < draft->file_count; i++)
    if (!strcmp(draft->files[i].path, path))
      return true;
  return false;
}

/* What must hold between fields; `has_…` also counts a field that was given wrongly, so that no fault begets another.
 */
static void check_together(struct draft *draft, const json_t *root)
{
  bool has_runtime = json_object_get(root, "runtime"), has_command = json_object_get(root, "command");
  bool has_code = json_object_get(root, "code"), has_files = json_object_get(root, "files");
  struct faults *faults = draft->faults;
  if (has_runtime && has_command)
    faults_add(faults, "$.command", "give either a runtime or a command, not both");
  if (!has_runtime && !has_command)
    faults_add(faults, "$", "a runtime or a command is needed");
  if (has_code && has_files)
    faults_add(faults, "$.code", "give either code or files, not both");
  if (has_code && has_command && !has_runtime)
    faults_add(faults, "$.code", "code needs a runtime; with a command, send files");
  if (has_runtime && !has_code && !has_files)
    faults_add(faults, "$", "a runtime needs code, or files");
  if (!json_object_get(root, "image"))
    draft_choose_image(draft, has_command);
  if (draft->runtime && draft->given[FIELD_files] && !has_code && !has_file(draft, draft->runtime->file))
    faults_add(faults, "$.files", "%s is missing: it is what the runtime %s runs", draft->runtime->file,
               draft->runtime->name);
}

static size_t list_bytes(const char *const *list)
{
  size_t bytes = 0;
  for (; list && *list; list++)
    bytes += strlen(*list) + 1;
  return bytes;
}

/* The whole command: of the runtime or the client, and then the client's arguments. */
static void complete_command(struct draft *draft)
{
  for (const char *const *word = draft->runtime ? draft->runtime->command : NULL; word && *word; word++)
    text_list_add(&draft->command, *word);
  for (size_t i = 0; i < draft->args.count; i++)
    text_list_add(&draft->command, draft->args.items[i]);
  if (draft->command.count > ARGUMENTS_MAX)
    faults_add(draft->faults, "$.args", "more than %d arguments with those of the command", ARGUMENTS_MAX);
  size_t compile_bytes = draft->runtime ? list_bytes(draft->runtime->compile) : 0;
  if (draft->command.bytes + compile_bytes + draft->environment.bytes > ARGUMENTS_BYTES_MAX)
    faults_add(draft->faults, "$", "arguments and environment together take more than %llu bytes", ARGUMENTS_BYTES_MAX);
}

static struct blob *make_plan(const struct draft *draft)
{
  char *nothing[] = {NULL};
  struct plan plan = {
    .compile = draft->runtime ? (char **)draft->runtime->compile : NULL,
    .command = draft->command.items,
    .environment = draft->environment.items ? draft->environment.items : nothing,
    .files = draft->files,
    .file_count = draft->file_count,
    .input = draft->input,
    .input_size = draft->input_size,
    .limits = draft->evaluation->limits,
    .flags = draft->flags,
    .image = draft->image,
  };
  return plan_encode(&plan);
}

static void draft_prepare(struct draft *draft)
{
  draft->evaluation = evaluation_create();
  draft->evaluation->limits = standard_limits(draft->rules);
}

struct evaluation *submission_decode_json(const struct submission_rules *rules, const json_t *root,
                                          struct faults *faults)
{
  struct draft draft = {.rules = rules, .faults = faults};
  draft_prepare(&draft);
  take_fields(&draft, root);
  if (json_is_object(root))
    check_together(&draft, root);
  if (!faults->count)
    complete_command(&draft);
  if (!faults->count) {
    draft.evaluation->plan = make_plan(&draft);
    draft.evaluation->image = xstrdup(draft.image);
    snprintf(draft.evaluation->backend, sizeof draft.evaluation->backend, "%s", draft.offer->name);
    if (!draft.evaluation->labels)
      draft.evaluation->labels = xstrdup("{}");
  }
  struct evaluation *evaluation = faults->count ? NULL : TAKE_PTR(draft.evaluation);
  draft_release(&draft);
  return evaluation;
}

struct evaluation *submission_decode(const struct submission_rules *rules, const void *body, size_t size,
                                     struct faults *faults)
{
  json_t *root = parse(body, size, faults);
  struct evaluation *evaluation = root ? submission_decode_json(rules, root, faults) : NULL;
  json_decref(root);
  return evaluation;
}
