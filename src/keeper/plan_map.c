#include "keeper/plan_map.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

bool plan_map_open(struct plan_map *ret, int file, struct error *error)
{
  struct plan_map map = {0};
  struct stat status;
  if (fstat(file, &status) < 0)
    return error_errno(error, "cannot read the plan");
  if (status.st_size <= 0 || (uint64_t)status.st_size > PLAN_BYTES_MAX)
    return error_set(error, ERROR_INVALID, EINVAL, "a plan of %lld bytes", (long long)status.st_size);
  map.size = (size_t)status.st_size;
  map.bytes = mmap(0, map.size, PROT_READ, MAP_PRIVATE, file, 0);
  if (map.bytes == MAP_FAILED)
    return error_errno(error, "cannot map the plan");
  if (!plan_decode(map.bytes, map.size, &map.plan, error)) {
    munmap(map.bytes, map.size);
    return false;
  }
  *ret = map;
  return true;
}

void plan_map_release(struct plan_map *map)
{
  plan_release(&map->plan);
  if (map->bytes)
    munmap(map->bytes, map->size);
  *map = (struct plan_map){0};
}
