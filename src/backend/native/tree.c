#include "backend/native/tree.h"

#include "backend/evidence/evidence_read.h"
#include "base/fd.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* A /proc or cgroup file whole, as far as it fits; the length, or a negative errno. */
static ssize_t read_line_file(const char *path, char *text, size_t size)
{
  CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
  if (got < 0)
    return -errno;
  text[got] = 0;
  return got;
}

/* Field 22 of /proc/PID/stat, start time in clock ticks: with it, a pid names one process for ever (proc(5)). 0; -ESRCH
 * where there is no such process; another negative errno when it cannot be told. */
static int start_ticks(uint64_t pid, uint64_t *ret)
{
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%llu/stat", (unsigned long long)pid);
  ssize_t length = read_line_file(path, text, sizeof text);
  if (length < 0)
    return length == -ENOENT ? -ESRCH : (int)length;
  /* The second field is a name in parentheses that may hold anything, so count behind the last one. */
  char *rest = strrchr(text, ')'), *field = 0;
  if (!rest)
    return -EPROTO;
  rest++;
  strsep(&rest, " ");
  for (int number = 3; number <= 22 && rest; number++)
    field = strsep(&rest, " ");
  return rest && parse_u64_text(field, UINT64_MAX, ret) ? 0 : -EPROTO;
}

/* A pidfd of the process that the marker means; -ESRCH when it is gone; another negative errno when it cannot be told.
 */
static int open_init(const struct start_marker *marker)
{
  if (marker_of_another_boot(marker))
    return -ESRCH;
  CLEANUP_FD int pidfd = pidfd_open((pid_t)marker->init_pid, 0);
  if (pidfd < 0)
    return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: the id of a thread now, so it was used again */
  /* Looked up behind pidfd_open(2): whatever has this pid now had it when the pidfd was made, or is dead. */
  uint64_t ticks = 0;
  int told = start_ticks(marker->init_pid, &ticks);
  if (told < 0)
    return told;
  return ticks == marker->init_start_ticks ? TAKE_FD(pidfd) : -ESRCH;
}

/* The end of a pid namespace's first process is only seen after the kernel has ended all others in it
 * (pid_namespaces(7)), so that its pidfd speaks for the whole tree. */
static enum life init_life(const struct start_marker *marker)
{
  CLEANUP_FD int pidfd = open_init(marker);
  if (pidfd == -ESRCH)
    return LIFE_GONE;
  if (pidfd < 0)
    return LIFE_UNKNOWN;
  struct pollfd ended = {.fd = pidfd, .events = POLLIN};
  int result = poll(&ended, 1, 0);
  return result < 0 ? LIFE_UNKNOWN : result ? LIFE_GONE : LIFE_ALIVE;
}

static enum life cgroup_life(const struct cgroup_layout *cgroups, const char *leaf)
{
  if (!cgroups->v2[0] || !leaf[0])
    return LIFE_GONE; /* nothing speaks for life here */
  char path[1024], text[256];
  snprintf(path, sizeof path, "%s/%s/cgroup.events", cgroups->v2, leaf);
  ssize_t length = read_line_file(path, text, sizeof text);
  if (length == -ENOENT || length == -ENODEV)
    return LIFE_GONE;
  if (length < 0)
    return LIFE_UNKNOWN;
  return strstr(text, "populated 0") ? LIFE_GONE : LIFE_ALIVE;
}

enum life tree_life(const struct cgroup_layout *cgroups, const struct start_marker *marker)
{
  if (!marker || marker_of_another_boot(marker))
    return LIFE_GONE; /* nothing was started, or nothing of it can be left */
  enum life by_init = init_life(marker);
  enum life by_cgroup = cgroup_life(cgroups, marker->cgroup);
  if (by_init == LIFE_ALIVE || by_cgroup == LIFE_ALIVE)
    return LIFE_ALIVE;
  return by_init == LIFE_UNKNOWN || by_cgroup == LIFE_UNKNOWN ? LIFE_UNKNOWN : LIFE_GONE;
}

void tree_kill(const struct cgroup_layout *cgroups, const struct start_marker *marker, int init_pidfd)
{
  char path[1024];
  if (cgroups->v2[0] && marker && marker->cgroup[0]) {
    snprintf(path, sizeof path, "%s/%s/cgroup.kill", cgroups->v2, marker->cgroup);
    (void)file_write_once(AT_FDCWD, path, "1");
  }
  CLEANUP_FD int found = init_pidfd < 0 && marker ? open_init(marker) : -1;
  int pidfd = init_pidfd >= 0 ? init_pidfd : found;
  if (pidfd >= 0)
    (void)pidfd_send_signal(pidfd, SIGKILL, 0, 0);
}
