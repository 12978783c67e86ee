#include "backend/native/cleanup.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Evidence is a flat directory; a tree of cgroups has only directories that can be removed. Both are shallow. */
static bool remove_tree(int parent, const char *name, bool with_files, int depth)
{
  CLEANUP_DIR DIR *dir = depth < DEPTH_MAX ? open_directory(parent, name) : 0;
  if (!dir)
    return depth < DEPTH_MAX && errno == ENOENT;
  for (struct dirent *entry; (entry = next_entry(dir));) {
    if (is_directory(dirfd(dir), entry->d_name)) {
      if (!remove_tree(dirfd(dir), entry->d_name, with_files, depth + 1))
        return false;
    } else if (with_files && !gone(unlinkat(dirfd(dir), entry->d_name, 0))) {
      return false;
    }
  }
  return gone(unlinkat(parent, name, AT_REMOVEDIR));
}

static bool remove_cgroup(const struct cgroup_layout *cgroups, const char *leaf)
{
  const char *directories[] = {cgroups->v2, cgroups->v1_memory, cgroups->v1_pids, cgroups->v1_cpuacct};
  bool done = true;
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
    if (!directories[i][0])
      continue;
    CLEANUP_FD int base = open(directories[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    done = (base < 0 ? errno == ENOENT : remove_tree(base, leaf, false, 0)) && done;
  }
  return done;
}

/* The cgroup first: only the evidence says which one it is. */
bool attempt_remove(int evidence_fd, const struct cgroup_layout *cgroups, struct name name)
{
  struct start_marker marker;
  CLEANUP_FD int evidence = openat(evidence_fd, name.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  CLEANUP_BLOB struct blob *start = evidence < 0 ? NULL : file_read(evidence, "start", RECORD_BYTES_MAX, NULL);
  bool known = start && start_marker_decode(start->data, start->size, &marker, NULL) && marker.cgroup[0];
  if (known && !remove_cgroup(cgroups, marker.cgroup))
    return false;
  return remove_tree(evidence_fd, name.text, true, 0);
}

void attempt_list(int evidence_fd, void (*each)(void *context, struct name name), void *context)
{
  CLEANUP_DIR DIR *dir = open_directory(evidence_fd, ".");
  if (!dir)
    return;
  for (struct dirent *entry; (entry = next_entry(dir));) {
    char id[ID_SIZE];
    unsigned attempt;
    if (name_parse(entry->d_name, id, &attempt))
      each(context, name_make(id, attempt));
  }
}
