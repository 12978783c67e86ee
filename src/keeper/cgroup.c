#include "keeper/cgroup.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/number.h"
#include "wire/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
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
  const char *present;          /* what is used now */
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
   {"memory.events", "oom_kill"},
   "memory.current"},
  {CONTROLLER_MEMORY,
   HIERARCHY_MEMORY,
   "memory.limit_in_bytes",
   "memory.memsw.limit_in_bytes",
   true,
   {0, 0},
   0,
   {"memory.max_usage_in_bytes", 0},
   {"memory.oom_control", "oom_kill"},
   "memory.usage_in_bytes"},
  {CONTROLLER_PIDS, HIERARCHY_V2, "pids.max", 0, false, {0, 0}, 0, {"pids.peak", 0}, {"pids.events", "max"}, 0},
  {CONTROLLER_PIDS, HIERARCHY_PIDS, "pids.max", 0, false, {0, 0}, 0, {"pids.peak", 0}, {"pids.events", "max"}, 0},
  /* The unified hierarchy counts CPU time even where its cpu controller belongs to v1. */
  {CONTROLLER_CPU, HIERARCHY_V2, 0, 0, false, {"cpu.stat", "usage_usec"}, 1, {0, 0}, {0, 0}, 0},
  {CONTROLLER_CPU, HIERARCHY_CPUACCT, 0, 0, false, {"cpuacct.usage", 0}, 1000, {0, 0}, {0, 0}, 0},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* False where the counter cannot be had, or says something else than a number, as "max". */
static bool counter_try(int leaf, const struct counter *counter, uint64_t *ret)
{
  CLEANUP_FD int fd = leaf < 0 || !counter->file ? -1 : openat(leaf, counter->file, O_RDONLY | O_CLOEXEC);
  char text[1024];
  ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (size <= 0)
    return false;
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
    return parse_u64(digits, (size_t)(end - digits), UINT64_MAX, ret);
  }
  return false;
}

/* The number of a counter; 0 where it cannot be had. */
static uint64_t counter_read(int leaf, const struct counter *counter)
{
  uint64_t number;
  return counter_try(leaf, counter, &number) ? number : 0;
}

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
  for (size_t i = COUNT(table); i-- > 0;)
    if (row_usable(&table[i], &groups, options))
      groups.rules[table[i].controller] = &table[i];
  *ret = groups;
  return true;
}

/* Whether a file of the container's cgroup limits to no more than `most`. */
static bool is_limited(int directory, const char *file, uint64_t most)
{
  const struct counter limit = {file, 0};
  uint64_t number;
  return counter_try(directory, &limit, &number) && number <= most;
}

/* Without the file there is no swap, or nobody accounts for it. */
static bool is_swap_limited(int directory, const struct cgroup_rules *row, uint64_t memory_bytes)
{
  return faccessat(directory, row->swap, F_OK, 0) < 0 ||
         is_limited(directory, row->swap, row->swap_includes_memory ? memory_bytes : 0);
}

/* As a backend of containers sets the limits: with room for the keeper. */
static bool row_holds(const struct cgroup_rules *row, int directory, const struct limits *limits)
{
  const uint64_t memory_bytes = limits->memory_bytes + CONTAINER_MEMORY_BYTES;
  switch (row->controller) {
  case CONTROLLER_MEMORY:
    return is_limited(directory, row->limit, memory_bytes) && is_swap_limited(directory, row, memory_bytes);
  case CONTROLLER_PIDS:
    return is_limited(directory, row->limit, limits->processes + CONTAINER_PROCESSES);
  default:
    return counter_read(directory, &row->usage) > 0;
  }
}

void cgroups_open_contained(struct cgroups *ret, const struct cgroup_places *places, const struct limits *limits)
{
  const char *const paths[HIERARCHY_COUNT] = {
    [HIERARCHY_V2] = places->v2_own,
    [HIERARCHY_MEMORY] = places->v1_memory,
    [HIERARCHY_PIDS] = places->v1_pids,
    [HIERARCHY_CPUACCT] = places->v1_cpuacct,
  };
  struct cgroups groups = {.contained = true};
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    groups.directory[i] = paths[i][0] ? open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  for (size_t i = COUNT(table); i-- > 0;)
    if (row_holds(&table[i], groups.directory[table[i].hierarchy], limits))
      groups.rules[table[i].controller] = &table[i];
  *ret = groups;
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

static uint64_t difference(uint64_t more, uint64_t less)
{
  return more > less ? more - less : 0;
}

/* What the keeper itself has used, where it is counted in the same cgroup. */
static uint64_t keeper_cpu_us(const struct cgroup *cgroup)
{
  struct rusage usage;
  if (!cgroup->groups->contained || getrusage(RUSAGE_SELF, &usage) < 0)
    return 0;
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t counted_cpu_us(const struct cgroup *cgroup)
{
  const struct cgroup_rules *rules = cgroup->groups->rules[CONTROLLER_CPU];
  uint64_t counted_us = rules ? counter_read(leaf_of(cgroup, rules), &rules->usage) / rules->usage_per_us : 0;
  return difference(counted_us, keeper_cpu_us(cgroup));
}

/* As the counters stand. */
static struct cgroup_usage count(const struct cgroup *cgroup)
{
  struct cgroup_usage usage = {.cpu_us = counted_cpu_us(cgroup)};
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory) {
    usage.memory_peak_bytes = counter_read(leaf_of(cgroup, memory), &memory->peak);
    usage.oom_kills = counter_read(leaf_of(cgroup, memory), &memory->refused);
  }
  const struct cgroup_rules *pids = cgroup->groups->rules[CONTROLLER_PIDS];
  if (pids) {
    usage.processes_peak = counter_read(leaf_of(cgroup, pids), &pids->peak);
    usage.pids_refused = counter_read(leaf_of(cgroup, pids), &pids->refused);
  }
  return usage;
}

/* A peak that is not above the one from before says nothing: what set up the container may have used more for a moment
 * than the program ever did. */
static void subtract_others(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
  const struct cgroup_usage *before = &cgroup->before;
  usage->cpu_us = difference(usage->cpu_us, before->cpu_us);
  usage->oom_kills = difference(usage->oom_kills, before->oom_kills);
  usage->pids_refused = difference(usage->pids_refused, before->pids_refused);
  usage->memory_peak_bytes = usage->memory_peak_bytes > before->memory_peak_bytes
                               ? difference(usage->memory_peak_bytes, cgroup->memory_before_bytes)
                               : 0;
  usage->processes_peak =
    usage->processes_peak > before->processes_peak ? difference(usage->processes_peak, CONTAINER_PROCESSES) : 0;
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

/* The container's cgroup stands for a leaf. */
static void begin_to_count(struct cgroup *cgroup)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    cgroup->leaf[i] = fcntl(cgroup->groups->directory[i], F_DUPFD_CLOEXEC, 0);
  cgroup->before = count(cgroup);
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory)
    cgroup->memory_before_bytes = counter_read(leaf_of(cgroup, memory), &(struct counter){memory->present, 0});
}

bool cgroup_create(struct cgroup *ret, const struct cgroups *groups, struct error *error)
{
  struct cgroup cgroup = CGROUP_NONE;
  cgroup.groups = groups;
  if (groups->contained)
    begin_to_count(&cgroup);
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

void cgroup_measure(const struct cgroup *cgroup, struct cgroup_usage *ret)
{
  struct cgroup_usage usage = count(cgroup);
  if (cgroup->groups->contained)
    subtract_others(cgroup, &usage);
  else if (usage.processes_peak)
    usage.processes_peak--; /* the sandbox's init */
  *ret = usage;
}

uint64_t cgroup_cpu_us(const struct cgroup *cgroup)
{
  return difference(counted_cpu_us(cgroup), cgroup->before.cpu_us);
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
