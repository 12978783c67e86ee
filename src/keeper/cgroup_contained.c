#include "keeper/cgroup_impl.h"
#include "wire/container.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

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

static void find_fatal_bytes(struct cgroups *groups)
{
  const struct cgroup_rules *memory = groups->rules[CONTROLLER_MEMORY];
  const struct counter kills_all = {"memory.oom.group", 0};
  if (!memory || counter_read(groups->directory[memory->hierarchy], &kills_all) != 1)
    return;
  const struct counter limit = {memory->limit, 0};
  groups->fatal_bytes = counter_read(groups->directory[memory->hierarchy], &limit);
}

void cgroups_open_contained(struct cgroups *ret, const struct cgroup_places *places, const struct limits *limits)
{
  const char *const paths[HIERARCHY_COUNT] = {
    [HIERARCHY_V2] = places->v2_own,
    [HIERARCHY_MEMORY] = places->v1_memory,
    [HIERARCHY_PIDS] = places->v1_pids,
    [HIERARCHY_CPUACCT] = places->v1_cpuacct,
  };
  struct cgroups groups = {.contained = true, .fatal_bytes = UINT64_MAX};
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    groups.directory[i] = paths[i][0] ? open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  for (int i = CGROUP_TABLE_ROWS; i-- > 0;)
    if (row_holds(&cgroup_table[i], groups.directory[cgroup_table[i].hierarchy], limits))
      groups.rules[cgroup_table[i].controller] = &cgroup_table[i];
  find_fatal_bytes(&groups);
  *ret = groups;
}

/* What the keeper itself has used. */
static uint64_t keeper_cpu_us(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void cgroup_contained_begin(struct cgroup *cgroup)
{
  for (int i = 0; i < HIERARCHY_COUNT; i++)
    cgroup->leaf[i] = fcntl(cgroup->groups->directory[i], F_DUPFD_CLOEXEC, 0);
  cgroup->before = cgroup_count(cgroup);
  cgroup->before.cpu_us = cgroup_count_cpu_us(cgroup);
  cgroup->keeper_before_us = keeper_cpu_us();
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory)
    cgroup->memory_before_bytes = counter_read(cgroup_leaf_of(cgroup, memory), &(struct counter){memory->present, 0});
}

static uint64_t difference(uint64_t more, uint64_t less)
{
  return more > less ? more - less : 0;
}

uint64_t cgroup_contained_cpu_us(const struct cgroup *cgroup)
{
  const uint64_t counted_us = difference(cgroup_count_cpu_us(cgroup), cgroup->before.cpu_us);
  return difference(counted_us, difference(keeper_cpu_us(), cgroup->keeper_before_us));
}

/* Files that were read are given back before anything is killed, and do not count. */
uint64_t cgroup_memory_room(const struct cgroup *cgroup)
{
  enum { MARGIN_BYTES = CONTAINER_MEMORY_BYTES / 2 };
  static const char *const reclaimable[] = {"inactive_file", "active_file", "slab_reclaimable"};
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (cgroup->groups->fatal_bytes == UINT64_MAX)
    return UINT64_MAX;
  const int leaf = cgroup_leaf_of(cgroup, memory);
  const uint64_t most = difference(cgroup->groups->fatal_bytes, MARGIN_BYTES);
  uint64_t used = counter_read(leaf, &(struct counter){memory->present, 0});
  const bool looks_close = used >= most;
  for (size_t i = 0; looks_close && i < sizeof reclaimable / sizeof *reclaimable; i++)
    used = difference(used, counter_read(leaf, &(struct counter){"memory.stat", reclaimable[i]}));
  return difference(most, used);
}

/* A peak that is not above the one from before says nothing: what set up the container may have used more for a moment
 * than the program ever did. */
void cgroup_contained_subtract(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
  const struct cgroup_usage *before = &cgroup->before;
  usage->oom_kills = difference(usage->oom_kills, before->oom_kills);
  usage->pids_refused = difference(usage->pids_refused, before->pids_refused);
  usage->memory_peak_bytes = usage->memory_peak_bytes > before->memory_peak_bytes
                               ? difference(usage->memory_peak_bytes, cgroup->memory_before_bytes)
                               : 0;
  usage->processes_peak =
    usage->processes_peak > before->processes_peak ? difference(usage->processes_peak, CONTAINER_PROCESSES) : 0;
}
