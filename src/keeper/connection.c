#include "keeper/connection.h"

#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4 };

/* By way of /proc/self/fd, since a socket's address has room for 108 bytes only (unix(7)). */
bool connection_listen(struct connection *connection, int directory, const char *name, struct error *error)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
  if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
    return error_errno(error, "cannot replace the socket \"%s\"", name);
  CLEANUP_FD int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0)
    return error_errno(error, "cannot listen on the socket \"%s\"", name);
  connection->listener = TAKE_FD(listener);
  return true;
}

bool connection_accept(struct connection *connection)
{
  int newest = accept4(connection->listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (newest < 0)
    return false;
  connection_hang_up(connection);
  connection->socket = newest;
  return true;
}

bool connection_receive(struct connection *connection, struct control_message *ret, int *ret_fd)
{
  if (connection->socket < 0)
    return false;
  int result = control_receive(connection->socket, ret, ret_fd);
  if (result != 1 && result != -EAGAIN)
    connection_hang_up(connection);
  return result == 1;
}

void connection_send(struct connection *connection, const struct control_message *message, int fd)
{
  if (connection->socket >= 0 && control_send(connection->socket, message, fd) < 0)
    connection_hang_up(connection);
}

void connection_hang_up(struct connection *connection)
{
  fd_close(connection->socket);
  connection->socket = -1;
}
