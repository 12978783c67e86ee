#include "backend/docker/attempt.h"

#include "base/fd.h"
#include "wire/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PLAN_UNFINISHED ATTEMPT_PLAN ".tmp"

/* -1 with errno. */
static int open_attempt(int attempts_fd, struct name name)
{
  return openat(attempts_fd, name.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* By way of a rename, so that a keeper that reads it at this moment finds it whole. It is not synced: after a power cut
 * it is launched again. */
static bool write_plan(int directory, const struct blob *plan)
{
  CLEANUP_FD int fd = openat(directory, PLAN_UNFINISHED, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  return fd >= 0 && fd_write_all(fd, plan->data, plan->size) &&
         renameat(directory, PLAN_UNFINISHED, directory, ATTEMPT_PLAN) == 0;
}

bool attempt_make(int attempts_fd, struct name name, const struct blob *plan, struct error *error)
{
  if (mkdirat(attempts_fd, name.text, 0700) < 0 && errno != EEXIST)
    return error_errno(error, "cannot make the attempt's directory");
  CLEANUP_FD int directory = open_attempt(attempts_fd, name);
  if (directory < 0)
    return error_errno(error, "cannot open the attempt's directory");
  return write_plan(directory, plan) || error_errno(error, "cannot write the plan");
}

void attempt_revoke(int attempts_fd, struct name name)
{
  CLEANUP_FD int directory = open_attempt(attempts_fd, name);
  if (directory >= 0)
    (void)unlinkat(directory, ATTEMPT_PLAN, 0);
}

/* Its way leads through /proc, because a socket's address has room for 108 bytes only (unix(7)). */
static enum keeper_life connect_to_keeper(int attempts_fd, struct name name, int *ret_socket)
{
  CLEANUP_FD int directory = open_attempt(attempts_fd, name);
  if (directory < 0)
    return errno == ENOENT ? KEEPER_UNSEEN : KEEPER_UNKNOWN;
  CLEANUP_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return KEEPER_UNKNOWN;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" ATTEMPT_CONTROL, directory);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    switch (errno) {
    case ENOENT:
      return KEEPER_UNSEEN;
    case ECONNREFUSED:
      return KEEPER_DEAD;
    case EAGAIN: /* somebody listens, and has many who wait: a keeper that is frozen */
      return KEEPER_ALIVE;
    default:
      return KEEPER_UNKNOWN;
    }
  }
  *ret_socket = TAKE_FD(fd);
  return KEEPER_ALIVE;
}

void attempt_kill(int attempts_fd, struct name name, enum kill_reason reason)
{
  CLEANUP_FD int fd = -1;
  if (connect_to_keeper(attempts_fd, name, &fd) != KEEPER_ALIVE || fd < 0)
    return;
  struct control_message message = control_make(CONTROL_KILL, name.text);
  message.value = reason;
  (void)control_send(fd, &message, -1);
}

/* The process that listens. 0 where it cannot be seen from here. */
static pid_t peer_of(int fd)
{
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

/* A process that still listens when its pidfd is open already is the one that the pidfd means. */
enum keeper_life attempt_keeper(int attempts_fd, struct name name, int *ret_pidfd)
{
  CLEANUP_FD int before = -1, after = -1;
  *ret_pidfd = -1;
  enum keeper_life life = connect_to_keeper(attempts_fd, name, &before);
  pid_t pid = before >= 0 ? peer_of(before) : 0;
  CLEANUP_FD int pidfd = pid > 1 && pid != getpid() ? pidfd_open(pid, 0) : -1;
  if (pidfd < 0)
    return life;
  life = connect_to_keeper(attempts_fd, name, &after);
  if (after >= 0 && peer_of(after) == pid)
    *ret_pidfd = TAKE_FD(pidfd);
  return life;
}

void attempt_failure(int attempts_fd, struct name name, char text[static REASON_SIZE])
{
  text[0] = 0;
  CLEANUP_FD int directory = open_attempt(attempts_fd, name);
  CLEANUP_FD int fd =
    directory < 0 ? -1 : openat(directory, ATTEMPT_FAILURE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, REASON_SIZE - 1);
  if (length < 0)
    return;
  text[length] = 0;
  for (char *c = text; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      *c = c[1] ? ' ' : 0;
}
