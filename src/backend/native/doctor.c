#include "backend/native/doctor.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK_BYTES_LOW GIB(1)
enum { INODES_LOW = 10000, PROC_MAGIC = 0x9fa0 };

static void check_kernel(const struct doctor_subject *subject, struct doctor_check *check)
{
  (void)subject;
  struct utsname kernel;
  if (uname(&kernel) < 0) {
    check_find(check, CHECK_WARNING, "the version of the kernel cannot be told");
    return;
  }
  char *rest;
  unsigned long major = strtoul(kernel.release, &rest, 10), minor = *rest == '.' ? strtoul(rest + 1, 0, 10) : 0;
  if (major < 5 || (major == 5 && minor < 6))
    check_find(check, CHECK_MISSING, "Linux %s is too old; 5.6 or newer is needed", kernel.release);
  else if (major == 5 && minor < 14)
    check_find(check, CHECK_WARNING, "Linux %s has no cgroup.kill; 5.14 or newer has", kernel.release);
  else
    check_find(check, CHECK_OK, "Linux %s", kernel.release);
}

/* Whether a process like this one may make a user namespace, tried in a child. 0, or the errno. */
static int try_user_namespace(void)
{
  pid_t child = fork();
  if (child < 0)
    return errno;
  if (child == 0)
    _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
  int status;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return ECHILD;
  return WEXITSTATUS(status);
}

static bool setting_is(const char *path, const char *value)
{
  CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
  char text[32];
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (got <= 0)
    return false;
  text[got] = 0;
  text[strcspn(text, "\n")] = 0;
  return !strcmp(text, value);
}

static const char *user_namespace_remedy(void)
{
  if (setting_is("/proc/sys/user/max_user_namespaces", "0"))
    return "set the sysctl user.max_user_namespaces to more than 0";
  if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", "0"))
    return "set the sysctl kernel.unprivileged_userns_clone to 1, or run assayd as root";
  if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
    return "set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0, or run assayd as root";
  return "a container around assayd may forbid it by its seccomp filter; or run assayd as root";
}

static void check_user_namespaces(const struct doctor_subject *subject, struct doctor_check *check)
{
  (void)subject;
  int result = try_user_namespace();
  if (result == 0)
    check_find(check, CHECK_OK, "user namespaces can be made");
  else
    check_find(check, CHECK_MISSING, "no user namespace can be made (%s); %s", strerror(result),
               user_namespace_remedy());
}

static void check_cgroups(const struct doctor_subject *subject, struct doctor_check *check)
{
  const struct cgroup_layout *cgroups = subject->cgroups;
  bool v1 = cgroups->v1_memory[0] || cgroups->v1_pids[0] || cgroups->v1_cpuacct[0];
  const char *kind = cgroups->v2[0] && v1 ? "hybrid: version 2 for killing, version 1 for limits"
                     : cgroups->v2[0]     ? "version 2"
                     : v1                 ? "version 1"
                                          : "none";
  if (!cgroups->explanation[0])
    check_find(check, CHECK_OK, "%s, below %s", kind, cgroups->v2);
  else
    check_find(check, CHECK_MISSING, "%s; %.400s", kind, cgroups->explanation);
}

static void check_landlock(const struct doctor_subject *subject, struct doctor_check *check)
{
  (void)subject;
  long version = syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version > 0)
    check_find(check, CHECK_OK, "landlock ABI %ld", version);
  else
    check_find(check, CHECK_WARNING,
               "the kernel has no landlock (%s); add it to the boot parameter lsm=", strerror(errno));
}

static void check_seccomp(const struct doctor_subject *subject, struct doctor_check *check)
{
  (void)subject;
  uint32_t action = SECCOMP_RET_USER_NOTIF;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
    check_find(check, CHECK_OK, "seccomp filters, with notification");
  else
    check_find(check, CHECK_MISSING, "the kernel cannot filter system calls (%s)", strerror(errno));
}

static void check_proc(const struct doctor_subject *subject, struct doctor_check *check)
{
  (void)subject;
  struct statfs status;
  if (statfs("/proc", &status) < 0 || status.f_type != PROC_MAGIC)
    check_find(check, CHECK_MISSING, "/proc is not mounted; mount it");
  else if (access("/proc/self/mountinfo", R_OK) < 0)
    check_find(check, CHECK_MISSING, "/proc/self cannot be read (%s)", strerror(errno));
  else
    check_find(check, CHECK_OK, "/proc is mounted");
}

static void check_disk(const struct doctor_subject *subject, struct doctor_check *check)
{
  struct statvfs status;
  if (statvfs(subject->state_dir, &status) < 0) {
    check_find(check, CHECK_MISSING, "%.300s cannot be used (%s)", subject->state_dir, strerror(errno));
    return;
  }
  unsigned long long bytes = (unsigned long long)status.f_bavail * status.f_frsize, mib = bytes / MIB(1);
  if (status.f_files && status.f_favail < INODES_LOW)
    check_find(check, CHECK_WARNING, "%llu inodes are left on the file system of %.300s",
               (unsigned long long)status.f_favail, subject->state_dir);
  else
    check_find(check, bytes < DISK_BYTES_LOW ? CHECK_WARNING : CHECK_OK, "%llu MiB are free for %.300s", mib,
               subject->state_dir);
}

static void check_isolation(const struct doctor_subject *subject, struct doctor_check *check)
{
  enum isolation_level level = isolation_level(subject->features);
  check_find(check,
             level == ISOLATION_LEVEL_FULL   ? CHECK_OK
             : level == ISOLATION_LEVEL_NONE ? CHECK_MISSING
                                             : CHECK_WARNING,
             "%s", isolation_level_name(level));
  for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++) {
    size_t used = strlen(check->explanation);
    if (!(subject->features & 1u << i))
      snprintf(check->explanation + used, sizeof check->explanation - used, "; %s", isolation_feature_missing(i));
  }
}

void native_doctor(const struct doctor_subject *subject, struct doctor_check ret[static DOCTOR_CHECK_COUNT])
{
  static const struct {
    const char *name, *purpose;
    void (*check)(const struct doctor_subject *subject, struct doctor_check *check);
  } checks[] = {
#define X(name, purpose) {#name, purpose, check_##name},
    DOCTOR_CHECKS(X)
#undef X
  };
  for (unsigned i = 0; i < DOCTOR_CHECK_COUNT; i++) {
    ret[i] = (struct doctor_check){.name = checks[i].name, .purpose = checks[i].purpose};
    checks[i].check(subject, &ret[i]);
  }
}
