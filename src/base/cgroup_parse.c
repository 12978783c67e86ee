#include "base/cgroup_parse.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A piece of one of the two texts. */
struct span {
  const char *start;
  size_t length;
};

/* Takes what stands before `separator` off the front of `rest`; all of it where there is no separator. */
static struct span span_take(struct span *rest, char separator)
{
  const char *end = memchr(rest->start, separator, rest->length);
  struct span taken = {rest->start, end ? (size_t)(end - rest->start) : rest->length};
  size_t used = taken.length + (end ? 1 : 0);
  rest->start += used;
  rest->length -= used;
  return taken;
}

static bool span_is(struct span span, const char *text)
{
  return span.length == strlen(text) && !memcmp(span.start, text, span.length);
}

static bool list_contains(struct span list, const char *word)
{
  while (list.length)
    if (span_is(span_take(&list, ','), word))
      return true;
  return false;
}

/* This process's path in one hierarchy: "4:cpu,cpuacct:/path", or "0::/path" for the unified one (controller ""). */
static bool own_path(const char *self_cgroup, const char *controller, struct span *ret)
{
  struct span rest = {self_cgroup, strlen(self_cgroup)};
  while (rest.length) {
    struct span line = span_take(&rest, '\n');
    struct span number = span_take(&line, ':');
    struct span controllers = span_take(&line, ':');
    bool matches = *controller ? list_contains(controllers, controller) : span_is(number, "0") && !controllers.length;
    if (matches && line.length && *line.start == '/') {
      *ret = line;
      return true;
    }
  }
  return false;
}

struct mount {
  struct span root, point, type, super_options;
};

/* "36 35 98:0 /root /point options [optional fields] - type source super_options" */
static bool mount_parse(struct span line, struct mount *ret)
{
  span_take(&line, ' ');
  span_take(&line, ' ');
  span_take(&line, ' ');
  ret->root = span_take(&line, ' ');
  ret->point = span_take(&line, ' ');
  while (line.length && !span_is(span_take(&line, ' '), "-"))
    ;
  ret->type = span_take(&line, ' ');
  span_take(&line, ' ');
  ret->super_options = line;
  return ret->type.length > 0;
}

/* Later mounts cover earlier ones, so the last match stands. */
static bool mount_find(const char *mountinfo, const char *type, const char *controller, struct mount *ret)
{
  bool found = false;
  struct span rest = {mountinfo, strlen(mountinfo)};
  while (rest.length) {
    struct mount mount;
    if (!mount_parse(span_take(&rest, '\n'), &mount) || !span_is(mount.type, type))
      continue;
    if (*controller && !list_contains(mount.super_options, controller))
      continue;
    *ret = mount;
    found = true;
  }
  return found;
}

static bool is_octal(char c)
{
  return c >= '0' && c <= '7';
}

/* mountinfo writes space, tab, newline and backslash as \ooo. False where it does not fit. */
static bool unescape(struct span from, char *to, size_t size)
{
  size_t used = 0;
  for (size_t i = 0; i < from.length; i++) {
    char c = from.start[i];
    const char *digits = from.start + i + 1;
    if (c == '\\' && i + 3 < from.length && is_octal(digits[0]) && is_octal(digits[1]) && is_octal(digits[2])) {
      c = (char)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
      i += 3;
    }
    if (used + 1 >= size)
      return false;
    to[used++] = c;
  }
  to[used] = 0;
  return true;
}

static bool span_starts_with(struct span span, const char *prefix)
{
  size_t length = strlen(prefix);
  return span.length >= length && !memcmp(span.start, prefix, length);
}

/* The part of `path` below the mount's root; false where the mount shows another part of the hierarchy. */
static bool below_root(struct span path, struct span root, struct span *ret)
{
  /* A path or a root above a cgroup namespace's own is shown with "/..": nothing under the mount has that name. */
  if (span_starts_with(path, "/..") || span_starts_with(root, "/.."))
    return false;
  if (span_is(root, "/"))
    *ret = path;
  else if (path.length >= root.length && !memcmp(path.start, root.start, root.length) &&
           (path.length == root.length || path.start[root.length] == '/'))
    *ret = (struct span){path.start + root.length, path.length - root.length};
  else
    return false;
  if (span_is(*ret, "/"))
    ret->length = 0;
  return true;
}

static void own_directory(const char *self_cgroup, const struct mount *mount, const char *controller,
                          char ret[static CGROUP_PATH_SIZE])
{
  struct span path, below;
  char point[CGROUP_PATH_SIZE];
  if (!own_path(self_cgroup, controller, &path) || !below_root(path, mount->root, &below) ||
      !unescape(mount->point, point, sizeof point))
    return;
  if (snprintf(ret, CGROUP_PATH_SIZE, "%s%.*s", point, (int)below.length, below.start) >= CGROUP_PATH_SIZE)
    ret[0] = 0;
}

static void v1_directory(const char *self_cgroup, const char *mountinfo, const char *controller,
                         char ret[static CGROUP_PATH_SIZE])
{
  struct mount mount;
  if (mount_find(mountinfo, "cgroup", controller, &mount))
    own_directory(self_cgroup, &mount, controller, ret);
}

void cgroup_parse(const char *self_cgroup, const char *mountinfo, struct cgroup_places *ret)
{
  *ret = (struct cgroup_places){0};
  struct mount mount;
  if (mount_find(mountinfo, "cgroup2", "", &mount)) {
    own_directory(self_cgroup, &mount, "", ret->v2_own);
    if (!unescape(mount.point, ret->v2_root, sizeof ret->v2_root))
      ret->v2_root[0] = 0;
  }
  v1_directory(self_cgroup, mountinfo, "memory", ret->v1_memory);
  v1_directory(self_cgroup, mountinfo, "pids", ret->v1_pids);
  v1_directory(self_cgroup, mountinfo, "cpuacct", ret->v1_cpuacct);
}
