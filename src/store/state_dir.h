#pragma once

/*
 * The state directory and its lock. One daemon per directory: whoever holds the lock owns the database, the evidence
 * and the slots below it.
 *
 *   lock       flock(2) is held on it as long as a daemon lives; it says the daemon's pid, for people
 *   assay.db   the store (and assay.db-wal)
 *   reserve    room for verdicts when the disk is full
 *   outputs/   streams that are too large for the database
 *   evidence/  of the attempts
 *   native/    slots of the native backend
 */

#include "base/error.h"

/*
 * Makes the directory where there is none, with its parents and what is below it, for its owner alone (0700), and takes
 * the lock, for which it waits up to two seconds. Returns the descriptor that holds the lock: keep it open, close-on-exec,
 * as long as anything of the directory is used; closing it, or dying, gives the directory up. -1 with `error` set where it
 * cannot be used or another daemon has it.
 */
int state_dir_open(const char *path, struct error *error);
