#include "keeper/cgroup_impl.h"

#include "base/clock.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool row_usable(const struct cgroup_rules *row, const struct cgroups *groups,
                       const struct cgroup_options *options)
{
  if (groups->directory[row->hierarchy] < 0)
    return false;
  if (row->hierarchy != HIERARCHY_V2)
    return true;
  return row->controller == CONTROLLER_MEMORY ? options->v2_memory
         : row->controller == CONTROLLER_PIDS ? options->v2_pids
                                              : true;
}

bool cgroups_open(struct cgroups *ret, const struct cgroup_options *options, struct error *error)
{
  struct cgroups groups = {.rules = {0}, .fatal_bytes = UINT64_MAX};
  snprintf(groups.slot, sizeof groups.slot, "%s", options->slot);
  for (int i = 0; i < HIERARCHY_COUNT; i++) {
    const char *path = options->directory[i];
    groups.directory[i] = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (path && groups.directory[i] < 0)
      return error_errno(error, "cannot open the cgroup directory %s", path);
  }
  for (int i = CGROUP_TABLE_ROWS; i-- > 0;)
    if (row_usable(&cgroup_table[i], &groups, options))
      groups.rules[cgroup_table[i].controller] = &cgroup_table[i];
  *ret = groups;
  return true;
}

static bool leaf_create(int directory, const char *name, int *ret)
{
  if (mkdirat(directory, name, 0755) < 0)
    return false;
  *ret = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *ret >= 0;
}

static bool make_leaves(struct cgroup *cgroup, struct error *error)
{
  const struct cgroups *groups = cgroup->groups;
  snprintf(cgroup->name, sizeof cgroup->name, "%.*s.%llx", SLOT_NAME_MAX, groups->slot,
           (unsigned long long)mono_now().us);
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    if (groups->directory[i] >= 0 && !leaf_create(groups->directory[i], cgroup->name, &cgroup->leaf[i])) {
      error_errno(error, "cannot make a cgroup");
      cgroup_release(cgroup);
      cgroup_remove(groups, cgroup->name);
      return false;
    }
  return true;
}

bool cgroup_create(struct cgroup *ret, const struct cgroups *groups, struct error *error)
{
  struct cgroup cgroup = CGROUP_NONE;
  cgroup.groups = groups;
  if (groups->contained)
    cgroup_contained_begin(&cgroup);
  else if (!make_leaves(&cgroup, error))
    return false;
  *ret = cgroup;
  return true;
}

static bool is_leaf_of(const struct cgroups *groups, const char *name)
{
  size_t length = strlen(groups->slot);
  return !strncmp(name, groups->slot, length) && name[length] == '.';
}

/* What ran in it was killed, by us or with the earlier keeper, and is gone in a moment. One that stays busy stays. */
static void remove_dying(int directory, const char *name)
{
  const struct timespec pause = {.tv_nsec = 5000000};
  for (int tries = 0; tries < 200 && unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno == EBUSY; tries++)
    nanosleep(&pause, NULL);
}

void cgroups_sweep(const struct cgroups *groups)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++) {
    int fd = groups->directory[i] < 0 ? -1 : openat(groups->directory[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? 0 : fdopendir(fd);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
      if (!is_leaf_of(groups, entry->d_name))
        continue;
      CLEANUP_FD int leaf = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      file_write_once(leaf, "cgroup.kill", "1");
      remove_dying(fd, entry->d_name);
    }
    if (directory)
      closedir(directory);
    else
      fd_close(fd);
  }
}

void cgroup_release(struct cgroup *cgroup)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++) {
    fd_close(cgroup->leaf[i]);
    cgroup->leaf[i] = -1;
  }
}

static int write_number(int leaf, const char *file, uint64_t number)
{
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  return file_write_once(leaf, file, text);
}

static bool limit_memory(int leaf, const struct cgroup_rules *rules, uint64_t bytes, struct error *error)
{
  int result = write_number(leaf, rules->limit, bytes);
  if (result < 0)
    return errno = -result, error_errno(error, "cannot write %s", rules->limit);
  result = write_number(leaf, rules->swap, rules->swap_includes_memory ? bytes : 0);
  if (result < 0 && result != -ENOENT) /* a kernel without swap, or that does not account for it, has no such file */
    return errno = -result, error_errno(error, "cannot write %s", rules->swap);
  return true;
}

bool cgroup_limit(struct cgroup *cgroup, const struct limits *limits, struct error *error)
{
  if (cgroup->groups->contained) /* done by whoever made the container */
    return true;
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory && !limit_memory(cgroup_leaf_of(cgroup, memory), memory, limits->memory_bytes, error))
    return false;
  const struct cgroup_rules *pids = cgroup->groups->rules[CONTROLLER_PIDS];
  if (!pids)
    return true;
  int result =
    write_number(cgroup_leaf_of(cgroup, pids), pids->limit, limits->processes + 1); /* and the sandbox's init */
  if (result < 0)
    return errno = -result, error_errno(error, "cannot write %s", pids->limit);
  return true;
}

bool cgroup_open_doors(const struct cgroup *cgroup, struct cgroup_doors *ret, struct error *error)
{
  struct cgroup_doors doors = {{-1, -1, -1, -1}};
  for (int i = HIERARCHY_V2 + 1; i < HIERARCHY_COUNT; i++) {
    if (cgroup->leaf[i] < 0 || cgroup->groups->contained)
      continue;
    doors.tasks[i] = openat(cgroup->leaf[i], "tasks", O_WRONLY | O_CLOEXEC);
    if (doors.tasks[i] < 0) {
      error_errno(error, "cannot open the tasks of a cgroup");
      cgroup_close_doors(&doors);
      return false;
    }
  }
  *ret = doors;
  return true;
}

void cgroup_close_doors(struct cgroup_doors *doors)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    fd_close(TAKE_FD(doors->tasks[i]));
}

int cgroup_enter(const struct cgroup_doors *doors)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    if (doors->tasks[i] >= 0 && write(doors->tasks[i], "0", 1) != 1)
      return -errno;
  return 0;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
  return cgroup->groups->contained ? -1 : cgroup->leaf[HIERARCHY_V2];
}

uint64_t cgroup_cpu_us(const struct cgroup *cgroup)
{
  return cgroup->groups->contained ? cgroup_contained_cpu_us(cgroup) : cgroup_count_cpu_us(cgroup);
}

void cgroup_measure(const struct cgroup *cgroup, struct cgroup_usage *ret)
{
  struct cgroup_usage usage = cgroup_count(cgroup);
  usage.cpu_us = cgroup_cpu_us(cgroup);
  if (cgroup->groups->contained)
    cgroup_contained_subtract(cgroup, &usage);
  else if (usage.processes_peak)
    usage.processes_peak--; /* the sandbox's init */
  *ret = usage;
}

void cgroup_kill(const struct cgroup *cgroup)
{
  if (cgroups_kill_whole(cgroup->groups))
    file_write_once(cgroup->leaf[HIERARCHY_V2], "cgroup.kill", "1"); /* since Linux 5.14 */
}

bool cgroup_is_empty(const struct cgroup *cgroup)
{
  static const struct counter populated = {"cgroup.events", "populated"};
  return !cgroups_kill_whole(cgroup->groups) || counter_read(cgroup->leaf[HIERARCHY_V2], &populated) == 0;
}

bool cgroup_remove(const struct cgroups *groups, const char *name)
{
  bool removed = true;
  if (!name[0])
    return true;
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    if (groups->directory[i] >= 0 && unlinkat(groups->directory[i], name, AT_REMOVEDIR) < 0 && errno != ENOENT)
      removed = false;
  return removed;
}
