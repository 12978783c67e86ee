#pragma once

/*
 * How a daemon and its keeper talk: packets over a SOCK_SEQPACKET Unix socket in the slot's directory. The keeper listens,
 * the daemon connects; a daemon that was killed and started again connects again and finds the keeper at its work. The
 * newest connection is the one that counts. Losing it never stops an evaluation: the keeper finishes, writes the evidence,
 * and exits when it is idle and alone.
 *
 * Every message is a hint or a request; the evidence alone says what happened. A packet of another size, magic or type
 * ends the connection.
 */

#include "wire/name.h"
#include "wire/record.h"

#define CONTROL_MESSAGES(X)                                                                                            \
  /* daemon to keeper */                                                                                               \
  X(RUN, "run")       /* name; one descriptor: a sealed memfd with the plan */                                         \
  X(KILL, "kill")     /* name, kill reason */                                                                          \
  X(REMOVE, "remove") /* name: delete evidence and cgroup; the verdict is durable */                                   \
  X(QUIT, "quit")     /* exit when idle */                                                                             \
  /* keeper to daemon */                                                                                               \
  X(HELLO, "hello")     /* on connect: isolation features it can give; name of what runs, or empty */                  \
  X(STARTED, "started") /* name; one descriptor: a pidfd of the sandbox's first process */                             \
  X(ENDED, "ended")     /* name: the exit record is in place */                                                        \
  X(IDLE, "idle")       /* the slot can take the next one */                                                           \
  X(REFUSED, "refused") /* name, text: could not be launched, nothing was started, no start marker was left */         \
  X(KNOWN, "known")     /* name: has a start marker already (law 2: a second launch adopts) */

enum control_type {
  CONTROL_NONE,
#define X(name, text) CONTROL_##name,
  CONTROL_MESSAGES(X)
#undef X
    CONTROL_TYPE_COUNT
};

struct control_message {
  uint32_t magic; /* CONTROL_MAGIC */
  uint32_t type;  /* enum control_type */
  uint32_t value; /* KILL: enum kill_reason; HELLO: enum isolation_feature bits */
  uint32_t code;  /* REFUSED: errno */
  struct name name;
  char text[REASON_SIZE];
};
enum { CONTROL_MAGIC = 0x41535931 };

const char *control_type_name(enum control_type type);
struct control_message control_make(enum control_type type, const char *name);

/* One packet, with at most one descriptor (`fd` -1: none). 0 or a negative errno. Never blocks on a non-blocking socket. */
int control_send(int socket, const struct control_message *message, int fd);
/* 1: a message, checked, strings terminated; `*ret_fd` is its descriptor (close-on-exec) or -1. 0: closed by the peer.
 * Negative errno: -EAGAIN nothing yet, -EPROTO nonsense (close the connection). */
int control_receive(int socket, struct control_message *ret, int *ret_fd);
