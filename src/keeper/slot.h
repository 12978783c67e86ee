#pragma once

/*
 * The slot's side of the keeper: the directory with the lock and the listening socket, the daemon's connection
 * (wire/control.h), and the loop that serves one evaluation after another until nobody wants any more.
 */

#include "keeper/connection.h"
#include "keeper/host.h"

struct slot {
  int directory, lock;
  struct connection daemon;
};

/* Takes the slot, as the only keeper of it, and starts to listen. Before host_prepare(), which hides the directory. */
bool slot_open(struct slot *ret, const char *path, struct error *error);

/* Serves until the daemon's connection has closed, or nobody came, and nothing runs. False where no sandbox can be
 * made. */
bool slot_serve(struct slot *slot, struct host *host, struct error *error);
