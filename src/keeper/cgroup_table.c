#include "keeper/cgroup_impl.h"

#include "base/fd.h"
#include "base/number.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const struct cgroup_rules cgroup_table[CGROUP_TABLE_ROWS] = {
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

bool counter_try(int leaf, const struct counter *counter, uint64_t *ret)
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

uint64_t counter_read(int leaf, const struct counter *counter)
{
  uint64_t number;
  return counter_try(leaf, counter, &number) ? number : 0;
}

uint64_t cgroup_count_cpu_us(const struct cgroup *cgroup)
{
  const struct cgroup_rules *rules = cgroup->groups->rules[CONTROLLER_CPU];
  return rules ? counter_read(cgroup_leaf_of(cgroup, rules), &rules->usage) / rules->usage_per_us : 0;
}

struct cgroup_usage cgroup_count(const struct cgroup *cgroup)
{
  struct cgroup_usage usage = {0};
  const struct cgroup_rules *memory = cgroup->groups->rules[CONTROLLER_MEMORY];
  if (memory) {
    usage.memory_peak_bytes = counter_read(cgroup_leaf_of(cgroup, memory), &memory->peak);
    usage.oom_kills = counter_read(cgroup_leaf_of(cgroup, memory), &memory->refused);
  }
  const struct cgroup_rules *pids = cgroup->groups->rules[CONTROLLER_PIDS];
  if (pids) {
    usage.processes_peak = counter_read(cgroup_leaf_of(cgroup, pids), &pids->peak);
    usage.pids_refused = counter_read(cgroup_leaf_of(cgroup, pids), &pids->refused);
  }
  return usage;
}
