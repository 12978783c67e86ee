#include "api/faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void faults_add(struct faults *faults, const char *path, const char *format, ...)
{
  if (faults->count++ >= FAULTS_MAX)
    return;
  struct fault_entry *entry = &faults->entry[faults->count - 1];
  snprintf(entry->path, sizeof entry->path, "%s", path);
  va_list args;
  va_start(args, format);
  vsnprintf(entry->message, sizeof entry->message, format, args);
  va_end(args);
}

void faults_encode(const struct faults *faults, struct json_writer *json)
{
  json_write_array_begin(json);
  for (size_t i = 0; i < faults->count && i < FAULTS_MAX; i++) {
    json_write_object_begin(json);
    json_write_member_text(json, "path", faults->entry[i].path);
    json_write_member_text(json, "message", faults->entry[i].message);
    json_write_object_end(json);
  }
  json_write_array_end(json);
}

static bool is_identifier(const char *name)
{
  if (!isalpha((unsigned char)*name) && *name != '_')
    return false;
  while (isalnum((unsigned char)*name) || *name == '_')
    name++;
  return !*name;
}

/* Appends to a copy of `parent`; cut where it is full. */
__attribute__((format(printf, 2, 3))) static struct json_path extend(const struct json_path *parent, const char *format,
                                                                     ...)
{
  struct json_path path = *parent;
  size_t used = strlen(path.text);
  va_list args;
  va_start(args, format);
  vsnprintf(path.text + used, sizeof path.text - used, format, args);
  va_end(args);
  return path;
}

struct json_path json_path_member(const struct json_path *parent, const char *name)
{
  return is_identifier(name) ? extend(parent, ".%s", name) : extend(parent, "[\"%s\"]", name);
}

struct json_path json_path_item(const struct json_path *parent, size_t index)
{
  return extend(parent, "[%zu]", index);
}
