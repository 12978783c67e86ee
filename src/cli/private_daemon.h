#pragma once

/*
 * An assayd for the length of one command, for `assay run` on a machine where none is up. It has its own temporary
 * state directory, listens on a Unix socket there that only this user can reach, and gets SIGTERM when this process
 * ends, however it ends. Stopping it waits for its end and removes the directory.
 */

#include "base/error.h"

struct private_daemon;

/*
 * Starts it and waits until it listens, or until `interrupts` is readable (EINTR). The error holds what it logged last,
 * where it did not come up. `backend` is the one that it shall have; NULL: its own default. Whose machine it is may name
 * any image.
 */
struct private_daemon *private_daemon_start(const char *backend, int interrupts, struct error *error);
const char *private_daemon_server(const struct private_daemon *daemon); /* "unix:/tmp/assay-…/socket" */
/* What it logged, for a person who has to find out why something went wrong. */
void private_daemon_print_log(const struct private_daemon *daemon);
void private_daemon_stop(struct private_daemon *daemon); /* accepts NULL */
