#include "keeper/containment.h"

#include "base/fd.h"
#include "wire/isolation.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A file of /proc, which has no size in advance; the caller unrefs. Cut off where it is larger. */
static struct blob *read_proc(const struct host *host, const char *path)
{
  enum { BYTES_MAX = 64 * 1024 };
  CLEANUP_FD int file = openat(host->proc, path, O_RDONLY | O_CLOEXEC);
  struct blob *blob = blob_create(0, BYTES_MAX);
  size_t used = 0;
  for (ssize_t got; file >= 0 && used < BYTES_MAX; used += (size_t)got)
    if ((got = read(file, blob->data + used, BYTES_MAX - used)) <= 0)
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
  for (size_t i = 0; i < sizeof private_namespaces / sizeof *private_namespaces; i++)
    if (!is_private(host, private_namespaces[i].file, private_namespaces[i].initial))
      return false;
  return true;
}

static bool has_user_namespace(const struct host *host)
{
  CLEANUP_BLOB struct blob *map = read_proc(host, "self/uid_map");
  unsigned inside, outside, count;
  return sscanf((const char *)map->data, "%u %u %u", &inside, &outside, &count) == 3 &&
         !(inside == 0 && outside == 0 && count == UINT32_MAX);
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
  struct statvfs status;
  return statvfs(path, &status) == 0 && status.f_blocks && (uint64_t)status.f_blocks * status.f_frsize <= bytes;
}

/* Where anybody may write, besides a root that is read-only. */
static bool is_disk_limited(const struct limits *limits)
{
  static const char *const writable[] = {"/box", "/tmp", "/dev/shm"};
  const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < sizeof writable / sizeof *writable; i++)
    if (!is_read_only(writable[i]) && !is_limited(writable[i], (limits->disk_bytes + page - 1) / page * page))
      return false;
  return is_read_only("/");
}

uint32_t containment_features(const struct host *host, const struct limits *limits)
{
  uint32_t bits = 0;
  if (has_namespaces(host))
    bits |= ISOLATION_NAMESPACES;
  if (has_user_namespace(host))
    bits |= ISOLATION_USER_NAMESPACE;
  if (is_cut_off(host))
    bits |= ISOLATION_NETWORK;
  if (is_read_only("/"))
    bits |= ISOLATION_ROOT;
  if (is_disk_limited(limits))
    bits |= ISOLATION_DISK;
  return bits;
}
