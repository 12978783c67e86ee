#include "store/state_dir.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_MS_MAX = 2000, LOCK_RETRY_MS = 10 };

static const char *const subdirectories[] = {"evidence", "outputs", "native"};

/* mkdir -p. The path is the operator's own, so links in it are followed. */
static bool make_with_parents(const char *path, struct error *error)
{
  char parent[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof parent)
    return error_set(error, ERROR_INVALID, ENAMETOOLONG, "path of the state directory is too long");
  memcpy(parent, path, length + 1);
  for (char *slash = parent; (slash = strchr(slash + 1, '/'));) {
    *slash = 0;
    if (mkdir(parent, 0700) < 0 && errno != EEXIST)
      return error_errno(error, "cannot make directory %s", parent);
    *slash = '/';
  }
  if (mkdir(path, 0700) < 0 && errno != EEXIST)
    return error_errno(error, "cannot make directory %s", path);
  return true;
}

/* A directory that others may write to could be exchanged under a running daemon, and verdicts with it. */
static bool check_ownership(int directory, const char *path, struct error *error)
{
  struct stat status;
  if (fstat(directory, &status) < 0)
    return error_errno(error, "cannot stat %s", path);
  if (status.st_uid != geteuid())
    return error_set(error, ERROR_FORBIDDEN, EPERM, "%s belongs to uid %u, not to uid %u: give another state directory",
                     path, (unsigned)status.st_uid, (unsigned)geteuid());
  if (status.st_mode & (S_IWGRP | S_IWOTH))
    return error_set(error, ERROR_FORBIDDEN, EPERM,
                     "others may write to %s: chmod 700 it, or give another state directory", path);
  return true;
}

static bool make_subdirectories(int directory, const char *path, struct error *error)
{
  for (size_t i = 0; i < sizeof subdirectories / sizeof *subdirectories; i++)
    if (mkdirat(directory, subdirectories[i], 0700) < 0 && errno != EEXIST)
      return error_errno(error, "cannot make directory %s/%s", path, subdirectories[i]);
  return true;
}

static bool refuse_second(int lock, const char *path, struct error *error)
{
  char pid[24] = "";
  ssize_t length = pread(lock, pid, sizeof pid - 1, 0);
  pid[length > 0 ? length : 0] = 0;
  pid[strcspn(pid, "\n")] = 0;
  return error_set(error, ERROR_CONFLICT, EWOULDBLOCK,
                   "another daemon (pid %s) uses the state directory %s: stop it, or give another state directory",
                   *pid ? pid : "unknown", path);
}

/* What a daemon was just starting when it was killed has its lock too, until execve(2) closes it (flock(2): it belongs to the open
 * file, which fork(2) shares). So one that is held is waited for. */
static bool lock_soon(int lock)
{
  const struct mono deadline = mono_add_ms(mono_now(), LOCK_MS_MAX);
  const struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
  while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK || mono_now().us >= deadline.us)
      return false;
    nanosleep(&pause, 0);
  }
  return true;
}

static bool take_lock(int lock, const char *path, struct error *error)
{
  if (!lock_soon(lock))
    return errno == EWOULDBLOCK ? refuse_second(lock, path, error) : error_errno(error, "cannot lock %s/lock", path);
  char pid[24];
  int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  if (ftruncate(lock, 0) < 0 || pwrite(lock, pid, (size_t)length, 0) != length)
    return error_errno(error, "cannot write %s/lock", path);
  return true;
}

int state_dir_open(const char *path, struct error *error)
{
  if (!make_with_parents(path, error))
    return -1;
  CLEANUP_FD int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return error_errno(error, "cannot open the state directory %s", path), -1;
  if (!check_ownership(directory, path, error))
    return -1;
  CLEANUP_FD int lock = openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock < 0)
    return error_errno(error, "cannot open %s/lock", path), -1;
  if (!take_lock(lock, path, error) || !make_subdirectories(directory, path, error))
    return -1;
  return TAKE_FD(lock);
}
