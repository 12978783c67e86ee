#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/resource.h>
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

/* ENOSYS by the kernel or by a filter that means it well; EPERM by a filter that is older than the call. */
static bool is_unavailable(int code)
{
  return code == ENOSYS || code == EPERM;
}

static unsigned last_descriptor(void)
{
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX ? (unsigned)limit.rlim_cur : INT_MAX;
}

void fd_close_range(unsigned first, unsigned last)
{
  if (close_range(first, last, 0) == 0 || !is_unavailable(errno))
    return;
  const unsigned end = last_descriptor();
  for (unsigned fd = first; fd <= last && fd < end; fd++)
    close((int)fd);
}

void fd_close_on_exec_from(unsigned first)
{
  if (close_range(first, ~0u, CLOSE_RANGE_CLOEXEC) == 0 || !is_unavailable(errno))
    return;
  const unsigned end = last_descriptor();
  for (unsigned fd = first; fd < end; fd++)
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
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

bool fd_read_all_at(int fd, void *data, size_t size, uint64_t offset)
{
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(fd, (char *)data + done, size - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    done += (size_t)got;
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
  CLEANUP_BLOB struct blob *blob = blob_try_create(0, (size_t)status.st_size);
  if (!blob)
    return error_set(error, ERROR_UNAVAILABLE, ENOMEM, "no memory for its %zu bytes", (size_t)status.st_size),
           (struct blob *)0;
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

/* O_PATH | O_NOFOLLOW would open a link itself. */
static int open_component(int directory_fd, const char *name, int flags, mode_t mode)
{
  struct stat status;
  if (!strcmp(name, ".."))
    return -EXDEV;
  int fd = openat(directory_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
  const int failure = errno;
  if (fd >= 0 && flags & O_PATH && fstat(fd, &status) == 0 && S_ISLNK(status.st_mode)) {
    close(fd);
    return -ELOOP;
  }
  if (fd < 0 && fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode) &&
      !(flags & O_EXCL))
    return -ELOOP;
  return fd < 0 ? -failure : fd;
}

static int walk_beneath(int directory_fd, const char *path, int flags, mode_t mode)
{
  char copy[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof copy)
    return -ENAMETOOLONG;
  if (path[0] == '/')
    return -EXDEV;
  memcpy(copy, path, length + 1);
  CLEANUP_FD int parent = -1;
  char *name = copy;
  for (char *slash; (slash = strchr(name, '/')); name = slash + 1) {
    *slash = 0;
    int next = open_component(parent < 0 ? directory_fd : parent, name, O_PATH | O_DIRECTORY, 0);
    if (next < 0)
      return next;
    fd_close(parent);
    parent = next;
  }
  return open_component(parent < 0 ? directory_fd : parent, name, flags, mode);
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
  if (fd < 0 && is_unavailable(errno))
    return walk_beneath(directory_fd, path, flags, mode);
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
