#include "keeper/init.h"

#include "base/fd.h"
#include "keeper/box.h"
#include "keeper/channel.h"
#include "keeper/landlock.h"
#include "keeper/plan_map.h"
#include "keeper/program.h"
#include "keeper/sandbox.h"
#include "keeper/seccomp_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct init {
  const struct host *host;
  struct init_files files;
  int landlock; /* rule set, or -1 */
  struct plan_map mapped;
  int input; /* the program's standard input */
  char **environment;
};

static uint64_t cpu_us(const struct rusage *usage)
{
  return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
         (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* The keeper is gone: so is the reason for all this. The kernel kills what is left of the pid namespace. */
static void send_report(const struct init *init, struct report *report, const int *fds, unsigned count)
{
  struct rusage own, tree;
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &tree);
  report->init_cpu_us = cpu_us(&own);
  report->tree_cpu_us = cpu_us(&tree);
  report->tree_peak_bytes = (uint64_t)tree.ru_maxrss * 1024;
  if (channel_send(init->files.channel, report, sizeof *report, fds, count) < 0)
    _exit(1);
}

_Noreturn static void report_failure(const struct init *init, enum report_type type, const struct error *error)
{
  struct report report = {.type = type, .code = error->code};
  snprintf(report.text, sizeof report.text, "%.*s", (int)sizeof report.text - 1, error->message);
  send_report(init, &report, 0, 0);
  _exit(0);
}

static struct order await_order(const struct init *init, enum order_type expected, int *ret_fd)
{
  struct order order;
  int fds[CHANNEL_FDS_MAX];
  if (channel_receive(init->files.channel, &order, sizeof order, fds) != 1 || order.type != expected)
    _exit(1);
  *ret_fd = fds[0];
  return order;
}

/* The cgroup namespace only then: its root is the cgroup in which it is made (cgroup_namespaces(7)). */
static bool enter_cgroup(const struct init *init, struct error *error)
{
  int result = cgroup_enter(&init->files.doors);
  if (result < 0)
    return errno = -result, error_errno(error, "cannot enter its cgroup");
  return init->host->contained || unshare(CLONE_NEWCGROUP) == 0 || error_errno(error, "cannot make a cgroup namespace");
}

/* Closes everything that was inherited from the keeper, above all the keeper's own end of the channel: that its closing
 * is noticed here depends on it. Standard error stays, for the reports of sanitizers. */
static void keep_only(const struct init_files *files)
{
  int keep[] = {files->channel, files->pipe[SANDBOX_OUTPUT], files->pipe[SANDBOX_ERROR]};
  const int count = (int)(sizeof keep / sizeof *keep);
  for (int i = 1; i < count; i++) /* three of them: sorted by insertion */
    for (int j = i; j > 0 && keep[j] < keep[j - 1]; j--) {
      int swapped = keep[j];
      keep[j] = keep[j - 1];
      keep[j - 1] = swapped;
    }
  unsigned next = STDERR_FILENO + 1;
  for (int i = 0; i < count; i++) {
    if (next < (unsigned)keep[i])
      fd_close_range(next, (unsigned)keep[i] - 1);
    next = (unsigned)keep[i] + 1;
  }
  fd_close_range(next, ~0u);
}

/* Signals as a program expects to find them. Process 1 gets none from inside that it has no handler for. */
static void reset_signals(void)
{
  program_hold_signals(false);
  /* Past the C library, which keeps the first two real-time signals to itself, though somebody may have ignored them. */
  static const char by_default[64];
  for (int i = 1; i < NSIG; i++)
    syscall(SYS_rt_sigaction, i, by_default, 0, sizeof(uint64_t));
}

/* Where the program may signal its init, that is to do nothing to it; and to the program's own children what it always
 * does. */
static void evade_signals(const struct host *host)
{
  if (host->shares_uid)
    program_hold_signals(true);
}

/* A program sees the command line of process 1, which is a copy of the keeper's. */
static void forget_arguments(const struct host *host)
{
  if (host->arguments)
    memset(host->arguments, 0, host->arguments_size);
}

static bool take_identity(const struct init *init, struct error *error)
{
  return !init->host->privileged || (setgroups(0, 0) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0) ||
         error_errno(error, "cannot take the sandbox's user id");
}

/* Every change of a user id, the file system's too, undoes both (prctl(2)); so this stands behind the last one. A
 * keeper that died before is noticed at the next order, as the end of the channel. */
static bool tie_to_keeper(struct error *error)
{
  return (prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) ||
         error_errno(error, "cannot tie the sandbox to its keeper");
}

/* No execve(2) may gain a capability again, whatever it executes. A container's keeper has no right to this, and relies
 * on no_new_privs alone, which means the same. */
static bool drop_bounding_set(const struct init *init, struct error *error)
{
  if (init->host->contained)
    return true;
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
    if (prctl(PR_CAPBSET_DROP, capability) < 0)
      return error_errno(error, "cannot drop a capability");
  return true;
}

/* Orphans come to init, and what they used is counted, also where init is not process 1. */
static void take_orphans(void)
{
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* On a host that runs out of memory, programs are to go first, and the daemon that runs them last. In a container the keeper
 * may have been given a high score itself, as by Kubernetes: there it is the highest that there is. */
static void volunteer_for_oom(const struct host *host)
{
  if (!host->privileged && host->contained) /* whose memory is hidden, may not change its own files; tie_to_keeper() */
    prctl(PR_SET_DUMPABLE, 1);
  file_write_once(AT_FDCWD, "/proc/self/oom_score_adj", host->contained ? "1000" : "500");
}

static bool lock_in(struct init *init, struct error *error)
{
  init->landlock = -1;
  if (init->host->landlock_version) {
    init->landlock = landlock_create(init->host->landlock_version);
    if (init->landlock < 0)
      return errno = -init->landlock, error_errno(error, "cannot make the landlock rules");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return error_errno(error, "cannot set no_new_privs");
  int result = init->host->shares_uid ? filter_load(FILTER_APART) : 0;
  if (result == 0)
    result = filter_load(FILTER_KNOWN);
  return result == 0 || (errno = -result, error_errno(error, "cannot load the system call filter"));
}

/* Everything that depends on no plan; see sandbox.h. */
static bool build(struct init *init, struct error *error)
{
  setsid();
  reset_signals();
  evade_signals(init->host);
  forget_arguments(init->host);
  umask(022);
  if (!take_identity(init, error))
    return false;
  volunteer_for_oom(init->host);
  take_orphans();
  return box_prepare(init->host, error) && drop_bounding_set(init, error) && lock_in(init, error) &&
         tie_to_keeper(error);
}

/* Makes room and lays everything out for the program. Allocating here is safe: this is a fork of a process with a
 * single thread, and no execve(2) is to follow in it. */
static void load(struct init *init)
{
  struct error error = {0};
  CLEANUP_FD int memory = -1;
  struct order order = await_order(init, ORDER_LOAD, &memory);
  if (!plan_map_open(&init->mapped, memory, &error) ||
      !box_resize(init->host, init->mapped.plan.limits.disk_bytes, &error))
    report_failure(init, REPORT_REFUSED, &error);
  if (!box_fill(init->host, &init->mapped.plan, &error))
    report_failure(init, REPORT_UNFIT, &error);
  init->input = box_input(&init->mapped.plan, &error);
  if (init->input < 0 || !tie_to_keeper(&error))
    report_failure(init, REPORT_REFUSED, &error);
  init->environment = program_environment(init->host, &init->mapped.plan, order.id);

  struct report ready = {.type = REPORT_READY};
  CLEANUP_FD int proc = -1, box = -1;
  if (host_must_sample(init->host) && !init->host->contained) {
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    box = open("/box", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  const int views[] = {proc, box};
  send_report(init, &ready, views, proc >= 0 && box >= 0 ? 2 : 0);
}

/* Waits for the program, and for whatever orphans die before it. */
static int await_program(pid_t program)
{
  for (;;) {
    int status;
    pid_t pid = wait4(-1, &status, 0, 0);
    if (pid == program)
      return status;
    ASSERT(pid > 0 || errno == EINTR);
  }
}

/* A compile step may not leave anything running beside the program. */
static void kill_the_rest(void)
{
  kill(-1, SIGKILL);
  while (wait4(-1, 0, 0, 0) > 0 || errno == EINTR)
    ;
}

static void run_step(struct init *init, enum step step)
{
  const bool last = step == STEP_RUN;
  CLEANUP_FD int nothing = last ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
  struct program program = {
    .host = init->host,
    .plan = &init->mapped.plan,
    .step = step,
    .environment = init->environment,
    .channel = init->files.channel,
    .input = last ? init->input : nothing,
    .output = init->files.pipe[last ? SANDBOX_OUTPUT : SANDBOX_ERROR],
    .error = init->files.pipe[SANDBOX_ERROR],
    .landlock = init->landlock,
  };
  pid_t pid = program_start(&program);
  if (last) { /* nothing of the program's is held any longer, and no power over it either */
    close(init->files.pipe[SANDBOX_OUTPUT]);
    close(init->files.pipe[SANDBOX_ERROR]);
    close(init->input);
    program_drop_capabilities();
  }
  if (pid < 0)
    report_failure(init, program.unfit ? REPORT_UNFIT : REPORT_BROKEN, &program.failure);
  struct report ended = {.type = REPORT_ENDED, .code = await_program(pid)};
  if (!last)
    kill_the_rest();
  send_report(init, &ended, 0, 0);
}

_Noreturn void init_main(const struct host *host, struct init_files files)
{
  struct init init = {.host = host, .files = files};
  struct error error = {0};
  int none;
  bool entered = enter_cgroup(&init, &error); /* first, so that all that it does is accounted for there */
  keep_only(&files);
  await_order(&init, ORDER_BUILD, &none);
  if (!entered || !build(&init, &error))
    report_failure(&init, REPORT_REFUSED, &error);
  send_report(&init, &(struct report){.type = REPORT_BUILT}, 0, 0);
  load(&init);
  for (enum step step = STEP_COMPILE; step != STEP_RUN;) {
    step = (enum step)await_order(&init, ORDER_RUN, &none).step;
    run_step(&init, step);
  }
  _exit(0);
}
