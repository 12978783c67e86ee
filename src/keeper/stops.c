#include "keeper/stops.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

void stops_tune(int listener)
{
  (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

bool stop_take(int listener, struct stop *ret)
{
  /* A newer kernel may write more than the structure of the headers we were built with. */
  union {
    struct seccomp_notif notice;
    char room[512];
  } received;
  memset(&received, 0, sizeof received);
  int result;
  do
    result = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &received.notice);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    return false;
  ret->id = received.notice.id;
  return true;
}

void stop_continue(int listener, const struct stop *stop)
{
  union {
    struct seccomp_notif_resp answer;
    char room[512];
  } sent;
  memset(&sent, 0, sizeof sent);
  sent.answer.id = stop->id;
  sent.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &sent.answer);
}
