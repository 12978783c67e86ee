#include "keeper/cgroup.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A counter is a file that holds one number, or, where `key` is set, lines of "key number". */
struct counter {
  const char *file, *key;
};

struct cgroup_rules {
  enum controller controller;
  enum hierarchy hierarchy;
  const char *limit, *swap;     /* files that limit; `swap` is absent where swap is not accounted for */
  bool swap_includes_memory;    /* v1 limits memory and swap together, v2 swap alone */
  struct counter usage;         /* CPU time */
  uint64_t usage_per_us;        /* its unit */
  struct counter peak, refused; /* the most that was used; how often the limit bit */
};

/* In order of preference: the first row of a controller whose hierarchy is there is the one. */
static const struct cgroup_rules table[] = {
  {CONTROLLER_MEMORY,
   HIERARCHY_V2,
   "memory.max",
   "memory.swap.max",
   false,
   {0, 0},
   0,
   {"memory.peak", 0},
   {"memory.events", "oom_kill"}},
  {CONTROLLER_MEMORY,
   HIERARCHY_MEMORY,
   "memory.limit_in_bytes",
   "memory.memsw.limit_in_bytes",
   true,
   {0, 0},
   0,
   {"memory.max_usage_in_bytes", 0},
   {"memory.oom_control", "oom_kill"}},
  {CONTROLLER_PIDS, HIERARCHY_V2, "pids.max", 0, false, {0, 0}, 0, {"pids.peak", 0}, {"pids.events", "max"}},
  {CONTROLLER_PIDS, HIERARCHY_PIDS, "pids.max", 0, false, {0, 0}, 0, {"pids.peak", 0}, {"pids.events", "max"}},
  /* The unified hierarchy counts CPU time even where its cpu controller belongs to v1. */
  {CONTROLLER_CPU, HIERARCHY_V2, 0, 0, false, {"cpu.stat", "usage_usec"}, 1, {0, 0}, {0, 0}},
  {CONTROLLER_CPU, HIERARCHY_CPUACCT, 0, 0, false, {"cpuacct.usage", 0}, 1000, {0, 0}, {0, 0}},
};

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
  struct cgroups groups = {.rules = {0}};
  snprintf(groups.slot, sizeof groups.slot, "%s", options->slot);
  for (int i = 0; i < HIERARCHY_COUNT; i++) {
    const char *path = options->directory[i];
    groups.directory[i] = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (path && groups.directory[i] < 0)
      return error_errno(error, "cannot open the cgroup directory %s", path);
  }
  for (size_t i = sizeof table / sizeof *table; i-- > 0;)
    if (row_usable(&table[i], &groups, options))
      groups.rules[table[i].controller] = &table[i];
  *ret = groups;
  return true;
}

static int leaf_of(const struct cgroup *cgroup, const struct cgroup_rules *rules)
{
  return rules ? cgroup->leaf[rules->hierarchy] : -1;
}

static bool leaf_create(int directory, const char *name, int *ret)
{
  if (mkdirat(directory, name, 0755) < 0)
    return false;
  *ret = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *ret >= 0;
}

bool cgroup_create(struct cgroup *ret, const struct cgroups *groups, struct error *error)
{
  struct cgroup cgroup = {groups, "", {-1, -1, -1, -1}};
  snprintf(cgroup.name, sizeof cgroup.name, "%.*s.%llx", SLOT_NAME_MAX, groups->slot,
           (unsigned long long)mono_now().us);
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    if (groups->directory[i] >= 0 && !leaf_create(groups->directory[i], cgroup.name, &cgroup.leaf[i])) {
      error_errno(error, "cannot make a cgroup");
      cgroup_release(&cgroup);
      cgroup_remove(groups, cgroup.name);
      return false;
    }
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
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory && !limit_memory(leaf_of(cgroup, memory), memory, limits->memory_bytes, error))
    return false;
  const struct cgroup_rules *pids = cgroup->groups->rules[CONTROLLER_PIDS];
  if (!pids)
    return true;
  int result = write_number(leaf_of(cgroup, pids), pids->limit, limits->processes + 1); /* and the sandbox's init */
  if (result < 0)
    return errno = -result, error_errno(error, "cannot write %s", pids->limit);
  return true;
}

bool cgroup_open_doors(const struct cgroup *cgroup, struct cgroup_doors *ret, struct error *error)
{
  struct cgroup_doors doors = {{-1, -1, -1, -1}};
  for (int i = HIERARCHY_V2 + 1; i < HIERARCHY_COUNT; i++) {
    if (cgroup->leaf[i] < 0)
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
  return cgroup->leaf[HIERARCHY_V2];
}

/* The number of a counter; 0 where it cannot be had. */
static uint64_t counter_read(int leaf, const struct counter *counter)
{
  if (leaf < 0 || !counter->file)
    return 0;
  CLEANUP_FD int fd = openat(leaf, counter->file, O_RDONLY | O_CLOEXEC);
  char text[1024];
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (size <= 0)
    return 0;
  text[size] = 0;
  size_t key_length = counter->key ? strlen(counter->key) : 0;
  for (char *line = text, *end; *line; line = *end ? end + 1 : end) {
    end = line + strcspn(line, "\n");
    const char *digits = line;
    if (key_length) {
      if (strncmp(line, counter->key, key_length) || line[key_length] != ' ')
        continue;
      digits = line + key_length + 1;
    }
    uint64_t number;
    return parse_u64(digits, (size_t)(end - digits), UINT64_MAX, &number) ? number : 0;
  }
  return 0;
}

uint64_t cgroup_cpu_us(const struct cgroup *cgroup)
{
  const struct cgroup_rules *rules = cgroup->groups->rules[CONTROLLER_CPU];
  return rules ? counter_read(leaf_of(cgroup, rules), &rules->usage) / rules->usage_per_us : 0;
}

void cgroup_measure(const struct cgroup *cgroup, struct cgroup_usage *ret)
{
  struct cgroup_usage usage = {.cpu_us = cgroup_cpu_us(cgroup)};
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory) {
    usage.memory_peak_bytes = counter_read(leaf_of(cgroup, memory), &memory->peak);
    usage.oom_kills = counter_read(leaf_of(cgroup, memory), &memory->refused);
  }
  const struct cgroup_rules *pids = cgroup->groups->rules[CONTROLLER_PIDS];
  if (pids) {
    uint64_t peak = counter_read(leaf_of(cgroup, pids), &pids->peak);
    usage.processes_peak = peak ? peak - 1 : 0; /* without the sandbox's init */
    usage.pids_refused = counter_read(leaf_of(cgroup, pids), &pids->refused);
  }
  *ret = usage;
}

void cgroup_kill(const struct cgroup *cgroup)
{
  if (cgroup->leaf[HIERARCHY_V2] >= 0)
    file_write_once(cgroup->leaf[HIERARCHY_V2], "cgroup.kill", "1"); /* since Linux 5.14 */
}

bool cgroup_is_empty(const struct cgroup *cgroup)
{
  static const struct counter populated = {"cgroup.events", "populated"};
  return counter_read(cgroup->leaf[HIERARCHY_V2], &populated) == 0;
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
