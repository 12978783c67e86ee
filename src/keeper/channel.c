#include "keeper/channel.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
  struct cmsghdr aligned;
  char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

int channel_send(int socket, const void *packet, size_t size, const int *fds, unsigned count)
{
  ASSERT(count <= CHANNEL_FDS_MAX);
  union control control = {0};
  struct iovec part = {(void *)packet, size};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  if (count) {
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
  }
  ssize_t sent;
  do
    sent = sendmsg(socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

int channel_receive(int socket, void *packet, size_t size, int fds[static CHANNEL_FDS_MAX])
{
  union control control = {0};
  struct iovec part = {packet, size};
  struct msghdr header = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t received;
  do
    received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0)
    return errno == ECONNRESET ? 0 : -errno;
  for (unsigned i = 0; i < CHANNEL_FDS_MAX; i++)
    fds[i] = -1;
  const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
  if (rights && rights->cmsg_type == SCM_RIGHTS)
    memcpy(fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
  if (received == 0)
    return 0;
  if ((size_t)received == size && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
    return 1;
  for (unsigned i = 0; i < CHANNEL_FDS_MAX; i++)
    fd_close(fds[i]);
  return -EPROTO;
}
