#pragma once

/*
 * The daemon: the executor in the real world. One thread with one loop; beside it only the store's thread.
 *
 * Starting is recovering: the store's open evaluations are looked at before anything new is launched, whatever ended
 * the daemon before. Stopping is leaving: keepers finish what runs, and the next start collects it.
 */

#include "daemon/config.h"
#include "daemon/supervisor.h"

struct daemon;

/* Opens the state directory and the store, starts or adopts keepers, recovers, and listens: on the addresses of the
 * configuration and on the sockets of `supervisor`, which it takes; it borrows the rest. Takes `runtimes`, also when it
 * fails. */
struct daemon *daemon_create(const struct config *config, struct supervisor *supervisor, struct runtimes *runtimes,
                             struct error *error);
/* Serves until SIGTERM, SIGINT, or until the store fails. False: it must be started again to recover. */
bool daemon_run(struct daemon *daemon);
void daemon_destroy(struct daemon *daemon); /* accepts NULL */
