#include "keeper/host.h"

#include "base/fd.h"
#include "base/memory.h"
#include "keeper/containment.h"
#include "keeper/landlock.h"
#include "keeper/root.h"
#include "wire/isolation.h"
#include "wire/pod.h"
#include "wire/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char host_name[] = "assay";

static bool open_directory(int *ret, const char *path, struct error *error)
{
  *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *ret >= 0 || error_errno(error, "cannot open %s", path);
}

static bool read_boot_id(struct host *host, struct error *error)
{
  CLEANUP_FD int file = openat(host->proc, "sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  char text[64];
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text);
  if (size <= 0)
    return error_errno(error, "cannot read the boot id");
  host->boot_id_hash = digest_bytes(text, (size_t)size);
  return true;
}

static unsigned count_processors(void)
{
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0)
    return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
  return (unsigned)CPU_COUNT(&set);
}

static bool write_map(const struct host *host, const char *file, unsigned own, struct error *error)
{
  char text[64];
  snprintf(text, sizeof text, "0 %u 1\n", own);
  int result = file_write_once(host->proc, file, text);
  return result == 0 || error_set(error, ERROR_INTERNAL, -result, "cannot write /proc/%s", file);
}

/* An ordinary user becomes root of a user namespace of the keeper's own, in which it may do the rest. */
static bool become_root_of_own(const struct host *host, struct error *error)
{
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER) < 0)
    return error_errno(error, "cannot make a user namespace (is kernel.unprivileged_userns_clone or "
                              "user.max_user_namespaces 0?)");
  int result = file_write_once(host->proc, "self/setgroups", "deny"); /* user_namespaces(7) */
  if (result < 0)
    return error_set(error, ERROR_INTERNAL, -result, "cannot write /proc/self/setgroups");
  return write_map(host, "self/uid_map", uid, error) && write_map(host, "self/gid_map", gid, error);
}

/* What keeper and init do to every program, and what cgroups do. */
static uint32_t common_features(const struct host *host)
{
  uint32_t bits = ISOLATION_CAPABILITIES | ISOLATION_SECCOMP;
  if (host->privileged)
    bits |= ISOLATION_UID;
  if (host->landlock_version)
    bits |= ISOLATION_LANDLOCK;
  if (cgroups_have(&host->cgroups, CONTROLLER_MEMORY))
    bits |= ISOLATION_MEMORY;
  if (cgroups_have(&host->cgroups, CONTROLLER_CPU))
    bits |= ISOLATION_CPU;
  if (cgroups_kill_whole(&host->cgroups))
    bits |= ISOLATION_KILL;
  return bits;
}

/* What sandbox_create() makes. */
static const uint32_t sandbox_features = ISOLATION_NAMESPACES | ISOLATION_USER_NAMESPACE | ISOLATION_NETWORK |
                                         ISOLATION_ROOT | ISOLATION_PROCESSES | ISOLATION_DISK;

/* Builds a root in a new mount namespace, made from the one that `origin` stands for. */
static bool build_root(struct host *host, int origin, const char *mount_point, const char *path, struct error *error)
{
  if (setns(origin, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
    return error_errno(error, "cannot make a mount namespace");
  if (!root_enter(mount_point, path, error))
    return false;
  int namespace = openat(host->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (namespace < 0)
    return error_errno(error, "cannot open the mount namespace");
  host->roots[host->root_count++] = (struct root){path, namespace};
  return true;
}

static bool build_roots(struct host *host, const struct options *options, struct error *error)
{
  CLEANUP_FD int origin = openat(host->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (origin < 0)
    return error_errno(error, "cannot open the mount namespace");
  if (!build_root(host, origin, options->slot_path, 0, error))
    return false;
  for (unsigned i = 0; i < options->root_count; i++)
    if (!build_root(host, origin, options->slot_path, options->roots[i], error))
      return false;
  return host_visit_root(&host->roots[0], error);
}

const struct root *host_find_root(const struct host *host, const char *path)
{
  for (unsigned i = 1; path && i < host->root_count; i++)
    if (!strcmp(path, host->roots[i].path))
      return &host->roots[i];
  return path ? 0 : &host->roots[0];
}

bool host_visit_root(const struct root *root, struct error *error)
{
  return setns(root->namespace, CLONE_NEWNS) == 0 || error_errno(error, "cannot enter the root");
}

bool host_prepare(struct host *ret, const struct options *options, struct error *error)
{
  struct host *host = ret;
  *host = (struct host){
    .privileged = geteuid() == 0,
    .uid_base = options->uid_base,
    .program_uid = PROGRAM_UID,
    .network = {{-1, -1}},
    .landlock_version = landlock_version(),
    .processors = count_processors(),
  };
  if (host->privileged && !host->uid_base)
    return error_set(error, ERROR_INVALID, 0, "--uid-base is needed by root");
  if (!open_directory(&host->proc, "/proc", error) || !open_directory(&host->evidence, options->evidence_path, error) ||
      !cgroups_open(&host->cgroups, &options->cgroups, error) || !read_boot_id(host, error))
    return false;
  cgroups_sweep(&host->cgroups);
  host->isolation = common_features(host) | sandbox_features;
  if (!host->privileged && !become_root_of_own(host, error))
    return false;
  if (unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0)
    return error_errno(error, "cannot make namespaces");
  if (sethostname(host_name, sizeof host_name - 1) < 0) /* copied into the namespace of each evaluation */
    return error_errno(error, "cannot set the host name");
  return network_enter_fresh(&host->network, host->proc, error) && build_roots(host, options, error);
}

/* The image's own variables, without those that tell of the container or of its first process. */
static char **variables_of_image(char **environment)
{
  static const char *const dropped[] = {"HOME=", "HOSTNAME=", "TERM=", "KUBERNETES_"};
  size_t count = 0, kept = 0;
  while (environment[count])
    count++;
  char **variables = xcalloc(count + 1, sizeof *variables);
  for (size_t i = 0; i < count; i++) {
    bool drop = false;
    for (size_t j = 0; j < COUNT(dropped); j++)
      drop |= !strncmp(environment[i], dropped[j], strlen(dropped[j]));
    if (!drop)
      variables[kept++] = environment[i];
  }
  return variables;
}

/* Whoever owns the attempt's directory could forge the evidence: the program must be somebody else. */
static bool choose_program_uid(struct host *host, int attempt, struct error *error)
{
  struct stat status;
  if (fstat(attempt, &status) < 0)
    return error_errno(error, "cannot look at the attempt's directory");
  host->program_uid = status.st_uid == PROGRAM_UID ? PROGRAM_UID + 1 : PROGRAM_UID;
  return !(status.st_mode & (S_IRWXG | S_IRWXO)) || fchmod(attempt, S_IRWXU) == 0 ||
         error_errno(error, "the attempt's directory is open to others");
}

static struct host contained_host(int directory, char **environment)
{
  return (struct host){
    .contained = true,
    .environment = variables_of_image(environment),
    .evidence = directory,
    .network = {{-1, -1}},
    .landlock_version = landlock_version(),
    .processors = count_processors(),
    .roots = {{NULL, -1}},
    .root_count = 1,
  };
}

/* What a container really is. `given` is what its cgroup is to have, for a program with these limits. */
static bool look_around(struct host *host, const struct limits *limits, const struct limits *given, struct error *error)
{
  struct cgroup_places places;
  if (!read_boot_id(host, error))
    return false;
  containment_find_cgroups(host, &places);
  host->gives_way = containment_is_scheduled_apart(&places);
  cgroups_open_contained(&host->cgroups, &places, given);
  host->isolation = common_features(host) | containment_features(host, limits);
  return true;
}

static bool hide_memory(struct error *error)
{
  return prctl(PR_SET_DUMPABLE, 0) == 0 || error_errno(error, "cannot hide the keeper's memory");
}

bool host_prepare_contained(struct host *ret, int attempt, const struct limits *limits, char **environment,
                            struct error *error)
{
  struct host *host = ret;
  *host = contained_host(attempt, environment);
  host->privileged = true;
  if (getpid() != 1 || geteuid() != 0)
    return error_set(error, ERROR_INVALID, EPERM, "the keeper is not root's first process in the container");
  if (!hide_memory(error) || !open_directory(&host->proc, "/proc", error) ||
      !choose_program_uid(host, attempt, error) || !look_around(host, limits, limits, error))
    return false;
  if (cgroups_have(&host->cgroups, CONTROLLER_PIDS))
    host->isolation |= ISOLATION_PROCESSES;
  return true;
}

/* The user id is nobody else's: it is one of a user namespace of the pod's own, or of the range for attempts. */
bool host_prepare_pod(struct host *ret, int directory, const struct limits *limits, char **environment,
                      struct error *error)
{
  struct host *host = ret;
  struct limits given = *limits;
  given.memory_bytes = pod_memory_bytes(limits) - CONTAINER_MEMORY_BYTES; /* its cgroup has as much besides */
  *host = contained_host(directory, environment);
  host->shares_uid = true;
  host->program_uid = geteuid();
  if (getpid() != 1 || geteuid() == 0)
    return error_set(error, ERROR_INVALID, EPERM, "the keeper is not an ordinary user's first process in the pod");
  if (!hide_memory(error) || !open_directory(&host->proc, "/proc", error) || !look_around(host, limits, &given, error))
    return false;
  host->uid_is_private = host->isolation & ISOLATION_USER_NAMESPACE || host->program_uid >= POD_UID_LEAST;
  if (host->uid_is_private)
    host->isolation |= ISOLATION_UID;
  if (host->uid_is_private || cgroups_have(&host->cgroups, CONTROLLER_PIDS))
    host->isolation |= ISOLATION_PROCESSES;
  return true;
}

bool host_must_sample(const struct host *host)
{
  for (int i = 0; i < CONTROLLER_COUNT; i++)
    if (!cgroups_have(&host->cgroups, (enum controller)i))
      return true;
  return false;
}
