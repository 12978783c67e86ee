#include "daemon/supervisor.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3 };        /* SD_LISTEN_FDS_START */
enum { NOTIFY_SECONDS_MAX = 1 };  /* for a supervisor that does not read */
enum { WATCHDOG_MS_LEAST = 100 }; /* what we could not keep is not promised */

/* The number in a variable; `otherwise` where there is none. */
static uint64_t number_of(const char *name, uint64_t otherwise)
{
  const char *text = getenv(name);
  uint64_t number;
  return text && parse_u64_text(text, UINT64_MAX, &number) ? number : otherwise;
}

static bool take_sockets(struct supervisor *ret, struct error *error)
{
  uint64_t count = number_of("LISTEN_PID", 0) == (uint64_t)getpid() ? number_of("LISTEN_FDS", 0) : 0;
  if (count > SUPERVISOR_SOCKETS_MAX)
    return error_set(error, ERROR_INVALID, 0, "LISTEN_FDS: %llu sockets are more than %d", (unsigned long long)count,
                     SUPERVISOR_SOCKETS_MAX);
  for (unsigned i = 0; i < count; i++) {
    int fd = FIRST_SOCKET + (int)i;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
      return error_set(error, ERROR_INVALID, errno, "LISTEN_FDS: descriptor %d is not open", fd);
    ret->sockets[ret->socket_count++] = fd;
  }
  return true;
}

static void take_watchdog(struct supervisor *ret)
{
  uint64_t self = (uint64_t)getpid(), ms = number_of("WATCHDOG_USEC", 0) / 1000;
  if (ms && number_of("WATCHDOG_PID", self) == self)
    ret->watchdog_ms = ms < WATCHDOG_MS_LEAST ? WATCHDOG_MS_LEAST : ms;
}

bool supervisor_take(struct supervisor *ret, struct error *error)
{
  *ret = (struct supervisor){0};
  const char *path = getenv("NOTIFY_SOCKET");
  if (path && (*path == '/' || *path == '@'))
    ret->notify_path = xstrdup(path);
  take_watchdog(ret);
  bool good = take_sockets(ret, error);
  static const char *const names[] = {"LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES",
                                      "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unsetenv(names[i]);
  return good;
}

static bool send_to(const char *path, const char *state)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length >= sizeof address.sun_path)
    return errno = ENAMETOOLONG, false;
  memcpy(address.sun_path, path, length + 1);
  if (*path == '@') /* an abstract name begins with a NUL, and does not end with one (unix(7)) */
    address.sun_path[0] = 0;
  CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct timeval most = {.tv_sec = NOTIFY_SECONDS_MAX};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) < 0)
    return false;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) >= 0;
}

void supervisor_notify(const struct supervisor *supervisor, const char *state)
{
  if (supervisor->notify_path && !send_to(supervisor->notify_path, state))
    log_warning(0, "the supervisor does not hear %s: %s", state, strerror(errno));
}

void supervisor_release(struct supervisor *supervisor)
{
  for (unsigned i = 0; i < supervisor->socket_count; i++)
    fd_close(TAKE_FD(supervisor->sockets[i]));
  free(supervisor->notify_path);
  *supervisor = (struct supervisor){0};
}
