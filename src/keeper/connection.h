#pragma once

/*
 * The keeper's side of wire/control.h: a listening socket, and the newest connection to it. Whoever sends nonsense, or
 * does not listen, loses the connection and nothing else: the evidence says it all once more.
 */

#include "base/error.h"
#include "wire/control.h"

struct connection {
  int listener, socket; /* -1: none */
};

#define CONNECTION_NONE ((struct connection){-1, -1})

/* Makes the socket `name` in the directory and listens; what an earlier keeper left there is replaced. */
bool connection_listen(struct connection *connection, int directory, const char *name, struct error *error);
/* When the listener is readable: whoever has come takes the place of whoever was there. Read first what is there. */
bool connection_accept(struct connection *connection);
/* The next message, with its descriptor or -1; false where there is none for now, or nobody to send one. */
bool connection_receive(struct connection *connection, struct control_message *ret, int *ret_fd);
void connection_send(struct connection *connection, const struct control_message *message, int fd);
void connection_hang_up(struct connection *connection);
