#include "keeper/seccomp_rules.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* With notifications, whatever the kernel that this is built on can do (seccomp_api_set(3)). */
enum { API_LEVEL = 5 };

/* Calls that a table names but this architecture or libseccomp does not know are passed over. (The formatter would put
 * one on each line, and nobody would see the groups.) */
/* clang-format off */

static const char *const allowed[] = {
  /* files */
  "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
  "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
  "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat",
  "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch",
  "inotify_init", "inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat", "listxattr",
  "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat",
  "open", "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
  "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr",
  "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate",
  "umask", "unlink", "unlinkat", "ustat", "utime", "utimensat", "utimes", "vmsplice", "write", "writev",
  /* old asynchronous input and output, which has no way around these filters as io_uring has */
  "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit",
  /* waiting */
  "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait",
  "epoll_wait_old", "eventfd", "eventfd2", "pause", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd",
  "signalfd4",
  /* memory; secret and locked memory count against the limits */
  "brk", "get_mempolicy", "madvise", "map_shadow_stack", "mbind", "membarrier", "memfd_create", "memfd_secret",
  "mincore", "migrate_pages", "mlock", "mlock2", "mlockall", "mmap", "move_pages", "mprotect", "mremap", "mseal",
  "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "process_madvise",
  "process_mrelease", "remap_file_pages", "set_mempolicy", "set_mempolicy_home_node",
  /* processes and threads; the gate looks at clone's flags */
  "arch_prctl", "capget", "capset", "clone", "execve", "execveat", "exit", "exit_group", "fork", "futex",
  "futex_requeue", "futex_wait", "futex_waitv", "futex_wake", "get_robust_list", "get_thread_area", "getcpu",
  "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
  "getresuid", "getsid", "gettid", "getuid", "ioprio_get", "ioprio_set", "kcmp", "kill", "pidfd_getfd", "pidfd_open",
  "pidfd_send_signal", "prctl", "restart_syscall", "rseq", "sched_get_priority_max", "sched_get_priority_min",
  "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
  "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "set_robust_list",
  "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups", "setpgid", "setpriority",
  "setregid", "setresgid", "setresuid", "setreuid", "setsid", "setuid", "tgkill", "tkill", "vfork", "wait4", "waitid",
  "waitpid",
  /* a program may lock itself in further */
  "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp",
  /* signals */
  "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
  "rt_sigtimedwait", "rt_tgsigqueueinfo", "sigaltstack",
  /* time; setting it is refused below */
  "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday", "nanosleep", "setitimer",
  "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
  "timerfd_gettime", "timerfd_settime", "times",
  /* sockets: only to itself, in a network that has nothing but a loopback; the gate looks at the family */
  "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg",
  "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketpair",
  /* System V and POSIX message queues, shared memory, semaphores: of its own ipc namespace */
  "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget",
  "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
  /* the machine */
  "getrandom", "getrlimit", "getrusage", "prlimit64", "setrlimit", "sysfs", "sysinfo", "uname",
  /* init still sizes the box with it; the gate refuses it to the program */
  "mount",
};

static const char *const refused[] = {
  /* keys: the kernel's key rings are shared more widely than namespaces */
  "add_key", "keyctl", "request_key",
  /* large attack surfaces that no ordinary program needs; io_uring also passes by every filter here */
  "bpf", "io_uring_enter", "io_uring_register", "io_uring_setup", "perf_event_open", "userfaultfd",
  /* mounts and namespaces: the sandbox is finished */
  "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "listmount", "mount_setattr", "move_mount", "open_tree",
  "open_tree_attr", "pivot_root", "setns", "statmount", "umount", "umount2", "unshare",
  /* looking into other processes: simplest to refuse altogether, so a debugger does not work inside */
  "process_vm_readv", "process_vm_writev", "ptrace",
  /* files by handle pass by the tree of directories (open_by_handle_at(2)) */
  "fanotify_init", "fanotify_mark", "lookup_dcookie", "name_to_handle_at", "open_by_handle_at",
  /* the machine: kernel images and modules, accounting, quotas, swap, clocks, ports, the log */
  "acct", "adjtimex", "clock_adjtime", "clock_settime", "create_module", "delete_module", "finit_module",
  "get_kernel_syms", "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "nfsservctl", "query_module",
  "quotactl", "quotactl_fd", "reboot", "setdomainname", "sethostname", "settimeofday", "stime", "swapoff", "swapon",
  "syslog", "uselib", "vhangup", "_sysctl",
};
/* clang-format on */

static const unsigned long namespace_flags[] = {
  CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
};

/* TIOCSTI types for the user of a terminal; TIOCLINUX pastes. A command is 32 bits wide, whatever stands above them. */
static const unsigned long terminal_commands[] = {TIOCSTI, TIOCLINUX};

static const char *const stopped_writes[] = {"write", "writev"};
static const char *const stopped_replacements[] = {"dup2", "dup3"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void cleanup_filter(scmp_filter_ctx *filter)
{
  seccomp_release(*filter);
}
#define CLEANUP_FILTER __attribute__((cleanup(cleanup_filter)))

static int add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
               const struct scmp_arg_cmp *when)
{
  int number = seccomp_syscall_resolve_name(name);
  if (number < 0) /* unknown (__NR_SCMP_ERROR), or a pseudo number of a call that this architecture lacks */
    return 0;
  return seccomp_rule_add_array(filter, action, number, count, when);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
  int result = 0;
  for (size_t i = 0; !result && i < count; i++)
    result = add(filter, action, names[i], 0, 0);
  return result;
}

static int add_when(scmp_filter_ctx filter, uint32_t action, const char *name, struct scmp_arg_cmp when)
{
  return add(filter, action, name, 1, &when);
}

/* Of many kernels only the stable user interface is meant: local and Internet sockets, and asking for routes. */
static int refuse_socket_families(scmp_filter_ctx filter)
{
  static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  const uint32_t no_family = SCMP_ACT_ERRNO(EAFNOSUPPORT);
  int result = 0;
  for (int family = 0, next = 0; !result && family <= AF_NETLINK; family++) {
    if (family == families[next])
      next++;
    else
      result = add_when(filter, no_family, "socket", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0));
  }
  if (!result)
    result = add_when(filter, no_family, "socket", SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));
  const struct scmp_arg_cmp other_netlink[] = {
    SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
    SCMP_A2(SCMP_CMP_NE, NETLINK_ROUTE, 0),
  };
  return result ? result : add(filter, no_family, "socket", COUNT(other_netlink), other_netlink);
}

static int refuse_arguments(scmp_filter_ctx filter)
{
  const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
  int result = refuse_socket_families(filter);
  for (size_t i = 0; !result && i < COUNT(namespace_flags); i++)
    result = add_when(filter, refuse, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, namespace_flags[i], namespace_flags[i]));
  for (size_t i = 0; !result && i < COUNT(terminal_commands); i++)
    result = add_when(filter, refuse, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, terminal_commands[i]));
  return result ? result : add(filter, refuse, "mount", 0, 0);
}

/* Descriptor 2 for writes, 1 and 2 for what replaces them. */
static int stop_for_order(scmp_filter_ctx filter)
{
  int result = 0;
  for (size_t i = 0; !result && i < COUNT(stopped_writes); i++)
    result = add_when(filter, SCMP_ACT_NOTIFY, stopped_writes[i], SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0));
  for (size_t i = 0; !result && i < COUNT(stopped_replacements); i++)
    for (int fd = STDOUT_FILENO; !result && fd <= STDERR_FILENO; fd++)
      result = add_when(filter, SCMP_ACT_NOTIFY, stopped_replacements[i], SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
  return result;
}

/* personality(2) can turn protections off; three values are harmless: none, asking, and no address randomisation. */
static int allow_personalities(scmp_filter_ctx filter)
{
  static const scmp_datum_t harmless[] = {0, UINT32_MAX, 0x0040000};
  int result = 0;
  for (size_t i = 0; !result && i < COUNT(harmless); i++)
    result = add_when(filter, SCMP_ACT_ALLOW, "personality", SCMP_A0(SCMP_CMP_EQ, harmless[i], 0));
  return result;
}

static int build_known(scmp_filter_ctx filter)
{
  int result = add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
  if (!result)
    result = add_all(filter, SCMP_ACT_ERRNO(EPERM), refused, COUNT(refused));
  return result ? result : allow_personalities(filter);
}

/* Calls that name a process first, as 32 bits. The keeper has one thread, and nobody in the sandbox another process 1. */
static const char *const to_processes[] = {
  "prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
};
/* And those which say before it whether it is a process, a group or a user. */
static const char *const to_groups[] = {"ioprio_set", "setpriority"};
enum { KEEPER = 1 };
static const scmp_datum_t whole_user[] = {2 /* PRIO_USER */, 3 /* IOPRIO_WHO_USER */};

static int build_apart(scmp_filter_ctx filter)
{
  const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
  int result = 0;
  for (size_t i = 0; !result && i < COUNT(to_processes); i++)
    result = add_when(filter, refuse, to_processes[i], SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, KEEPER));
  for (size_t i = 0; !result && i < COUNT(to_groups); i++)
    result = add_when(filter, refuse, to_groups[i], SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, KEEPER));
  for (size_t i = 0; !result && i < COUNT(whole_user); i++)
    for (size_t j = 0; !result && j < COUNT(to_groups); j++)
      result = add_when(filter, refuse, to_groups[j], SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, whole_user[i]));
  return result;
}

static int build_quiet_gate(scmp_filter_ctx filter)
{
  return refuse_arguments(filter);
}

static int build_gate(scmp_filter_ctx filter)
{
  int result = refuse_arguments(filter);
  return result ? result : stop_for_order(filter);
}

/* What none of its rules is about. */
static const struct {
  uint32_t otherwise;
  int (*fill)(scmp_filter_ctx);
} filters[FILTER_COUNT] = {
  [FILTER_KNOWN] = {SCMP_ACT_ERRNO(ENOSYS), build_known},
  [FILTER_APART] = {SCMP_ACT_ALLOW, build_apart},
  [FILTER_GATE] = {SCMP_ACT_ALLOW, build_gate},
  [FILTER_QUIET_GATE] = {SCMP_ACT_ALLOW, build_quiet_gate},
};

int filter_rules_write(enum filter which, int file)
{
  int result = seccomp_api_set(API_LEVEL);
  if (result)
    return result;
  CLEANUP_FILTER scmp_filter_ctx filter = seccomp_init(filters[which].otherwise);
  if (!filter)
    return -ENOMEM;
  result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
  if (!result)
    result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: few steps for every call */
  if (!result)
    result = filters[which].fill(filter);
  return result ? result : seccomp_export_bpf(filter, file);
}

static bool listed(const char *const *names, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    if (!strcmp(names[i], name))
      return true;
  return false;
}

enum filter_answer filter_answer_for(const char *system_call)
{
  if (listed(refused, COUNT(refused), system_call))
    return FILTER_REFUSED;
  return listed(allowed, COUNT(allowed), system_call) ? FILTER_ALLOWED : FILTER_UNKNOWN;
}
