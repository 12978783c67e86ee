/*
 * What this process may do with cgroups, found out by doing it.
 *
 * Permissions, delegation, read-only mounts, cgroup namespaces and the "no internal processes" rule (cgroups(7)) decide
 * together whether a limit can be set, and no file tells in advance. So the directory is made, the controllers are
 * enabled, and a child process is moved into a probe below it and killed there. What fails is left out and explained.
 */

#include "backend/native/native.h"
#include "base/cgroup_parse.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROBE_MS_MAX = 1000 };
#define SYSTEM_FILE_BYTES_MAX KIB(4)

/* /proc and cgroup files have no size, so that file_read() cannot read them. */
static char *read_text(const char *path)
{
  CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  CLEANUP_BUFFER struct buffer text = {0};
  for (;;) {
    buffer_reserve(&text, SYSTEM_FILE_BYTES_MAX);
    ssize_t got = read(fd, text.data + text.size, SYSTEM_FILE_BYTES_MAX);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 || text.size > MIB(4))
      return 0;
    if (got == 0)
      return buffer_take(&text, 0);
    text.size += (size_t)got;
  }
}

static bool path_make(char path[static CGROUP_PATH_SIZE], const char *directory, const char *name)
{
  return (size_t)snprintf(path, CGROUP_PATH_SIZE, "%s/%s", directory, name) < CGROUP_PATH_SIZE;
}

static int write_in(const char *directory, const char *file, const char *text)
{
  char path[CGROUP_PATH_SIZE];
  return path_make(path, directory, file) ? file_write_once(AT_FDCWD, path, text) : -ENAMETOOLONG;
}

static bool exists_in(const char *directory, const char *file)
{
  char path[CGROUP_PATH_SIZE];
  return path_make(path, directory, file) && access(path, F_OK) == 0;
}

static bool lists_word(const char *directory, const char *file, const char *word)
{
  char path[CGROUP_PATH_SIZE];
  CLEANUP_FREE char *text = path_make(path, directory, file) ? read_text(path) : 0;
  char *rest = text;
  for (char *found; rest && (found = strsep(&rest, " \n"));)
    if (!strcmp(found, word))
      return true;
  return false;
}

/* The probe: a child that only waits to be killed. */

static pid_t probe_child(void)
{
  pid_t parent = getpid(), child = fork();
  if (child != 0)
    return child;
  /* Only async-signal-safe calls here: the store's thread may hold any lock. Never outlives its parent for long. */
  for (int i = 0; i < PROBE_MS_MAX && getppid() == parent; i++)
    poll(0, 0, 10);
  _exit(0);
}

static bool died_within(pid_t child, int ms)
{
  CLEANUP_FD int pidfd = pidfd_open(child, 0);
  struct pollfd ready = {.fd = pidfd, .events = POLLIN};
  return pidfd >= 0 && poll(&ready, 1, ms) == 1;
}

/* rmdir(2) of a cgroup is refused for a moment after its last process has died. */
static void remove_probe(const char *probe)
{
  for (int i = 0; i < 50 && rmdir(probe) < 0 && errno == EBUSY; i++)
    poll(0, 0, 2);
}

/* Whether a process can be moved below `base`; and killed by its cgroup, where `ret_kill` is given. Negative errno. */
static int probe(const char *base, bool *ret_kill)
{
  char path[CGROUP_PATH_SIZE], pid[16];
  if (!path_make(path, base, "probe"))
    return -ENAMETOOLONG;
  if (mkdir(path, 0755) < 0 && errno != EEXIST)
    return -errno;
  pid_t child = probe_child();
  if (child < 0) {
    int saved = errno;
    remove_probe(path);
    return -saved;
  }
  snprintf(pid, sizeof pid, "%d", (int)child);
  int result = write_in(path, "cgroup.procs", pid);
  if (result == 0 && ret_kill)
    *ret_kill = write_in(path, "cgroup.kill", "1") == 0 && died_within(child, PROBE_MS_MAX);
  kill(child, SIGKILL);
  waitpid(child, 0, 0);
  remove_probe(path);
  return result;
}

/* Version 1: each controller that serves has a directory of its own. */

static int try_v1(const char *own, const char *instance, const char *needed_file, int otherwise, char ret[static 512])
{
  char base[CGROUP_PATH_SIZE];
  if (!own[0])
    return otherwise;
  if (!path_make(base, own, instance))
    return -ENAMETOOLONG;
  if (mkdir(base, 0755) < 0 && errno != EEXIST)
    return -errno;
  int result = exists_in(base, needed_file) ? probe(base, 0) : -ENOENT;
  if (result < 0) {
    rmdir(base);
    return result;
  }
  snprintf(ret, 512, "%s", base);
  return 0;
}

/* Version 2. */

static bool holds_only_us(const char *cgroup)
{
  char path[CGROUP_PATH_SIZE];
  CLEANUP_FREE char *text = path_make(path, cgroup, "cgroup.procs") ? read_text(path) : 0;
  return text && strtol(text, 0, 10) == getpid() && strchr(text, '\n') == strrchr(text, '\n');
}

/* Processes may only be in the leaves of a tree that hands on controllers (cgroups(7), "no internal processes"). */
static int step_aside(const char *cgroup)
{
  char leaf[CGROUP_PATH_SIZE];
  if (!path_make(leaf, cgroup, "daemon"))
    return -ENAMETOOLONG;
  if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
    return -errno;
  return write_in(leaf, "cgroup.procs", "0");
}

static bool hand_on(const char *cgroup, const char *controller)
{
  char request[32];
  if (lists_word(cgroup, "cgroup.subtree_control", controller))
    return true;
  snprintf(request, sizeof request, "+%s", controller);
  int result = write_in(cgroup, "cgroup.subtree_control", request);
  if (result == -EBUSY && holds_only_us(cgroup) && step_aside(cgroup) == 0)
    result = write_in(cgroup, "cgroup.subtree_control", request);
  return result == 0;
}

/* To the base and, through it, to the cgroups of the evaluations. */
static bool offers(const char *parent, const char *base, const char *controller)
{
  return lists_word(parent, "cgroup.controllers", controller) && hand_on(parent, controller) &&
         hand_on(base, controller);
}

static int try_v2(const char *parent, const char *instance, struct cgroup_layout *ret)
{
  char base[CGROUP_PATH_SIZE];
  if (!parent[0])
    return -ENOENT;
  if (!path_make(base, parent, instance))
    return -ENAMETOOLONG;
  if (mkdir(base, 0755) < 0 && errno != EEXIST)
    return -errno;
  bool memory = offers(parent, base, "memory"), pids = offers(parent, base, "pids"), can_kill = false;
  /* cpu.stat tells the CPU time without it; with it, evaluations share the processors fairly among each other. */
  (void)offers(parent, base, "cpu");
  int result = probe(base, &can_kill);
  if (result < 0) {
    rmdir(base);
    return result;
  }
  snprintf(ret->v2, sizeof ret->v2, "%s", base);
  ret->v2_memory = memory;
  ret->v2_pids = pids;
  ret->v2_kill = can_kill;
  return 0;
}

/* A daemon that stepped aside, or that systemd put there (DelegateSubgroup=daemon), stands one below its own ground. */
static void strip_leaf(char *cgroup)
{
  char *slash = strrchr(cgroup, '/');
  if (slash && slash != cgroup && !strcmp(slash, "/daemon"))
    *slash = 0;
}

static unsigned worth_of(const struct cgroup_layout *layout)
{
  return layout->v2[0] ? 1u + layout->v2_memory + layout->v2_pids : 0;
}

/* In the order in which they are tried. */
enum { PLACE_WANTED, PLACE_OWN, PLACE_ROOT, PLACE_COUNT };

/*
 * The place that the operator wants; else the own cgroup, as a polite guest; else the root of the hierarchy, where the
 * own one cannot hand on controllers, as in a login session whose cgroup holds other processes too. The first that can
 * do everything, or the one that can do most.
 */
static int detect_v2(const struct cgroup_places *places, const char *wanted, const char *instance,
                     struct cgroup_layout *ret)
{
  char parent[PLACE_COUNT][CGROUP_PATH_SIZE] = {{0}};
  if (wanted && places->v2_root[0] && !path_make(parent[PLACE_WANTED], places->v2_root, wanted))
    return -ENAMETOOLONG;
  memcpy(parent[PLACE_OWN], places->v2_own, sizeof parent[PLACE_OWN]);
  strip_leaf(parent[PLACE_OWN]);
  if (strcmp(parent[PLACE_OWN], places->v2_root) != 0)
    memcpy(parent[PLACE_ROOT], places->v2_root, sizeof parent[PLACE_ROOT]);

  int failure = -ENOENT;
  for (int i = 0; i < PLACE_COUNT && worth_of(ret) < 3; i++) {
    struct cgroup_layout found = {0};
    int result = try_v2(parent[i], instance, &found);
    if (result < 0 && i == PLACE_OWN)
      failure = result;
    bool better = worth_of(&found) > worth_of(ret);
    const char *left = better ? ret->v2 : found.v2;
    if (left[0])
      rmdir(left);
    if (better)
      *ret = found;
  }
  return ret->v2[0] ? 0 : failure;
}

/* What is missing, and what would help. */

struct attempts {
  int v2, memory, pids, cpuacct; /* 0, or the negative errno that stood in the way */
};

static const char *obstacle(int result)
{
  switch (result) {
  case -ENOENT:
    return "the host has no such cgroup controller mounted here";
  case -EACCES:
  case -EPERM:
    return "this user may not make cgroups here";
  case -EROFS:
    return "the cgroup file system is mounted read-only";
  case -ENOSYS:
    return "the kernel has no cgroup.kill";
  default:
    return strerror(-result);
  }
}

static const char *remedy(int result)
{
  switch (result) {
  case -ENOSYS:
    return "Linux 5.14 or newer has it";
  case -EROFS:
    return "give the container that assayd runs in a writable cgroup file system";
  default:
    return "run assayd as root, or as a systemd service with Delegate=yes";
  }
}

static void explain(const struct attempts *attempts, struct cgroup_layout *layout)
{
  const struct {
    const char *what;
    bool there;
    int result;
  } uses[] = {
    {"limits memory", layout->v2_memory || layout->v1_memory[0], attempts->memory},
    {"limits processes", layout->v2_pids || layout->v1_pids[0], attempts->pids},
    {"counts CPU time", layout->v2[0] || layout->v1_cpuacct[0], attempts->cpuacct},
    {"kills a whole tree", layout->v2_kill, layout->v2[0] ? -ENOSYS : attempts->v2},
  };
  char missing[128] = "";
  int result = 0;
  for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
    size_t used = strlen(missing);
    if (uses[i].there)
      continue;
    snprintf(missing + used, sizeof missing - used, "%s%s", used ? ", " : "", uses[i].what);
    result = result ? result : uses[i].result; /* the first is the gravest */
  }
  if (result)
    snprintf(layout->explanation, sizeof layout->explanation, "no cgroup %s: %s; %s", missing, obstacle(result),
             remedy(result));
}

void cgroup_detect(const char *instance, const char *wanted, struct cgroup_layout *ret)
{
  *ret = (struct cgroup_layout){0};
  CLEANUP_FREE char *self_cgroup = read_text("/proc/self/cgroup");
  CLEANUP_FREE char *mountinfo = read_text("/proc/self/mountinfo");
  struct cgroup_places places;
  cgroup_parse(self_cgroup ? self_cgroup : "", mountinfo ? mountinfo : "", &places);

  char name[64];
  snprintf(name, sizeof name, "assay-%s", instance);
  struct attempts attempts = {.v2 = detect_v2(&places, wanted, name, ret)};
  /* Why version 2 does not do it, for controllers that version 1 does not have: nobody handed them to us. */
  int refused = attempts.v2 < 0 ? attempts.v2 : -EPERM;
  if (!ret->v2_memory)
    attempts.memory = try_v1(places.v1_memory, name, "memory.limit_in_bytes", refused, ret->v1_memory);
  if (!ret->v2_pids)
    attempts.pids = try_v1(places.v1_pids, name, "pids.max", refused, ret->v1_pids);
  if (!ret->v2[0])
    attempts.cpuacct = try_v1(places.v1_cpuacct, name, "cpuacct.usage", refused, ret->v1_cpuacct);
  explain(&attempts, ret);
}

/* Those of slots that there are no longer: a living one sweeps its own. A leaf in use refuses. */
static void remove_empty_leaves(const char *base)
{
  DIR *directory = opendir(base);
  if (!directory)
    return;
  for (struct dirent *entry; (entry = readdir(directory));)
    if (!strncmp(entry->d_name, "slot-", 5))
      unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
  closedir(directory);
}

void cgroup_release(const struct cgroup_layout *layout)
{
  const char *const directories[] = {layout->v2, layout->v1_memory, layout->v1_pids, layout->v1_cpuacct};
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
    if (!directories[i][0])
      continue;
    remove_empty_leaves(directories[i]);
    rmdir(directories[i]); /* refused while anything is in it, which is what is wanted */
  }
}
