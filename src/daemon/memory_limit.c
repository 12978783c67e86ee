#include "daemon/memory_limit.h"

#include "base/cgroup_parse.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/number.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static struct blob *read_text(const char *path)
{
  return file_read(AT_FDCWD, path, MIB(1), NULL);
}

/* The number behind `key` in a cgroup's file; UINT64_MAX where there is none, as "max" is none. */
static uint64_t number_in(const char *directory, const char *file, const char *key)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", directory, file);
  CLEANUP_BLOB struct blob *text = read_text(path);
  const char *found = text ? strstr((const char *)text->data, key) : NULL;
  uint64_t number = UINT64_MAX;
  if (found)
    parse_u64(found + strlen(key), strcspn(found + strlen(key), "\n"), UINT64_MAX, &number);
  return number;
}

static uint64_t of_cgroups(void)
{
  CLEANUP_BLOB struct blob *membership = read_text("/proc/self/cgroup");
  CLEANUP_BLOB struct blob *mounts = read_text("/proc/self/mountinfo");
  struct cgroup_places places;
  if (!membership || !mounts)
    return UINT64_MAX;
  cgroup_parse((const char *)membership->data, (const char *)mounts->data, &places);
  uint64_t limit = UINT64_MAX;
  if (places.v1_memory[0])
    limit = number_in(places.v1_memory, "memory.stat", "hierarchical_memory_limit ");
  while (places.v2_own[0] && strlen(places.v2_own) >= strlen(places.v2_root)) {
    limit = least(limit, number_in(places.v2_own, "memory.max", ""));
    *strrchr(places.v2_own, '/') = 0;
  }
  return limit;
}

static uint64_t of_address_space(void)
{
  struct rlimit limit;
  uint64_t pages;
  if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
    return UINT64_MAX;
  CLEANUP_BLOB struct blob *statm = read_text("/proc/self/statm"); /* proc(5): its first field is the size in pages */
  const char *text = statm ? (const char *)statm->data : "";
  if (!parse_u64(text, strcspn(text, " "), UINT64_MAX / 65536, &pages))
    return limit.rlim_cur;
  uint64_t used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

uint64_t memory_allowed_bytes(void)
{
  uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  return least(machine, least(of_cgroups(), of_address_space()));
}
