#include "store/reserve.h"

#include "base/limits.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SHARE = 8 }; /* of a disk, at most one in so many bytes */

int reserve_open(const char *state_dir, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/reserve", state_dir);
  int reserve = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (reserve < 0)
    error_errno(error, "cannot open %s", path);
  return reserve;
}

static uint64_t bytes_held(int reserve)
{
  enum { BLOCK_BYTES = 512 }; /* inode(7) */
  struct stat status;
  return fstat(reserve, &status) == 0 ? (uint64_t)status.st_blocks * BLOCK_BYTES : 0;
}

/* fallocate(2) and not posix_fallocate(3), which writes zeros where a file system cannot reserve. */
bool reserve_hold(int reserve)
{
  uint64_t bytes = reserve_share(reserve, RESERVE_BYTES_MAX);
  if (bytes_held(reserve) >= bytes)
    return true;
  if (fallocate(reserve, 0, 0, (off_t)bytes) == 0 || (errno != ENOSPC && errno != EDQUOT))
    return true;
  reserve_give_up(reserve); /* a part of it is no use, and somebody may need it */
  return false;
}

bool reserve_give_up(int reserve)
{
  return bytes_held(reserve) && ftruncate(reserve, 0) == 0;
}

uint64_t reserve_share(int fd, uint64_t bytes_most)
{
  struct statvfs status;
  if (fstatvfs(fd, &status) < 0)
    return 0;
  uint64_t share = (uint64_t)status.f_blocks * status.f_frsize / SHARE;
  return share < bytes_most ? share : bytes_most;
}
