/*
 * assay                                  assayd
 *   mkdtemp DIR (0700)
 *   fork ─────────────────────────────▶  new session, SIGTERM when assay dies, log to DIR/log
 *                                        exec assayd --state-dir DIR/state --listen unix:DIR/socket …
 *   wait for "ready" or end of file  ◀── the line on --ready-fd
 *   … requests over DIR/socket …
 *   SIGTERM ──────────────────────────▶  ends; its keepers end by themselves
 *   remove DIR
 */
#include "cli/private_daemon.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"
#include "cli/inert.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS_MAX = 10 * 1000, STOP_MS_MAX = 10 * 1000, REMOVE_MS_MAX = 2000, REMOVE_PAUSE_MS = 20 };
enum { LOG_TAIL_BYTES = 4096, LOG_BYTES_MAX = 16 << 20 };

struct private_daemon {
  char *directory, *server, *log;
  pid_t pid; /* 0: none (any more) */
  int pidfd;
};

/* The first `assayd` of: ASSAY_DAEMON, beside this program, where the build tree has it, PATH (NULL: let PATH find it).
 */
static char *daemon_find(void)
{
  const char *named = getenv("ASSAY_DAEMON");
  if (named && *named)
    return xstrdup(named);
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length <= 0)
    return 0;
  self[length] = 0;
  *strrchr(self, '/') = 0;
  static const char *const places[] = {"assayd", "../daemon/assayd"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    CLEANUP_FREE char *path = xasprintf("%s/%s", self, places[i]);
    if (access(path, X_OK) == 0)
      return TAKE_PTR(path);
  }
  return 0;
}

/* In the child, between fork and exec. Returns only where exec failed, with errno set. */
static void daemon_execute(const struct private_daemon *daemon, const char *program, const char *backend, int ready_fd,
                           pid_t parent)
{
  /* A session of its own: Ctrl-C in the terminal is for the command, which then cancels in an orderly way. */
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  signal(SIGPIPE, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent)
    _exit(1); /* it died before the prctl */
  int log = open(daemon->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
    return;
  fcntl(ready_fd, F_SETFD, 0);

  char state[PATH_MAX], ready[16];
  snprintf(state, sizeof state, "%s/state", daemon->directory);
  snprintf(ready, sizeof ready, "%d", ready_fd);
  /* Without a backend the list ends where that would stand. */
  execlp(program, "assayd", "--state-dir", state, "--listen", daemon->server, "--slots", "1", "--ready-fd", ready,
         backend ? "--docker-images" : (char *)0, "**", "--backend", backend, (char *)0);
}

/* The write end of `ready` goes to the daemon; when that is gone without a line, the daemon is too. */
static bool daemon_spawn(struct private_daemon *daemon, const char *program, const char *backend, int *ready,
                         struct error *error)
{
  pid_t parent = getpid();
  daemon->pid = fork();
  if (daemon->pid < 0)
    return daemon->pid = 0, error_errno(error, "cannot fork");
  if (daemon->pid == 0) {
    daemon_execute(daemon, program, backend, ready[1], parent);
    dprintf(2, "cannot execute %s: %s\n", program, strerror(errno));
    _exit(127);
  }
  daemon->pidfd = pidfd_open(daemon->pid, 0);
  if (daemon->pidfd < 0)
    return error_errno(error, "pidfd_open");
  return true;
}

/* The end of what it logged, without the last line feed. The caller frees. */
static char *log_tail(const struct private_daemon *daemon, size_t size_max)
{
  CLEANUP_BLOB struct blob *log = file_read(AT_FDCWD, daemon->log, LOG_BYTES_MAX, 0);
  if (!log)
    return xstrdup("");
  size_t end = log->size && log->data[log->size - 1] == '\n' ? log->size - 1 : log->size;
  size_t start = end > size_max ? end - size_max : 0;
  return xstrndup((const char *)log->data + start, end - start);
}

static bool daemon_wait_ready(struct private_daemon *daemon, int fd, int interrupts, struct error *error)
{
  struct pollfd wait[] = {{.fd = fd, .events = POLLIN}, {.fd = interrupts, .events = POLLIN}};
  int polled = poll(wait, 2, READY_MS_MAX);
  char byte;
  if (wait[0].revents && read(fd, &byte, 1) == 1)
    return true;
  if (wait[1].revents)
    return error_set(error, ERROR_UNAVAILABLE, EINTR, "interrupted");
  CLEANUP_FREE char *tail = log_tail(daemon, ERROR_MESSAGE_SIZE / 2);
  return error_set(error, ERROR_UNAVAILABLE, 0, "%s: %s",
                   polled > 0 ? "it ended before it listened" : "it did not listen within 10 s", tail);
}

static bool directory_make(struct private_daemon *daemon, struct error *error)
{
  const char *parent = getenv("TMPDIR");
  CLEANUP_FREE char *directory = xasprintf("%s/assay-XXXXXX", parent && *parent == '/' ? parent : "/tmp");
  if (strlen(directory) + sizeof "/socket" > sizeof((struct sockaddr_un *)0)->sun_path)
    return error_set(error, ERROR_INVALID, ENAMETOOLONG, "TMPDIR is too long a path for a socket in it");
  if (!mkdtemp(directory))
    return error_errno(error, "cannot make a directory like %s", directory);
  daemon->directory = TAKE_PTR(directory);
  daemon->server = xasprintf("unix:%s/socket", daemon->directory);
  daemon->log = xasprintf("%s/log", daemon->directory);
  return true;
}

static bool daemon_launch(struct private_daemon *daemon, const char *backend, int interrupts, struct error *error)
{
  if (!directory_make(daemon, error))
    return false;
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) < 0)
    return error_errno(error, "cannot make a pipe");
  CLEANUP_FREE char *found = daemon_find();
  bool good = daemon_spawn(daemon, found ? found : "assayd", backend, ready, error);
  fd_close(ready[1]);
  good = good && daemon_wait_ready(daemon, ready[0], interrupts, error);
  fd_close(ready[0]);
  return good;
}

struct private_daemon *private_daemon_start(const char *backend, int interrupts, struct error *error)
{
  struct private_daemon *daemon = xcalloc(1, sizeof *daemon);
  daemon->pidfd = -1;
  if (daemon_launch(daemon, backend, interrupts, error))
    return daemon;
  error_wrap(error, "cannot start a private assayd");
  private_daemon_stop(daemon);
  return 0;
}

const char *private_daemon_server(const struct private_daemon *daemon)
{
  return daemon->server;
}

void private_daemon_print_log(const struct private_daemon *daemon)
{
  CLEANUP_FREE char *tail = log_tail(daemon, LOG_TAIL_BYTES);
  for (char *next = tail, *line; (line = strsep(&next, "\n"));) {
    CLEANUP_FREE char *inert = inert_line(line);
    if (*inert)
      fprintf(stderr, "assayd: %s\n", inert);
  }
}

static void daemon_end(struct private_daemon *daemon)
{
  if (!daemon->pid)
    return;
  kill(daemon->pid, SIGTERM);
  struct pollfd end = {.fd = daemon->pidfd, .events = POLLIN};
  if (daemon->pidfd < 0 || poll(&end, 1, STOP_MS_MAX) <= 0)
    kill(daemon->pid, SIGKILL);
  while (waitpid(daemon->pid, 0, 0) < 0 && errno == EINTR)
    ;
  daemon->pid = 0;
}

/* One pass over the tree. True when nothing is left. */
static bool tree_remove(char *root)
{
  char *roots[] = {root, 0};
  FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, 0);
  if (!tree)
    return false;
  for (FTSENT *entry; (entry = fts_read(tree));)
    if (entry->fts_info != FTS_D) /* that is before its children; FTS_DP comes behind them */
      remove(entry->fts_accpath);
  fts_close(tree);
  return access(root, F_OK) < 0 && errno == ENOENT;
}

/* A keeper that is about to end may still write; so the tree is gone over until it is gone. */
static void directory_remove(struct private_daemon *daemon)
{
  if (!daemon->directory)
    return;
  struct mono give_up = mono_add_ms(mono_now(), REMOVE_MS_MAX);
  while (!tree_remove(daemon->directory)) {
    if (mono_now().us >= give_up.us) {
      fprintf(stderr, "assay: cannot remove %s\n", daemon->directory);
      return;
    }
    poll(0, 0, REMOVE_PAUSE_MS);
  }
}

void private_daemon_stop(struct private_daemon *daemon)
{
  if (!daemon)
    return;
  daemon_end(daemon);
  directory_remove(daemon);
  fd_close(daemon->pidfd);
  free(daemon->directory);
  free(daemon->server);
  free(daemon->log);
  free(daemon);
}
