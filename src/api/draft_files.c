/* The files of a submission, and what is wrong with their paths. */

#include "api/draft.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t depth_of(const char *path)
{
  size_t depth = 1;
  for (; *path; path++)
    depth += *path == '/';
  return depth;
}

static bool has_long_component(const char *path)
{
  for (;; path++) {
    size_t span = strcspn(path, "/");
    if (span > PATH_NAME_BYTES_MAX)
      return true;
    path += span;
    if (!*path)
      return false;
  }
}

static bool has_component(const char *path, const char *component)
{
  size_t length = strlen(component);
  for (const char *at = path;; at++) {
    size_t span = strcspn(at, "/");
    if (span == length && !strncmp(at, component, length))
      return true;
    at += span;
    if (!*at)
      return false;
  }
}

/* plan_path_valid() decides; this finds words for it. */
static const char *path_fault(const char *path)
{
  if (plan_path_valid(path))
    return NULL;
  if (!*path)
    return "is empty";
  if (*path == '/')
    return "must be relative to the work directory";
  if (strlen(path) > PATH_BYTES_MAX)
    return "is too long";
  if (has_long_component(path))
    return "has a name of more than 255 bytes";
  if (has_component(path, "..") || has_component(path, "."))
    return "must not contain \".\" or \"..\"";
  if (has_component(path, ""))
    return "must not contain \"//\" or end in \"/\"";
  if (depth_of(path) > PATH_DEPTH_MAX)
    return "has too many directories";
  return "is not a path that a file can have";
}

enum { FILE_PATH, FILE_CONTENT, FILE_ENCODING, FILE_EXECUTABLE, FILE_MEMBERS };
static const struct member file_members[FILE_MEMBERS] = {
  [FILE_PATH] = {"path", VALUE_STRING},
  [FILE_CONTENT] = {"content", VALUE_STRING},
  [FILE_ENCODING] = {"encoding", VALUE_STRING},
  [FILE_EXECUTABLE] = {"executable", VALUE_BOOLEAN},
};

static const char *take_path(struct draft *draft, const json_t *value, const struct json_path *path)
{
  const char *text = draft_text(draft, value, path);
  const char *fault = text ? path_fault(text) : NULL;
  if (fault)
    faults_add(draft->faults, path->text, "%s", fault);
  return fault ? NULL : text;
}

static bool required(struct draft *draft, const json_t *object, const struct json_path *path,
                     const struct member *member)
{
  if (json_object_get(object, member->name))
    return true;
  faults_add(draft->faults, path->text, "needs a %s", member->name);
  return false;
}

static void add_file(struct draft *draft, const json_t *object, const struct json_path *path)
{
  if (!draft_kind(draft, object, VALUE_OBJECT, path))
    return;
  const json_t *given[FILE_MEMBERS] = {0};
  struct json_path at[FILE_MEMBERS];
  for (int i = 0; i < FILE_MEMBERS; i++)
    at[i] = json_path_member(path, file_members[i].name);
  draft_members(draft, object, path, file_members, FILE_MEMBERS, given);
  bool complete = required(draft, object, path, &file_members[FILE_PATH]);
  complete &= required(draft, object, path, &file_members[FILE_CONTENT]);

  struct plan_file file = {.executable = json_is_true(given[FILE_EXECUTABLE])};
  if (given[FILE_PATH])
    file.path = take_path(draft, given[FILE_PATH], &at[FILE_PATH]);
  if (given[FILE_ENCODING] && draft_choice(draft, given[FILE_ENCODING], &at[FILE_ENCODING], draft_encodings) < 0)
    return;
  if (given[FILE_CONTENT])
    complete &=
      draft_content(draft, given[FILE_CONTENT], &at[FILE_CONTENT], given[FILE_ENCODING], &file.data, &file.size);
  if (complete && file.path)
    draft_add_file(draft, &file);
}

/* Orders paths so that whatever lies below a path follows it at once: '/' sorts before every other character. */
static int compare_paths(const void *a, const void *b)
{
  const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;
  while (*x && *x == *y)
    x++, y++;
  int left = *x == '/' ? 1 : *x ? *x + 1 : 0;
  int right = *y == '/' ? 1 : *y ? *y + 1 : 0;
  return left - right;
}

static void check_collisions(struct draft *draft, const struct json_path *path)
{
  CLEANUP_FREE const char **paths = xcalloc(draft->file_count + 1, sizeof *paths);
  for (size_t i = 0; i < draft->file_count; i++)
    paths[i] = draft->files[i].path;
  qsort(paths, draft->file_count, sizeof *paths, compare_paths);
  for (size_t i = 1; i < draft->file_count; i++) {
    size_t length = strlen(paths[i - 1]);
    if (strncmp(paths[i - 1], paths[i], length) != 0)
      continue;
    if (!paths[i][length])
      faults_add(draft->faults, path->text, "%s is there twice", paths[i]);
    else if (paths[i][length] == '/')
      faults_add(draft->faults, path->text, "%s is a file, and %s needs it to be a directory", paths[i - 1], paths[i]);
  }
}

void draft_files(struct draft *draft, const json_t *value, const struct json_path *path)
{
  if (json_array_size(value) > FILES_MAX) {
    faults_add(draft->faults, path->text, "more than %d files", FILES_MAX);
    return;
  }
  draft->file_count = 0; /* with `code` beside it, which is a fault, only the files count */
  for (size_t i = 0; i < json_array_size(value); i++) {
    struct json_path at = json_path_item(path, i);
    add_file(draft, json_array_get(value, i), &at);
  }
  check_collisions(draft, path);
}
