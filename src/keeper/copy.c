#include "keeper/copy.h"

#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 << 20, DEPTH_MAX = 6 };

static void copy_entry(int from, int to, const char *name, int depth);

static void copy_file(int from, int to, const char *name)
{
  CLEANUP_FD int source = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  CLEANUP_BLOB struct blob *bytes = source < 0 ? 0 : fd_read_file(source, FILE_BYTES_MAX, 0);
  CLEANUP_FD int target = bytes ? openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
  if (target >= 0 && !fd_write_all(target, bytes->data, bytes->size))
    unlinkat(to, name, 0);
}

static void copy_link(int from, int to, const char *name)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat(from, name, target, sizeof target - 1);
  if (length < 0)
    return;
  target[length] = 0;
  (void)!symlinkat(target, to, name);
}

static void copy_directory(int from, int to, const char *name, int depth)
{
  int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  DIR *directory = source < 0 ? 0 : fdopendir(source);
  if (!directory)
    return fd_close(source);
  (void)!mkdirat(to, name, 0755);
  CLEANUP_FD int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (struct dirent *entry; target >= 0 && (entry = readdir(directory));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      copy_entry(dirfd(directory), target, entry->d_name, depth + 1);
  closedir(directory);
}

static void copy_entry(int from, int to, const char *name, int depth)
{
  struct stat status;
  if (depth > DEPTH_MAX || fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  if (S_ISLNK(status.st_mode))
    copy_link(from, to, name);
  else if (S_ISDIR(status.st_mode) && status.st_mode & S_IROTH)
    copy_directory(from, to, name, depth);
  else if (S_ISREG(status.st_mode) && status.st_mode & S_IROTH)
    copy_file(from, to, name);
}

static bool name_matches(const char *pattern, const char *name)
{
  size_t length = strlen(pattern);
  return pattern[length - 1] == '*' ? !strncmp(pattern, name, length - 1) : !strcmp(pattern, name);
}

void copy_matching(int from, int to, const char *pattern)
{
  int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = source < 0 ? 0 : fdopendir(source);
  if (!directory)
    return fd_close(source);
  for (struct dirent *found; (found = readdir(directory));)
    if (name_matches(pattern, found->d_name))
      copy_entry(from, to, found->d_name, 0);
  closedir(directory);
}
