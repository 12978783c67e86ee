#pragma once

/*
 * The attempt's directory on this host, named as the attempt (wire/container.h says what is in it), and the keeper that
 * works in it. Nothing here asks the engine, nothing blocks, and no path comes from outside. `attempts_fd` is of the
 * directory of all of them. Whether it is a keeper in a container that writes there, or we who fetched what it wrote,
 * is all the same.
 */

#include "backend/docker/decide.h"
#include "base/error.h"
#include "base/memory.h"
#include "wire/container.h"
#include "wire/name.h"
#include "wire/record.h"

/* Makes the directory with the plan in it. What is there already stays: another launch of the same name adopts it. */
bool attempt_make(int attempts_fd, struct name name, const struct blob *plan, struct error *error);
/* Takes the plan away, so that a keeper that is started from now on has nothing to run; until attempt_make(). */
void attempt_revoke(int attempts_fd, struct name name);

/* `ret_pidfd` is of an ALIVE one, or -1 where its process is not to be seen from here: in a pid namespace that is not below
 * ours. The caller closes. */
enum keeper_life attempt_keeper(int attempts_fd, struct name name, int *ret_pidfd);
/* Asks the keeper to kill the program and to write its record. What it answers is learnt by looking. */
void attempt_kill(int attempts_fd, struct name name, enum kill_reason reason);

/* Why nothing was started, in the keeper's words, printable; "" where it has said nothing. */
void attempt_failure(int attempts_fd, struct name name, char text[static REASON_SIZE]);
