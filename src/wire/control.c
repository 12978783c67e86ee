#include "wire/control.h"

#include "base/error.h"
#include "base/fd.h"
#include "wire/isolation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const char *control_type_name(enum control_type type)
{
  static const char *const names[] = {[CONTROL_NONE] = "none",
#define X(name, text) [CONTROL_##name] = text,
                                      CONTROL_MESSAGES(X)
#undef X
  };
  ASSERT((unsigned)type < CONTROL_TYPE_COUNT);
  return names[type];
}

struct control_message control_make(enum control_type type, const char *name)
{
  ASSERT(type > CONTROL_NONE && type < CONTROL_TYPE_COUNT);
  struct control_message message = {.magic = CONTROL_MAGIC, .type = type};
  int length = snprintf(message.name.text, sizeof message.name.text, "%s", name ? name : "");
  ASSERT(length >= 0 && (size_t)length < sizeof message.name.text);
  return message;
}

int control_send(int socket, const struct control_message *message, int fd)
{
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec packet = {(void *)message, sizeof *message};
  struct msghdr header = {.msg_iov = &packet, .msg_iovlen = 1};
  if (fd >= 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  ssize_t sent;
  do
    sent = sendmsg(socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

/* Types that speak of an attempt; the others may leave the name empty. */
static bool needs_name(uint32_t type)
{
  switch (type) {
  case CONTROL_RUN:
  case CONTROL_KILL:
  case CONTROL_REMOVE:
  case CONTROL_STARTED:
  case CONTROL_ENDED:
  case CONTROL_REFUSED:
  case CONTROL_KNOWN:
    return true;
  default:
    return false;
  }
}

static bool name_acceptable(const struct control_message *message)
{
  if (!memchr(message->name.text, 0, sizeof message->name.text))
    return false;
  char id[ID_SIZE];
  unsigned attempt;
  return message->name.text[0] ? name_parse(message->name.text, id, &attempt) : !needs_name(message->type);
}

static bool value_acceptable(const struct control_message *message)
{
  if (message->type == CONTROL_KILL)
    return message->value < KILL_REASON_COUNT;
  if (message->type == CONTROL_HELLO)
    return message->value < 1u << ISOLATION_FEATURE_COUNT;
  return true;
}

static bool message_acceptable(const struct control_message *message)
{
  return message->magic == CONTROL_MAGIC && message->type > CONTROL_NONE && message->type < CONTROL_TYPE_COUNT &&
         name_acceptable(message) && value_acceptable(message) && memchr(message->text, 0, sizeof message->text);
}

/* The descriptors that came along: the first is returned, or -1; all others are closed and counted. */
static int take_descriptors(struct msghdr *header, unsigned *ret_surplus)
{
  int first = -1;
  *ret_surplus = 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
      continue;
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      if (first < 0) {
        first = fd;
        continue;
      }
      fd_close(fd);
      (*ret_surplus)++;
    }
  }
  return first;
}

int control_receive(int socket, struct control_message *ret, int *ret_fd)
{
  /* CMSG_SPACE rounds up, so the kernel finds room for a second descriptor in it: hence the count (cmsg(3)). */
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct control_message message;
  struct iovec packet = {&message, sizeof message};
  struct msghdr header = {
    .msg_iov = &packet, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  do
    got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return errno == ECONNRESET ? 0 : -errno; /* reset: closed by the peer with packets of ours unread */
  unsigned surplus;
  CLEANUP_FD int fd = take_descriptors(&header, &surplus);
  if (got == 0)
    return 0;
  if ((size_t)got != sizeof message || header.msg_flags & MSG_TRUNC || surplus || !message_acceptable(&message))
    return -EPROTO;
  *ret = message;
  *ret_fd = TAKE_FD(fd);
  return 1;
}
