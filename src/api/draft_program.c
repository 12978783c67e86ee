/* What is to run: runtime, command, code, input, environment. */

#include "api/draft.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void unknown_runtime(struct draft *draft, const struct json_path *path)
{
  enum { NAMES_MAX = 32 };
  const char *names[NAMES_MAX + 1] = {0};
  const struct runtime *runtime;
  for (size_t i = 0, count = 0; (runtime = runtimes_at(draft->rules->runtimes, i)) && count < NAMES_MAX; i++)
    if (!draft->offer || backend_offers_runtime(draft->offer, runtime))
      names[count++] = runtime->name;
  char list[FAULT_MESSAGE_SIZE];
  draft_join(names, sizeof list, list);
  faults_add(draft->faults, path->text, "unknown runtime; available are: %s", list);
}

void draft_runtime(struct draft *draft, const json_t *value, const struct json_path *path)
{
  const char *name = draft_text(draft, value, path);
  if (!name)
    return;
  const struct runtime *runtime = runtimes_find(draft->rules->runtimes, name);
  if (!runtime) {
    unknown_runtime(draft, path);
    return;
  }
  bool needs_host = draft->offer && !draft->offer->takes_images;
  if (needs_host && !runtime->available) {
    const char *missing = runtime->compile ? runtime->compile[0] : runtime->command[0];
    faults_add(draft->faults, path->text, "the runtime %s is not available on this host: there is no %s in %s",
               runtime->name, missing, SANDBOX_PATH);
    return;
  }
  draft->runtime = runtime;
  snprintf(draft->evaluation->runtime, sizeof draft->evaluation->runtime, "%s", runtime->name);
}

static void add_arguments(struct draft *draft, const json_t *values, const struct json_path *path,
                          struct text_list *list)
{
  if (json_array_size(values) > ARGUMENTS_MAX) {
    faults_add(draft->faults, path->text, "more than %d arguments", ARGUMENTS_MAX);
    return;
  }
  for (size_t i = 0; i < json_array_size(values); i++) {
    struct json_path at = json_path_item(path, i);
    const char *text = draft_text(draft, json_array_get(values, i), &at);
    if (text && strlen(text) > ARGUMENT_BYTES_MAX)
      faults_add(draft->faults, at.text, "longer than %llu bytes", ARGUMENT_BYTES_MAX);
    else if (text)
      text_list_add(list, text);
  }
}

void draft_command(struct draft *draft, const json_t *value, const struct json_path *path)
{
  add_arguments(draft, value, path, &draft->command);
  if (!json_array_size(value))
    faults_add(draft->faults, path->text, "is empty: it must name a program");
  else if (draft->command.count && !draft->command.items[0][0])
    faults_add(draft->faults, json_path_item(path, 0).text, "is empty: it must name a program");
}

void draft_args(struct draft *draft, const json_t *value, const struct json_path *path)
{
  add_arguments(draft, value, path, &draft->args);
}

/* An encoding says how to read something else: alone it is a mistake that would otherwise stay unseen. */
static void take_encoding(struct draft *draft, enum submission_field field, enum submission_field of,
                          const struct json_path *path)
{
  if (draft_choice(draft, draft->given[field], path, draft_encodings) < 0)
    draft->given[field] = NULL;
  else if (!draft->given[of])
    faults_add(draft->faults, path->text, "there is nothing that it is the encoding of");
}

void draft_code_encoding(struct draft *draft, const json_t *value, const struct json_path *path)
{
  (void)value;
  take_encoding(draft, FIELD_code_encoding, FIELD_code, path);
}

void draft_stdin_encoding(struct draft *draft, const json_t *value, const struct json_path *path)
{
  (void)value;
  take_encoding(draft, FIELD_stdin_encoding, FIELD_stdin, path);
}

void draft_code(struct draft *draft, const json_t *value, const struct json_path *path)
{
  struct plan_file file = {0};
  if (!draft_content(draft, value, path, draft->given[FIELD_code_encoding], &file.data, &file.size))
    return;
  if (!draft->runtime)
    return;
  file.path = draft->runtime->file;
  draft_add_file(draft, &file);
}

void draft_stdin(struct draft *draft, const json_t *value, const struct json_path *path)
{
  draft_content(draft, value, path, draft->given[FIELD_stdin_encoding], &draft->input, &draft->input_size);
}

static void add_variable(struct draft *draft, const char *name, const json_t *value, const struct json_path *path)
{
  const char *text = draft_text(draft, value, path);
  if (!*name || strchr(name, '='))
    faults_add(draft->faults, path->text, "the name of a variable must not be empty or contain '='");
  else if (text && strlen(name) + 1 + strlen(text) > ARGUMENT_BYTES_MAX)
    faults_add(draft->faults, path->text, "name and value are longer than %llu bytes", ARGUMENT_BYTES_MAX);
  else if (text)
    text_list_take(&draft->environment, xasprintf("%s=%s", name, text));
}

void draft_env(struct draft *draft, const json_t *value, const struct json_path *path)
{
  if (json_object_size(value) > ARGUMENTS_MAX) {
    faults_add(draft->faults, path->text, "more than %d variables", ARGUMENTS_MAX);
    return;
  }
  const char *name;
  json_t *text;
  json_object_foreach ((json_t *)value, name, text) {
    struct json_path at = json_path_member(path, name);
    add_variable(draft, name, text, &at);
  }
}
