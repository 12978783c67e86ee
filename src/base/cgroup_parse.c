#include "base/cgroup_parse.h"

#include "base/mountinfo.h"

#include <stdio.h>
#include <string.h>

/* This process's path in one hierarchy: "4:cpu,cpuacct:/path", or "0::/path" for the unified one (controller ""). */
static bool own_path(const char *self_cgroup, const char *controller, struct span *ret)
{
  struct span rest = {self_cgroup, strlen(self_cgroup)};
  while (rest.length) {
    struct span line = span_take(&rest, '\n');
    struct span number = span_take(&line, ':');
    struct span controllers = span_take(&line, ':');
    bool matches = *controller ? span_lists(controllers, controller) : span_is(number, "0") && !controllers.length;
    if (matches && line.length && *line.start == '/') {
      *ret = line;
      return true;
    }
  }
  return false;
}

/* Later mounts cover earlier ones, so the last match stands. */
static bool mount_find(const char *mountinfo, const char *type, const char *controller, struct mount *ret)
{
  bool found = false;
  struct span rest = {mountinfo, strlen(mountinfo)};
  for (struct mount mount; mountinfo_next(&rest, &mount);) {
    if (!span_is(mount.type, type) || (*controller && !span_lists(mount.super_options, controller)))
      continue;
    *ret = mount;
    found = true;
  }
  return found;
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
      !mountinfo_unescape(mount->point, point, sizeof point))
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
    if (!mountinfo_unescape(mount.point, ret->v2_root, sizeof ret->v2_root))
      ret->v2_root[0] = 0;
  }
  v1_directory(self_cgroup, mountinfo, "memory", ret->v1_memory);
  v1_directory(self_cgroup, mountinfo, "pids", ret->v1_pids);
  v1_directory(self_cgroup, mountinfo, "cpuacct", ret->v1_cpuacct);
  v1_directory(self_cgroup, mountinfo, "cpu", ret->v1_cpu);
}
