#include "api/draft.h"

#include "base/base64.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const draft_encodings[] = {"utf8", "base64", NULL};

void text_list_take(struct text_list *list, char *text)
{
  if (!list->items || (list->count & (list->count - 1)) == 0) /* room for twice as many, and the NULL */
    list->items = xrealloc(list->items, (2 * list->count + 2) * sizeof *list->items);
  list->items[list->count++] = text;
  list->items[list->count] = NULL;
  list->bytes += strlen(text) + 1;
}

void text_list_add(struct text_list *list, const char *text)
{
  text_list_take(list, xstrdup(text));
}

void text_list_release(struct text_list *list)
{
  for (size_t i = 0; i < list->count; i++)
    free(list->items[i]);
  free(list->items);
  *list = (struct text_list){0};
}

static bool is_string(const json_t *value)
{
  return json_is_string(value);
}

static bool is_integer(const json_t *value)
{
  return json_is_integer(value);
}

static bool is_boolean(const json_t *value)
{
  return json_is_boolean(value);
}

static bool is_array(const json_t *value)
{
  return json_is_array(value);
}

static bool is_object(const json_t *value)
{
  return json_is_object(value);
}

static const struct {
  const char *text;
  bool (*is)(const json_t *value);
} kinds[] = {
  [VALUE_STRING] = {"a string", is_string},        [VALUE_INTEGER] = {"an integer", is_integer},
  [VALUE_BOOLEAN] = {"true or false", is_boolean}, [VALUE_ARRAY] = {"an array", is_array},
  [VALUE_OBJECT] = {"an object", is_object},
};

bool draft_kind(struct draft *draft, const json_t *value, enum value_kind kind, const struct json_path *path)
{
  if (kinds[kind].is(value))
    return true;
  faults_add(draft->faults, path->text, "must be %s", kinds[kind].text);
  return false;
}

static const struct member *find_member(const struct member *members, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (!strcmp(members[i].name, name))
      return &members[i];
  return NULL;
}

static void unknown_member(struct draft *draft, const struct json_path *path, const struct member *members,
                           size_t count)
{
  const char *names[FIELD_COUNT + 1] = {0};
  for (size_t i = 0; i < count; i++)
    names[i] = members[i].name;
  char known[FAULT_MESSAGE_SIZE];
  draft_join(names, sizeof known, known);
  faults_add(draft->faults, path->text, "unknown field; known are %s", known);
}

void draft_members(struct draft *draft, const json_t *object, const struct json_path *path,
                   const struct member *members, size_t count, const json_t **ret_given)
{
  const char *name;
  json_t *value;
  json_object_foreach ((json_t *)object, name, value) {
    struct json_path at = json_path_member(path, name);
    const struct member *member = find_member(members, count, name);
    if (!member)
      unknown_member(draft, &at, members, count);
    else if (draft_kind(draft, value, member->kind, &at))
      ret_given[member - members] = value;
  }
}

const char *draft_text(struct draft *draft, const json_t *value, const struct json_path *path)
{
  if (!draft_kind(draft, value, VALUE_STRING, path))
    return NULL;
  const char *text = json_string_value(value);
  if (strlen(text) == json_string_length(value))
    return text;
  faults_add(draft->faults, path->text, "must not contain NUL");
  return NULL;
}

bool draft_integer(struct draft *draft, const json_t *value, const struct json_path *path, int64_t least, int64_t most,
                   int64_t *ret)
{
  int64_t number = json_integer_value(value);
  if (number < least || number > most) {
    faults_add(draft->faults, path->text, "must be between %" PRId64 " and %" PRId64, least, most);
    return false;
  }
  *ret = number;
  return true;
}

int draft_choice(struct draft *draft, const json_t *value, const struct json_path *path, const char *const *choices)
{
  const char *text = draft_text(draft, value, path);
  if (!text)
    return -1;
  for (int i = 0; choices[i]; i++)
    if (!strcmp(choices[i], text))
      return i;
  char list[FAULT_MESSAGE_SIZE];
  draft_join(choices, sizeof list, list);
  faults_add(draft->faults, path->text, "must be one of: %s", list);
  return -1;
}

static bool is_base64(const json_t *encoding)
{
  return encoding && !strcmp(json_string_value(encoding), "base64");
}

bool draft_content(struct draft *draft, const json_t *content, const struct json_path *path, const json_t *encoding,
                   const void **ret_data, size_t *ret_size)
{
  if (!is_base64(encoding)) {
    *ret_data = json_string_value(content);
    *ret_size = json_string_length(content);
    return true;
  }
  CLEANUP_BUFFER struct buffer bytes = {0};
  if (!base64_decode(json_string_value(content), json_string_length(content), &bytes)) {
    faults_add(draft->faults, path->text, "is not base64 (RFC 4648, section 4, with padding)");
    return false;
  }
  char *taken = buffer_take(&bytes, ret_size);
  text_list_take(&draft->decoded, taken);
  *ret_data = taken;
  return true;
}

void draft_add_file(struct draft *draft, const struct plan_file *file)
{
  draft->files = xrealloc(draft->files, (draft->file_count + 1) * sizeof *draft->files);
  draft->files[draft->file_count++] = *file;
}

void draft_join(const char *const *texts, size_t size, char *ret)
{
  size_t used = 0;
  *ret = 0;
  for (; *texts && used < size; texts++) {
    int length = snprintf(ret + used, size - used, "%s%s", used ? ", " : "", *texts);
    used += (size_t)length;
  }
}
