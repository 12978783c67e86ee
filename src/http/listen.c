/* Addresses and listening sockets. */

#include "base/fd.h"
#include "base/number.h"
#include "http/server_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

/* What a socket is told; accepted ones inherit it from the listening one (tcp(7)), which saves the calls for each. */
static const struct {
  int level, name, value;
} tcp_options[] = {
  {SOL_SOCKET, SO_REUSEADDR, 1},
  {IPPROTO_TCP, TCP_NODELAY, 1},
  /* A client whose machine has vanished while it waits for a verdict sends nothing, not even its leave. */
  {SOL_SOCKET, SO_KEEPALIVE, 1},
  {IPPROTO_TCP, TCP_KEEPIDLE, 30},
  {IPPROTO_TCP, TCP_KEEPINTVL, 10},
  {IPPROTO_TCP, TCP_KEEPCNT, 3},
};

/* HOST:PORT or [HOST]:PORT into its two halves. */
static bool split_host_port(const char *address, char host[static NI_MAXHOST], const char **ret_port)
{
  const char *colon = strrchr(address, ':');
  if (!colon)
    return false;
  size_t length = (size_t)(colon - address);
  bool is_bracketed = length >= 2 && address[0] == '[' && colon[-1] == ']';
  if (is_bracketed) {
    address++;
    length -= 2;
  }
  bool has_colon = memchr(address, ':', length) != 0;
  uint64_t port;
  if (length == 0 || length >= NI_MAXHOST || has_colon != is_bracketed || !parse_u64_text(colon + 1, 65535, &port))
    return false;
  memcpy(host, address, length);
  host[length] = 0;
  *ret_port = colon + 1;
  return true;
}

static bool put_tcp_name(int fd, char ret_address[static 256], struct error *error)
{
  struct sockaddr_storage bound = {0};
  socklen_t size = sizeof bound;
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
    return error_errno(error, "cannot tell the port");
  int failed =
    getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  if (failed)
    return error_set(error, ERROR_INTERNAL, 0, "cannot tell the port: %s", gai_strerror(failed));
  snprintf(ret_address, 256, bound.ss_family == AF_INET6 ? "[%.200s]:%.8s" : "%.200s:%.8s", host, port);
  return true;
}

static bool set_tcp_options(int fd, struct error *error)
{
  for (size_t i = 0; i < sizeof tcp_options / sizeof *tcp_options; i++)
    if (setsockopt(fd, tcp_options[i].level, tcp_options[i].name, &tcp_options[i].value, sizeof(int)) < 0)
      return error_errno(error, "cannot set a socket option");
  return true;
}

static bool open_tcp(struct listening *listening, const char *address, char ret_address[static 256],
                     struct error *error)
{
  char host[NI_MAXHOST];
  const char *port;
  if (!split_host_port(address, host, &port))
    return error_set(error, ERROR_INVALID, EINVAL,
                     "not an address to listen on: use HOST:PORT, [V6HOST]:PORT or unix:/PATH");
  /* The same address everywhere, whatever /etc/hosts says; other names are not looked up: that could block for long. */
  const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  int failed = getaddrinfo(numeric, port, &hints, &found);
  if (failed)
    return error_set(error, ERROR_INVALID, EINVAL, "not a numeric host: %s", gai_strerror(failed));
  struct sockaddr_storage bound = {0};
  socklen_t size = found->ai_addrlen;
  memcpy(&bound, found->ai_addr, size);
  freeaddrinfo(found);

  CLEANUP_FD int fd = socket(bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return error_errno(error, "cannot make a socket");
  if (!set_tcp_options(fd, error))
    return false;
  if (bind(fd, (struct sockaddr *)&bound, size) < 0)
    return error_errno(error, "cannot bind");
  if (listen(fd, BACKLOG) < 0)
    return error_errno(error, "cannot listen");
  if (!put_tcp_name(fd, ret_address, error))
    return false;
  *listening = (struct listening){.fd = TAKE_FD(fd)};
  return true;
}

/* Unix sockets. */

/* A socket's file that nobody answers on is what a killed daemon leaves behind. */
static bool remove_stale(const struct sockaddr_un *path, struct error *error)
{
  struct stat status;
  if (lstat(path->sun_path, &status) < 0)
    return errno == ENOENT ? true : error_errno(error, "cannot stat");
  if (!S_ISSOCK(status.st_mode))
    return error_set(error, ERROR_CONFLICT, EEXIST, "in the way is a file that is not a socket");
  CLEANUP_FD int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return error_errno(error, "cannot make a socket");
  if (connect(probe, (const struct sockaddr *)path, sizeof *path) == 0 || errno != ECONNREFUSED)
    return error_set(error, ERROR_CONFLICT, EADDRINUSE,
                     "another process listens there: stop it, or choose another path");
  if (unlink(path->sun_path) < 0 && errno != ENOENT)
    return error_errno(error, "cannot remove the stale socket");
  return true;
}

static bool open_unix(struct listening *listening, const char *path, mode_t mode, char ret_address[static 256],
                      struct error *error)
{
  struct listening opened = {.fd = -1, .is_unix = true, .path = {.sun_family = AF_UNIX}};
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof opened.path.sun_path)
    return error_set(error, ERROR_INVALID, ENAMETOOLONG,
                     "the path has %zu bytes and must have 1 to %zu: choose another", length,
                     sizeof opened.path.sun_path - 1);
  memcpy(opened.path.sun_path, path, length + 1);
  CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return error_errno(error, "cannot make a socket");
  /* Linux makes the file with the mode of the socket's own inode, so nobody else can connect even for an instant; and
   * unlike umask(2) this does not touch what other threads create. */
  if (fchmod(fd, mode) < 0)
    return error_errno(error, "cannot set the socket's mode");
  if (!remove_stale(&opened.path, error))
    return false;
  if (bind(fd, (struct sockaddr *)&opened.path, sizeof opened.path) < 0)
    return error_errno(error, "cannot bind");
  /* bind(2) has taken the umask away from it (unix(7)). */
  if (chmod(path, mode) < 0)
    return error_errno(error, "cannot set the socket's mode");
  struct stat status;
  if (lstat(path, &status) < 0)
    return error_errno(error, "cannot stat");
  opened.device = status.st_dev;
  opened.inode = status.st_ino;
  if (listen(fd, BACKLOG) < 0)
    return error_errno(error, "cannot listen");
  snprintf(ret_address, 256, "unix:%.200s", path);
  opened.fd = TAKE_FD(fd);
  *listening = opened;
  return true;
}

bool listening_open(struct listening *listening, const char *address, mode_t mode, char ret_address[static 256],
                    struct error *error)
{
  static const char prefix[] = "unix:";
  bool is_unix = strncmp(address, prefix, strlen(prefix)) == 0;
  bool opened = is_unix ? open_unix(listening, address + strlen(prefix), mode, ret_address, error)
                        : open_tcp(listening, address, ret_address, error);
  return opened || error_wrap(error, "cannot listen on %s", address);
}

/* Sockets of somebody else. */

static int socket_option(int fd, int name)
{
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/* Without a path of ours to remove. */
static bool adopt_unix(struct listening *listening, int fd, char ret_address[static 256], struct error *error)
{
  struct sockaddr_un bound = {0};
  socklen_t size = sizeof bound;
  if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
    return error_errno(error, "cannot tell the path");
  bool is_abstract = !bound.sun_path[0];
  snprintf(ret_address, 256, "unix:%s%.107s", is_abstract ? "@" : "", bound.sun_path + is_abstract);
  *listening = (struct listening){.fd = fd, .is_unix = true};
  return true;
}

static bool adopt_tcp(struct listening *listening, int fd, char ret_address[static 256], struct error *error)
{
  if (!set_tcp_options(fd, error) || !put_tcp_name(fd, ret_address, error))
    return false;
  *listening = (struct listening){.fd = fd};
  return true;
}

bool listening_adopt(struct listening *listening, int given, char ret_address[static 256], struct error *error)
{
  CLEANUP_FD int fd = given;
  int domain = socket_option(fd, SO_DOMAIN);
  bool is_internet = domain == AF_INET || domain == AF_INET6;
  if (socket_option(fd, SO_ACCEPTCONN) != 1 || socket_option(fd, SO_TYPE) != SOCK_STREAM ||
      !(is_internet || domain == AF_UNIX))
    return error_set(error, ERROR_INVALID, EINVAL, "descriptor %d is not a TCP or Unix stream socket that listens", fd);
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
    return error_errno(error, "cannot set a descriptor's flags");
  bool adopted =
    is_internet ? adopt_tcp(listening, fd, ret_address, error) : adopt_unix(listening, fd, ret_address, error);
  if (adopted)
    (void)TAKE_FD(fd);
  return adopted;
}

void listening_close(struct listening *listening)
{
  struct stat status;
  const char *path = listening->path.sun_path;
  if (listening->is_unix && lstat(path, &status) == 0 && status.st_dev == listening->device &&
      status.st_ino == listening->inode)
    unlink(path);
  fd_close(TAKE_FD(listening->fd));
}
