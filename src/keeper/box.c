#include "keeper/box.h"

#include "base/fd.h"
#include "keeper/file_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOX_FLAGS = MS_NOSUID | MS_NODEV, PROC_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static bool attach(const char *source, const char *target, const char *type, unsigned long flags, const char *options,
                   struct error *error)
{
  return mount(source, target, type, flags, options) == 0 || error_errno(error, "cannot mount %s", target);
}

/*
 * What tells of the host or changes it, in /proc, is guarded by its permissions (kcore, kpage*, keys, sysrq-trigger,
 * timer_list, slabinfo, acpi, scsi, irq … belong to the host's root, who is nobody in here). The exception is
 * /proc/sys/net, which belongs to the owner of the network namespace: for an ordinary user that is the program's own
 * user id. So /proc/sys is read-only.
 */
static bool mount_proc(struct error *error)
{
  return attach("proc", "/proc", "proc", PROC_FLAGS, 0, error) &&
         attach("/proc/sys", "/proc/sys", 0, MS_BIND, 0, error) &&
         attach(0, "/proc/sys", 0, MS_BIND | MS_REMOUNT | MS_RDONLY | PROC_FLAGS, 0, error);
}

/* Everything in the box is to be the program's, whoever makes it. */
static struct file_owner act_as_program(const struct host *host)
{
  return file_owner_become((struct file_owner){host->program_uid, host->program_uid});
}

/* As the program. The umask is 022. */
static bool make_directory(const char *path, mode_t mode, struct error *error)
{
  return (mkdir(path, mode) == 0 && chmod(path, mode) == 0) || error_errno(error, "cannot make %s", path);
}

static bool make_home(struct error *error)
{
  return make_directory(BOX_HOME, 0755, error);
}

static bool go_home(struct error *error)
{
  return chdir(BOX_HOME) == 0 || error_errno(error, "cannot go to " BOX_HOME);
}

static bool mount_box(const struct host *host, struct error *error)
{
  char options[96];
  snprintf(options, sizeof options, "mode=755,uid=%u,gid=%u,size=64k,nr_inodes=%llu", host->program_uid,
           host->program_uid, (unsigned long long)disk_inodes(0));
  if (!mount_proc(error) || !attach("box", "/box", "tmpfs", BOX_FLAGS, options, error))
    return false;
  const struct file_owner before = act_as_program(host);
  const bool made =
    make_home(error) && make_directory("/box/tmp", 01777, error) && make_directory("/box/shm", 01777, error);
  file_owner_become(before);
  return made && attach("/box/tmp", "/tmp", 0, MS_BIND, 0, error) &&
         attach("/box/shm", "/dev/shm", 0, MS_BIND, 0, error) && go_home(error);
}

/* The container's own belong to root, who may not give files away in it. The mode is the program's leave. That of /tmp
 * may be the one that the image's directory has: runc 1.1 gives it to a tmpfs, whatever it was told. */
static bool adopt_box(const struct host *host, struct error *error)
{
  if (host->privileged) {
    if (chmod("/box", 01777) < 0)
      return error_errno(error, "cannot open /box to the program");
    chmod("/tmp", 01777); /* where there is one of its own */
  }
  const struct file_owner before = act_as_program(host);
  const bool made = make_home(error);
  file_owner_become(before);
  return made && go_home(error);
}

bool box_prepare(const struct host *host, struct error *error)
{
  return host->contained ? adopt_box(host, error) : mount_box(host, error);
}

bool box_resize(const struct host *host, uint64_t disk_bytes, struct error *error)
{
  if (host->contained)
    return true;
  char options[64];
  snprintf(options, sizeof options, "size=%llu,nr_inodes=%llu", (unsigned long long)disk_bytes,
           (unsigned long long)disk_inodes(disk_bytes));
  return attach("box", "/box", "tmpfs", MS_REMOUNT | BOX_FLAGS, options, error);
}

static bool unfit(struct error *error, const struct plan_file *file, int code)
{
  switch (code) {
  case EEXIST:
    return error_set(error, ERROR_INVALID, code, "file \"%s\" is there twice, or where a directory is", file->path);
  case ENOTDIR:
    return error_set(error, ERROR_INVALID, code, "file \"%s\" lies below another file", file->path);
  case EISDIR:
    return error_set(error, ERROR_INVALID, code, "file \"%s\" is where a directory is", file->path);
  case ENOSPC:
    return error_set(error, ERROR_INVALID, code, "file \"%s\" does not fit into disk_bytes", file->path);
  default:
    errno = code;
    return error_errno(error, "cannot write file \"%s\"", file->path);
  }
}

static int write_file(int directory, const struct plan_file *file)
{
  int result = mkdir_parents_beneath(directory, file->path, 0755);
  if (result < 0)
    return result;
  CLEANUP_FD int fd = open_beneath(directory, file->path, O_WRONLY | O_CREAT | O_EXCL, file->executable ? 0755 : 0644);
  if (fd < 0)
    return fd;
  return fd_write_all(fd, file->data, file->size) ? 0 : -errno;
}

bool box_fill(const struct host *host, const struct plan *plan, struct error *error)
{
  if (!plan->file_count)
    return true;
  CLEANUP_FD int home = open(BOX_HOME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (home < 0)
    return error_errno(error, "cannot open " BOX_HOME);
  int result = 0;
  const struct file_owner before = act_as_program(host);
  for (size_t i = 0; !result && i < plan->file_count; i++) {
    result = write_file(home, &plan->files[i]);
    if (result < 0)
      unfit(error, &plan->files[i], -result);
  }
  file_owner_become(before);
  return result == 0;
}

/* A sealed file in memory rather than a pipe: whoever does not read its input never makes anybody wait, and /dev/stdin
 * can be opened. */
int box_input(const struct plan *plan, struct error *error)
{
  if (!plan->input_size)
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
  CLEANUP_FD int memory = memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0 || !fd_write_all(memory, plan->input, plan->input_size) ||
      fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
    return error_errno(error, "cannot make the standard input"), -1;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
  int input = open(path, O_RDONLY | O_CLOEXEC); /* another open file, read-only and at its start */
  return input >= 0 ? input : (error_errno(error, "cannot open the standard input"), -1);
}
