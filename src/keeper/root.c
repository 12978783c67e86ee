#include "keeper/root.h"

#include "base/fd.h"
#include "keeper/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum entry_kind {
  ENTRY_DIRECTORY, /* an empty one */
  ENTRY_HOST,      /* the host's directory, read-only; or the symbolic link that stands there (merged /usr) */
  ENTRY_NODE,      /* the host's device */
  ENTRY_LINK,      /* a symbolic link to `content` */
  ENTRY_TEXT,      /* a file with `content` */
  ENTRY_COPY,      /* the host's file or directory, copied; may be absent, and end in "*" */
};

struct entry {
  enum entry_kind kind;
  const char *path; /* without the leading slash */
  const char *content;
};

/* What every root has. */
static const struct entry common[] = {
  {ENTRY_DIRECTORY, "proc", 0},
  {ENTRY_DIRECTORY, "box", 0}, /* where each evaluation mounts what it may write */
  {ENTRY_DIRECTORY, "tmp", 0},
  {ENTRY_DIRECTORY, "run", 0},
  {ENTRY_DIRECTORY, "dev", 0},
  {ENTRY_DIRECTORY, "dev/shm", 0},
  {ENTRY_NODE, "dev/null", 0},
  {ENTRY_NODE, "dev/zero", 0},
  {ENTRY_NODE, "dev/full", 0},
  {ENTRY_NODE, "dev/random", 0},
  {ENTRY_NODE, "dev/urandom", 0},
  {ENTRY_LINK, "dev/fd", "/proc/self/fd"},
  {ENTRY_LINK, "dev/stdin", "/proc/self/fd/0"},
  {ENTRY_LINK, "dev/stdout", "/proc/self/fd/1"},
  {ENTRY_LINK, "dev/stderr", "/proc/self/fd/2"},
};

/* What a root made from the host has besides. */
static const struct entry of_host[] = {
  {ENTRY_HOST, "usr", 0},
  {ENTRY_HOST, "bin", 0},
  {ENTRY_HOST, "sbin", 0},
  {ENTRY_HOST, "lib", 0},
  {ENTRY_HOST, "lib32", 0},
  {ENTRY_HOST, "lib64", 0},
  {ENTRY_HOST, "libx32", 0},
  {ENTRY_DIRECTORY, "etc", 0},
  {ENTRY_TEXT, "etc/passwd",
   "root:x:0:0:root:/:/usr/sbin/nologin\n"
   "user:x:1000:1000:user:/box/work:/bin/sh\n"
   "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"},
  {ENTRY_TEXT, "etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"},
  {ENTRY_TEXT, "etc/hostname", "assay\n"},
  {ENTRY_TEXT, "etc/hosts", "127.0.0.1 localhost assay\n::1 localhost\n"},
  {ENTRY_TEXT, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n"},
  {ENTRY_COPY, "etc/ld.so.cache", 0},
  {ENTRY_COPY, "etc/ld.so.conf", 0},
  {ENTRY_COPY, "etc/ld.so.conf.d", 0},
  {ENTRY_COPY, "etc/alternatives", 0},
  {ENTRY_COPY, "etc/localtime", 0},
  {ENTRY_COPY, "etc/timezone", 0},
  {ENTRY_COPY, "etc/mime.types", 0},
  {ENTRY_COPY, "etc/services", 0},
  {ENTRY_COPY, "etc/protocols", 0},
  {ENTRY_COPY, "etc/ssl/certs", 0}, /* and not etc/ssl/private */
  {ENTRY_COPY, "etc/ssl/openssl.cnf", 0},
  {ENTRY_COPY, "etc/ca-certificates", 0},
  {ENTRY_COPY, "etc/fonts", 0},
  {ENTRY_COPY, "etc/python3", 0},
  {ENTRY_COPY, "etc/python3.*", 0},
  {ENTRY_COPY, "etc/java-*", 0},
  {ENTRY_COPY, "etc/perl", 0},
  {ENTRY_COPY, "etc/R", 0},
  {ENTRY_DIRECTORY, "var", 0},
  {ENTRY_LINK, "var/tmp", "../tmp"},
  {ENTRY_LINK, "var/run", "../run"},
};

/* While a root is built the working directory is the new root. */
struct builder {
  const char *source_path; /* of the root that it is made from; "" is the host's */
  int source;
};

static bool make_directory(const struct builder *builder, const struct entry *entry, struct error *error)
{
  (void)builder;
  if (mkdir(entry->path, 0755) < 0 && errno != EEXIST)
    return error_errno(error, "cannot make /%s", entry->path);
  return true;
}

static bool set_attributes(const char *path, uint64_t attributes, unsigned flags, struct error *error)
{
  struct mount_attr request = {.attr_set = attributes};
  if (syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &request, sizeof request) < 0)
    return error_errno(error, "cannot make the mount %s read-only", path);
  return true;
}

/* Recursively, as a part of the host's tree may only leave its place whole in a user namespace (mount_namespaces(7)).
 */
static bool bind(const char *source_path, const char *path, uint64_t attributes, struct error *error)
{
  char source[PATH_MAX];
  snprintf(source, sizeof source, "%s/%s", source_path, path);
  if (mount(source, path, 0, MS_BIND | MS_REC, 0) < 0)
    return error_errno(error, "cannot bind %s", source);
  return set_attributes(path, attributes, AT_RECURSIVE, error);
}

static bool bring_host(const struct builder *builder, const struct entry *entry, struct error *error)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat(builder->source, entry->path, target, sizeof target - 1);
  if (length >= 0) {
    target[length] = 0;
    return symlink(target, entry->path) == 0 || error_errno(error, "cannot link /%s", entry->path);
  }
  if (errno == ENOENT)
    return true;
  return make_directory(builder, entry, error) &&
         bind(builder->source_path, entry->path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, error);
}

static bool bring_node(const struct builder *builder, const struct entry *entry, struct error *error)
{
  (void)builder; /* always the host's */
  CLEANUP_FD int place = open(entry->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (place < 0)
    return error_errno(error, "cannot make /%s", entry->path);
  return bind("", entry->path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, error);
}

static bool make_link(const struct builder *builder, const struct entry *entry, struct error *error)
{
  (void)builder;
  return symlink(entry->content, entry->path) == 0 || error_errno(error, "cannot link /%s", entry->path);
}

static bool make_text(const struct builder *builder, const struct entry *entry, struct error *error)
{
  (void)builder;
  CLEANUP_FD int file = open(entry->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0 || !fd_write_all(file, entry->content, strlen(entry->content)))
    return error_errno(error, "cannot write /%s", entry->path);
  return true;
}

static bool copy_from_host(const struct builder *builder, const struct entry *entry, struct error *error)
{
  (void)error; /* what cannot be copied is simply not there */
  const char *pattern = strrchr(entry->path, '/') + 1;
  char parent[PATH_MAX];
  snprintf(parent, sizeof parent, "%.*s", (int)(pattern - entry->path - 1), entry->path);
  mkdir_parents_beneath(AT_FDCWD, entry->path, 0755);
  CLEANUP_FD int from = openat(builder->source, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CLEANUP_FD int to = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (from >= 0 && to >= 0)
    copy_matching(from, to, pattern);
  return true;
}

static bool make_entries(const struct builder *builder, const struct entry *entries, size_t count, struct error *error)
{
  static bool (*const makers[])(const struct builder *, const struct entry *, struct error *) = {
    [ENTRY_DIRECTORY] = make_directory, [ENTRY_HOST] = bring_host, [ENTRY_NODE] = bring_node,
    [ENTRY_LINK] = make_link,           [ENTRY_TEXT] = make_text,  [ENTRY_COPY] = copy_from_host,
  };
  for (size_t i = 0; i < count; i++)
    if (!makers[entries[i].kind](builder, &entries[i], error))
      return false;
  return true;
}

/* Every directory and link at the top of an operator's root, where there is nothing of that name yet. */
static bool bring_top(const struct builder *builder, struct error *error)
{
  int top = openat(builder->source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = top < 0 ? 0 : fdopendir(top);
  if (!directory)
    return fd_close(top), error_errno(error, "cannot read %s", builder->source_path);
  bool brought = true;
  for (struct dirent *found; brought && (found = readdir(directory));) {
    const struct entry entry = {ENTRY_HOST, found->d_name, 0};
    if ((found->d_type == DT_DIR || found->d_type == DT_LNK) &&
        faccessat(AT_FDCWD, found->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
      brought = bring_host(builder, &entry, error);
  }
  closedir(directory);
  return brought;
}

/*
 * The kernel lets a user namespace mount a /proc only where one is to be seen in full already (mount_too_revealing() in
 * fs/namespace.c). So the template has one; each evaluation mounts its own over it, and cannot take that off again.
 */
static bool show_proc(struct error *error)
{
  if (mount("/proc", "proc", 0, MS_BIND | MS_REC, 0) < 0)
    return error_errno(error, "cannot bind /proc");
  return true;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up stacked on the new one, and is taken off. */
static bool move_in(struct error *error)
{
  if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
    return error_errno(error, "cannot move into the new root");
  return true;
}

static bool fill(const struct builder *builder, struct error *error)
{
  if (!make_entries(builder, common, COUNT(common), error) || !show_proc(error))
    return false;
  return *builder->source_path ? bring_top(builder, error) : make_entries(builder, of_host, COUNT(of_host), error);
}

/* A tmpfs over the mount point, as the working directory. */
static bool begin(const char *mount_point, struct error *error)
{
  return (mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) == 0 &&
          mount("assay", mount_point, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64m") == 0 &&
          chdir(mount_point) == 0) ||
         error_errno(error, "cannot mount a root over %s", mount_point);
}

bool root_enter(const char *mount_point, const char *source, struct error *error)
{
  struct builder builder = {.source_path = source ? source : ""};
  CLEANUP_FD int source_directory = open(source ? source : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (source_directory < 0)
    return error_errno(error, "cannot open the root %s", source);
  builder.source = source_directory;
  mode_t mask = umask(0);
  bool entered = begin(mount_point, error) && fill(&builder, error) &&
                 set_attributes(".", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, error) &&
                 move_in(error);
  umask(mask);
  return entered;
}
