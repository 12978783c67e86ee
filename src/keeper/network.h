#pragma once

/*
 * A network namespace with nothing in it but a loopback. Making one costs more than all other namespaces together, so
 * the keeper keeps one for its slot: a program has no capability to change it. What a program can leave behind are
 * sockets that outlive it (connections on their way to being closed), and with them taken ports; where any is left, the
 * next evaluation gets a fresh namespace.
 */

#include "base/error.h"

#include <stdbool.h>

enum { NETWORK_COUNTERS = 2 }; /* IPv4 and IPv6 */

struct network {
  int counters[NETWORK_COUNTERS]; /* sockstat files of this namespace; -1: the kernel lacks that protocol */
};

/* Moves the keeper into a new namespace. `proc` is the host's /proc. */
bool network_enter_fresh(struct network *network, int proc, struct error *error);
/* False where a socket of the last evaluation is left, or where that cannot be known. */
bool network_is_clean(const struct network *network);
void network_release(struct network *network);
