#include "backend/directory.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Evidence is a flat directory; a tree of cgroups is shallow. */
enum { DEPTH_MAX = 4 };

static void cleanup_dir(DIR **dir)
{
  if (*dir)
    closedir(*dir);
}
#define CLEANUP_DIR __attribute__((cleanup(cleanup_dir)))

static DIR *open_directory(int parent, const char *name)
{
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd < 0 ? 0 : fdopendir(fd);
  if (!dir)
    fd_close(fd);
  return dir;
}

static struct dirent *next_entry(DIR *dir)
{
  struct dirent *entry;
  while ((entry = readdir(dir)))
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      return entry;
  return 0;
}

static bool is_directory(int parent, const char *name)
{
  struct stat status;
  return fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static bool gone(int result)
{
  return result == 0 || errno == ENOENT;
}

static bool remove_tree(int parent, const char *name, enum directory_contents contents, int depth)
{
  CLEANUP_DIR DIR *dir = depth < DEPTH_MAX ? open_directory(parent, name) : 0;
  if (!dir)
    return depth < DEPTH_MAX && errno == ENOENT;
  for (struct dirent *entry; (entry = next_entry(dir));) {
    if (is_directory(dirfd(dir), entry->d_name)) {
      if (!remove_tree(dirfd(dir), entry->d_name, contents, depth + 1))
        return false;
    } else if (contents == DIRECTORY_OF_FILES && !gone(unlinkat(dirfd(dir), entry->d_name, 0))) {
      return false;
    }
  }
  return gone(unlinkat(parent, name, AT_REMOVEDIR));
}

bool directory_remove(int parent, const char *name, enum directory_contents contents)
{
  return remove_tree(parent, name, contents, 0);
}

bool directory_each_attempt(int directory_fd, void (*each)(void *context, struct name name), void *context)
{
  CLEANUP_DIR DIR *dir = open_directory(directory_fd, ".");
  if (!dir)
    return false;
  for (struct dirent *entry; (entry = next_entry(dir));) {
    char id[ID_SIZE];
    unsigned attempt;
    if (name_parse(entry->d_name, id, &attempt))
      each(context, name_make(id, attempt));
  }
  return true;
}
