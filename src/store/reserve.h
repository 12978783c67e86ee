#pragma once

/*
 * Room on the disk that nobody else can take: a file of the state directory with blocks and nothing in them. When the disk
 * is full it is given up, so that what is open gets its verdict; no new work is taken until it is there again.
 *
 * Any thread: the file is all there is.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Opens, and makes where there is none, STATE/reserve; nothing is reserved yet. -1 with `error` set. */
int reserve_open(const char *state_dir, struct error *error);

/* Reserves what is not reserved yet. False: there is no room. A file system that cannot reserve has no reserve. */
bool reserve_hold(int reserve);

/* False: there was nothing to give up. */
bool reserve_give_up(int reserve);

/* What the disk of this descriptor should always have free: less of a small one. */
uint64_t reserve_share(int fd, uint64_t bytes_most);
