#include "keeper/containment.h"

#include "base/fd.h"
#include "base/mountinfo.h"
#include "keeper/file_owner.h"
#include "keeper/landlock.h"
#include "wire/container.h"
#include "wire/isolation.h"

#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { PROC_BYTES_MAX = 64 * 1024 };

/* A file of /proc, which has no size in advance; the caller unrefs. Cut off where it is larger. */
static struct blob *read_proc(const struct host *host, const char *path)
{
  CLEANUP_FD int file = openat(host->proc, path, O_RDONLY | O_CLOEXEC);
  struct blob *blob = blob_create(0, PROC_BYTES_MAX);
  size_t used = 0;
  for (ssize_t got; file >= 0 && used < PROC_BYTES_MAX; used += (size_t)got)
    if ((got = read(file, blob->data + used, PROC_BYTES_MAX - used)) <= 0)
      break;
  blob->size = used;
  blob->data[used] = 0;
  return blob;
}

void containment_find_cgroups(const struct host *host, struct cgroup_places *ret)
{
  CLEANUP_BLOB struct blob *membership = read_proc(host, "self/cgroup");
  CLEANUP_BLOB struct blob *mounts = read_proc(host, "self/mountinfo");
  cgroup_parse((const char *)membership->data, (const char *)mounts->data, ret);
}

/* The file is there where the controller is in charge of this very cgroup. */
static bool has_file(const char *directory, const char *file)
{
  char path[CGROUP_PATH_SIZE + 32];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  return directory[0] && access(path, F_OK) == 0;
}

bool containment_is_scheduled_apart(const struct cgroup_places *places)
{
  return has_file(places->v2_own, "cpu.weight") || has_file(places->v1_cpu, "cpu.shares");
}

/*
 * The namespaces that the machine itself was started with have numbers that never change (enum init_ns_ino in
 * include/uapi/linux/nsfs.h; those of mnt and net since Linux 6.18). Another number is another namespace. Whether some
 * other container shares it cannot be seen from here.
 */
static const struct {
  const char *file;
  ino_t initial;
} private_namespaces[] =
  {
    {"self/ns/pid", 0xEFFFFFFC}, {"self/ns/mnt", 0xEFFFFFF8},    {"self/ns/uts", 0xEFFFFFFE},
    {"self/ns/ipc", 0xEFFFFFFF}, {"self/ns/cgroup", 0xEFFFFFFB},
},
  network_namespace = {"self/ns/net", 0xEFFFFFF9};

static bool is_private(const struct host *host, const char *file, ino_t initial)
{
  struct stat status;
  return fstatat(host->proc, file, &status, 0) == 0 && status.st_ino != initial;
}

/* Process 1 that finds itself in /proc has had one mounted for its pid namespace; the host's is another, so the mounts
 * are a namespace of their own also where its number says nothing. */
static bool has_namespaces(const struct host *host)
{
  char self[16] = "";
  if (getpid() != 1 || readlinkat(host->proc, "self", self, sizeof self - 1) < 0 || strcmp(self, "1") != 0)
    return false;
  for (size_t i = 0; i < COUNT(private_namespaces); i++)
    if (!is_private(host, private_namespaces[i].file, private_namespaces[i].initial))
      return false;
  return true;
}

static bool has_user_namespace(const struct host *host)
{
  CLEANUP_BLOB struct blob *map = read_proc(host, "self/uid_map");
  char *next = (char *)map->data;
  const unsigned long inside = strtoul(next, &next, 10), outside = strtoul(next, &next, 10),
                      count = strtoul(next, &next, 10);
  return count && !(inside == 0 && outside == 0 && count == UINT32_MAX); /* all ids as they are outside */
}

static bool is_up(int control, const char *interface)
{
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
  return ioctl(control, SIOCGIFFLAGS, &request) < 0 || request.ifr_flags & IFF_UP;
}

/* No interface but the loopback is up, and nobody in here has the right to bring one up. */
static bool is_cut_off(const struct host *host)
{
  CLEANUP_FD int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CLEANUP_BLOB struct blob *devices = read_proc(host, "self/net/dev");
  if (control < 0 || !devices->size || !is_private(host, network_namespace.file, network_namespace.initial))
    return false;
  char *rest;
  for (char *line = strtok_r((char *)devices->data, "\n", &rest); line; line = strtok_r(0, "\n", &rest)) {
    char *name = line + strspn(line, " "), *colon = strchr(name, ':'); /* two lines of headings have none */
    if (!colon)
      continue;
    *colon = 0;
    if (strcmp(name, "lo") != 0 && is_up(control, name))
      return false;
  }
  return true;
}

static bool is_read_only(const char *path)
{
  struct statvfs status;
  return statvfs(path, &status) == 0 && status.f_flag & ST_RDONLY;
}

static bool is_limited(const char *path, uint64_t bytes)
{
  const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  struct statvfs status;
  return statvfs(path, &status) == 0 && status.f_blocks &&
         (uint64_t)status.f_blocks * status.f_frsize <= (bytes + page - 1) / page * page;
}

/* Views of the kernel's own state, which hold no files. */
static bool is_view(struct span type)
{
  static const char *const views[] = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"};
  for (size_t i = 0; i < COUNT(views); i++)
    if (span_is(type, views[i]))
      return true;
  return false;
}

/* What the container's manager and the daemon fill, where nobody else may write; and device nodes over files of /proc. */
static bool is_managed(const struct host *host, const char *path)
{
  static const char *const managed[] = {"/dev", "/sys/fs/cgroup", CONTAINER_DIRECTORY, CONTAINER_ATTEMPT_PATH};
  struct stat status;
  if (stat(path, &status) < 0)
    return false;
  for (size_t i = 0; i < COUNT(managed); i++)
    if (!strcmp(path, managed[i]))
      return status.st_uid != host->program_uid && !(status.st_mode & (S_IWGRP | S_IWOTH));
  return S_ISCHR(status.st_mode);
}

/* Where the program is the keeper's own user, and so can do no more than the keeper with a file; of a file it can make at
 * most one that is as large as its limit. */
static bool is_guarded(const struct host *host, const char *path, const struct limits *limits)
{
  struct stat status;
  if (!host->shares_uid)
    return false;
  if (host->landlock_version && !landlock_lets_write(path))
    return true;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
         (access(path, W_OK) < 0 || limits->file_bytes <= limits->disk_bytes);
}

static bool is_harmless(const struct host *host, const struct mount *mount, const struct limits *limits)
{
  char path[PATH_MAX];
  if (span_lists(mount->options, "ro") || span_lists(mount->super_options, "ro") || is_view(mount->type))
    return true;
  return mountinfo_unescape(mount->point, path, sizeof path) &&
         (is_managed(host, path) || is_limited(path, limits->disk_bytes) || is_guarded(host, path, limits));
}

/* Every mount, as an image may declare volumes, which are written to beside a root that is read-only. */
static bool is_disk_limited(const struct host *host, const struct limits *limits)
{
  CLEANUP_BLOB struct blob *mounts = read_proc(host, "self/mountinfo");
  struct span rest = {(const char *)mounts->data, mounts->size};
  for (struct mount mount; mountinfo_next(&rest, &mount);)
    if (!is_harmless(host, &mount, limits))
      return false;
  return mounts->size > 0 && mounts->size < PROC_BYTES_MAX;
}

/* As root, where files are otherwise made in somebody else's name: the ways to the mounts are root's. */
uint32_t containment_features(const struct host *host, const struct limits *limits)
{
  const struct file_owner before = file_owner_become((struct file_owner){0, 0});
  uint32_t bits = 0;
  if (has_namespaces(host))
    bits |= ISOLATION_NAMESPACES;
  if (has_user_namespace(host))
    bits |= ISOLATION_USER_NAMESPACE;
  if (is_cut_off(host))
    bits |= ISOLATION_NETWORK;
  if (is_read_only("/"))
    bits |= ISOLATION_ROOT;
  if (is_disk_limited(host, limits))
    bits |= ISOLATION_DISK;
  file_owner_become(before);
  return bits;
}
