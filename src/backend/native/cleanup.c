#include "backend/native/cleanup.h"

#include "backend/directory.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>

static bool remove_cgroup(const struct cgroup_layout *cgroups, const char *leaf)
{
  const char *directories[] = {cgroups->v2, cgroups->v1_memory, cgroups->v1_pids, cgroups->v1_cpuacct};
  bool done = true;
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
    if (!directories[i][0])
      continue;
    CLEANUP_FD int base = open(directories[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    done = (base < 0 ? errno == ENOENT : directory_remove(base, leaf, DIRECTORY_OF_CGROUPS)) && done;
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
  return directory_remove(evidence_fd, name.text, DIRECTORY_OF_FILES);
}
