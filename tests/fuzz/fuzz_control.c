/*
 * What comes over a slot's socket, to the daemon and to the keeper: a packet of the input, and once more with the right
 * magic and size, which a fuzzer finds late. One that is taken has a known type, whole strings and a value that its type
 * allows, and is the same after it has been sent on.
 */

#include "base/fd.h"
#include "wire/control.h"
#include "wire/isolation.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sockets[2] = {-1, -1};

static void check_message(const struct control_message *message)
{
  char id[ID_SIZE];
  unsigned attempt;
  ASSERT(message->magic == CONTROL_MAGIC && message->type > CONTROL_NONE && message->type < CONTROL_TYPE_COUNT);
  ASSERT(*control_type_name(message->type));
  ASSERT(memchr(message->name.text, 0, sizeof message->name.text));
  ASSERT(memchr(message->text, 0, sizeof message->text));
  ASSERT(!message->name.text[0] || name_parse(message->name.text, id, &attempt));
  ASSERT(message->type != CONTROL_KILL || *kill_reason_name(message->value));
  ASSERT(message->type != CONTROL_HELLO || message->value >> ISOLATION_FEATURE_COUNT == 0);
}

static void receive(void)
{
  struct control_message message, again;
  int fd = -1, result = control_receive(sockets[1], &message, &fd);
  ASSERT(fd == -1 && (result == 1 || result == 0 || result == -EPROTO));
  if (result != 1)
    return;
  check_message(&message);
  ASSERT(control_send(sockets[0], &message, -1) == 0);
  ASSERT(control_receive(sockets[1], &again, &fd) == 1 && fd == -1);
  ASSERT(memcmp(&message, &again, sizeof message) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (sockets[0] < 0)
    ASSERT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) == 0);
  if (size && send(sockets[0], data, size, MSG_NOSIGNAL) == (ssize_t)size)
    receive();
  struct control_message message = {0};
  memcpy(&message, data, size < sizeof message ? size : sizeof message);
  message.magic = CONTROL_MAGIC;
  message.type %= CONTROL_TYPE_COUNT + 1;
  ASSERT(control_send(sockets[0], &message, -1) == 0);
  receive();
  return 0;
}
