#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void fd_close(int fd)
{
  if (fd < 0)
    return;
  int saved = errno;
  close(fd);
  errno = saved;
}

void cleanup_fd(int *fd)
{
  fd_close(*fd);
}

bool fd_write_all(int fd, const void *data, size_t size)
{
  const char *next = data;
  while (size) {
    ssize_t written = write(fd, next, size);
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return false;
    }
    next += written;
    size -= (size_t)written;
  }
  return true;
}

bool fd_read_all(int fd, void *data, size_t size)
{
  char *next = data;
  while (size) {
    ssize_t got = read(fd, next, size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      if (got == 0)
        errno = 0;
      return false;
    }
    next += got;
    size -= (size_t)got;
  }
  return true;
}

struct blob *fd_read_file(int fd, size_t size_max, struct error *error)
{
  struct stat status;
  if (fstat(fd, &status) < 0)
    return error_errno(error, "cannot stat"), (struct blob *)0;
  if (status.st_size < 0 || (size_t)status.st_size > size_max)
    return error_set(error, ERROR_TOO_LARGE, EFBIG, "larger than %zu bytes", size_max), (struct blob *)0;
  CLEANUP_BLOB struct blob *blob = blob_create(0, (size_t)status.st_size);
  size_t used = 0;
  while (used < blob->size) {
    ssize_t got = pread(fd, blob->data + used, blob->size - used, (off_t)used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_errno(error, "cannot read"), (struct blob *)0;
    if (got == 0)
      break; /* it shrank while it was read */
    used += (size_t)got;
  }
  blob->size = used;
  blob->data[used] = 0;
  return TAKE_PTR(blob);
}

struct blob *file_read(int directory_fd, const char *path, size_t size_max, struct error *error)
{
  CLEANUP_FD int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0)
    return error_errno(error, "cannot open %s", path), (struct blob *)0;
  struct blob *blob = fd_read_file(fd, size_max, error);
  if (!blob)
    error_wrap(error, "%s", path);
  return blob;
}

int file_write_once(int directory_fd, const char *path, const char *text)
{
  CLEANUP_FD int fd = openat(directory_fd, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  size_t size = strlen(text);
  ssize_t written = write(fd, text, size);
  if (written < 0)
    return -errno;
  return (size_t)written == size ? 0 : -EIO;
}

int open_beneath(int directory_fd, const char *path, int flags, mode_t mode)
{
  /* openat2(2) refuses a mode where nothing is created; O_TMPFILE contains O_DIRECTORY, so it must be there whole. */
  bool creates = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
  struct open_how how = {
    .flags = (unsigned)flags | O_CLOEXEC,
    .mode = creates ? mode : 0,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  long fd = syscall(SYS_openat2, directory_fd, path, &how, sizeof how);
  return fd < 0 ? -errno : (int)fd;
}

int mkdir_parents_beneath(int directory_fd, const char *path, mode_t mode)
{
  char parent[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof parent)
    return -ENAMETOOLONG;
  memcpy(parent, path, length + 1);
  CLEANUP_FD int current = open_beneath(directory_fd, ".", O_PATH | O_DIRECTORY, 0);
  if (current < 0)
    return current;
  /* One component at a time, each opened before the next is made, so that no name is ever looked up through a link. */
  for (char *start = parent, *slash; (slash = strchr(start, '/')); start = slash + 1) {
    *slash = 0;
    if (mkdirat(current, start, mode) < 0 && errno != EEXIST)
      return -errno;
    int next = open_beneath(current, start, O_PATH | O_DIRECTORY, 0);
    if (next < 0)
      return next;
    fd_close(current);
    current = next;
  }
  return 0;
}
