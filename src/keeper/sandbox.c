#include "keeper/sandbox.h"

#include "base/fd.h"
#include "base/number.h"
#include "keeper/file_owner.h"
#include "keeper/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMESPACES = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS };

enum { REPORT_MS_MAX = 10000 }; /* to build the sandbox, or to write the plan's files */

/* Both ends of all that connects keeper and init, before they are two processes. */
struct ends {
  struct sandbox outside;
  struct init_files inside;
};

static void ends_close_inside(struct ends *ends)
{
  fd_close(ends->inside.channel);
  for (int i = 0; i < SANDBOX_PIPES; i++)
    fd_close(ends->inside.pipe[i]);
  cgroup_close_doors(&ends->inside.doors);
}

/* The pipe belongs to the program's user, so that it may open /dev/stdout. In a container the keeper may become that
 * user, and may not give files away. */
static bool make_own_pipe(const struct host *host, int ends[static 2])
{
  if (!host->contained)
    return pipe2(ends, O_CLOEXEC) == 0 && (!host->privileged || fchown(ends[0], host->uid_base, host->uid_base) == 0);
  const struct file_owner before = file_owner_become((struct file_owner){host->program_uid, host->program_uid});
  const bool made = pipe2(ends, O_CLOEXEC) == 0;
  file_owner_become(before);
  return made;
}

/* The reading end is non-blocking; that is a property of this end alone, and nothing that the program does to its own
 * end changes it. */
static bool make_pipe(const struct host *host, int *ret_read, int *ret_write)
{
  int ends[2] = {-1, -1};
  const bool made = make_own_pipe(host, ends);
  *ret_read = ends[0];
  *ret_write = ends[1];
  return made && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

static bool ends_open(struct ends *ends, const struct host *host, struct error *error)
{
  *ends = (struct ends){SANDBOX_NONE, {-1, {-1, -1}, {{-1, -1, -1, -1}}}};
  ends->outside.contained = host->contained;
  int channel[2];
  bool opened = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0;
  if (opened) {
    ends->outside.channel = channel[0];
    ends->inside.channel = channel[1];
    opened = fcntl(channel[0], F_SETFL, O_NONBLOCK) == 0;
  }
  for (int i = 0; opened && i < SANDBOX_PIPES; i++)
    opened = make_pipe(host, &ends->outside.pipe[i], &ends->inside.pipe[i]);
  if (!opened)
    return error_errno(error, "cannot make the pipes of a sandbox");
  return cgroup_create(&ends->outside.cgroup, &host->cgroups, error) &&
         cgroup_open_doors(&ends->outside.cgroup, &ends->inside.doors, error);
}

static long clone_into_namespaces(struct ends *ends)
{
  struct clone_args arguments = {
    .flags = NAMESPACES | CLONE_PIDFD,
    .pidfd = (uint64_t)(uintptr_t)&ends->outside.pidfd,
    .exit_signal = SIGCHLD,
  };
  int leaf = cgroup_clone_fd(&ends->outside.cgroup);
  if (leaf >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)leaf;
  }
  return syscall(SYS_clone3, &arguments, sizeof arguments);
}

static bool clone_init(struct ends *ends, const struct host *host, struct error *error)
{
  long pid = host->contained ? fork() : clone_into_namespaces(ends);
  if (pid == 0)
    init_main(host, ends->inside);
  if (pid < 0)
    return error_errno(error, "cannot clone the sandbox's first process");
  ends->outside.init = (pid_t)pid;
  return true;
}

/* Inside, root is init and 1000 is the program; an ordinary user has only the one id to give, and gives it to 1000. */
static bool map_ids(const struct sandbox *sandbox, const struct host *host, struct error *error)
{
  static const char *const files[] = {"uid_map", "gid_map"};
  char map[64], path[32];
  if (host->contained)
    return true;
  if (host->privileged)
    snprintf(map, sizeof map, "0 %u 1\n%u %u 1\n", host->uid_base + 1, PROGRAM_UID, host->uid_base);
  else
    snprintf(map, sizeof map, "%u 0 1\n", PROGRAM_UID);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%d/%s", (int)sandbox->init, files[i]);
    int result = file_write_once(host->proc, path, map);
    if (result < 0)
      return errno = -result, error_errno(error, "cannot write %s", files[i]);
  }
  return true;
}

static bool give_order(struct sandbox *sandbox, const struct order *order, const int *fds, unsigned count)
{
  return channel_send(sandbox->channel, order, sizeof *order, fds, count) == 0;
}

static uint64_t start_ticks(const struct sandbox *sandbox, const struct host *host)
{
  char path[32], text[1024];
  snprintf(path, sizeof path, "%d/stat", (int)sandbox->init);
  CLEANUP_FD int file = openat(host->proc, path, O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (size <= 0)
    return 0;
  text[size] = 0;
  const char *field = strrchr(text, ')'); /* the second field, the only one that may hold a space (proc(5)) */
  for (int number = 2; field && number < 22; number++)
    field = strchr(field + 1, ' ');
  uint64_t ticks;
  return field && parse_u64(field + 1, strcspn(field + 1, " "), UINT64_MAX, &ticks) ? ticks : 0;
}

bool sandbox_create(struct sandbox *ret, const struct host *host, struct error *error)
{
  struct ends ends;
  const struct order build = {.type = ORDER_BUILD};
  bool created = ends_open(&ends, host, error) && clone_init(&ends, host, error);
  ends_close_inside(&ends);
  created = created && map_ids(&ends.outside, host, error) &&
            (give_order(&ends.outside, &build, 0, 0) || error_errno(error, "cannot reach the sandbox's init"));
  if (!created) {
    sandbox_destroy(&ends.outside);
    return false;
  }
  ends.outside.start_ticks = start_ticks(&ends.outside, host);
  *ret = ends.outside;
  return true;
}

bool sandbox_load(struct sandbox *sandbox, int plan, const char *id, struct error *error)
{
  struct order order = {.type = ORDER_LOAD};
  snprintf(order.id, sizeof order.id, "%s", id);
  return give_order(sandbox, &order, &plan, 1) || error_errno(error, "cannot hand the plan to the sandbox's init");
}

bool sandbox_run(struct sandbox *sandbox, enum step step)
{
  return give_order(sandbox, &(struct order){.type = ORDER_RUN, .step = step}, 0, 0);
}

/* The next report within its time. What init could not do for the platform's sake is an error. */
static bool await(struct sandbox *sandbox, struct report *ret, int fds[static CHANNEL_FDS_MAX], struct error *error)
{
  struct pollfd channel = {.fd = sandbox->channel, .events = POLLIN};
  struct report report;
  if (poll(&channel, 1, REPORT_MS_MAX) != 1 || channel_receive(sandbox->channel, &report, sizeof report, fds) != 1)
    return error_set(error, ERROR_INTERNAL, ETIMEDOUT, "the sandbox's init does not answer");
  if (report.type == REPORT_REFUSED)
    return error_set(error, ERROR_INTERNAL, report.code, "%s", report.text);
  *ret = report;
  return true;
}

bool sandbox_await_built(struct sandbox *sandbox, struct error *error)
{
  struct report report;
  int none[CHANNEL_FDS_MAX];
  if (sandbox->built)
    return true;
  if (!await(sandbox, &report, none, error))
    return false;
  sandbox->built = true;
  return true;
}

bool sandbox_await_loaded(struct sandbox *sandbox, struct report *ret, int fds[static CHANNEL_FDS_MAX],
                          struct error *error)
{
  ASSERT(sandbox->built);
  return await(sandbox, ret, fds, error);
}

void sandbox_kill(struct sandbox *sandbox)
{
  if (sandbox->contained) {
    ASSERT(getpid() == 1); /* it would be the host otherwise */
    kill(-1, SIGKILL);     /* all but process 1 (kill(2)) */
  } else if (sandbox->init) {
    syscall(SYS_pidfd_send_signal, sandbox->pidfd, SIGKILL, 0, 0);
  }
}

/* What init leaves behind dies with it, as it does where init is process 1; whoever was forked past one signal is met by
 * the next. */
static bool reap_contained(struct sandbox *sandbox, int flags)
{
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | flags) < 0 && errno == ECHILD) {
      sandbox->init = 0;
      return true;
    }
    if (info.si_pid == sandbox->init)
      sandbox->init = 0;
    if (!sandbox->init)
      sandbox_kill(sandbox);
    if (!info.si_pid)
      return false;
  }
}

bool sandbox_reap(struct sandbox *sandbox)
{
  siginfo_t info = {0};
  if (sandbox->contained)
    return reap_contained(sandbox, WNOHANG);
  if (!sandbox->init)
    return true;
  if (waitid(P_PIDFD, (id_t)sandbox->pidfd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
    return false;
  sandbox->init = 0;
  fd_close(TAKE_FD(sandbox->pidfd)); /* it would be readable for ever */
  return true;
}

void sandbox_destroy(struct sandbox *sandbox)
{
  sandbox_kill(sandbox);
  if (sandbox->contained)
    reap_contained(sandbox, 0);
  else if (sandbox->init)
    waitid(P_PIDFD, (id_t)sandbox->pidfd, &(siginfo_t){0}, WEXITED);
  if (sandbox->cgroup.groups)
    cgroup_remove(sandbox->cgroup.groups, sandbox->cgroup.name);
  sandbox_release(sandbox);
}

void sandbox_release(struct sandbox *sandbox)
{
  fd_close(sandbox->pidfd);
  fd_close(sandbox->channel);
  for (int i = 0; i < SANDBOX_PIPES; i++)
    fd_close(sandbox->pipe[i]);
  cgroup_release(&sandbox->cgroup);
  *sandbox = SANDBOX_NONE;
}
