#pragma once

/*
 * A sandbox as the keeper sees it from outside: the process that is its init, two pipes, a channel (channel.h). What
 * happens inside is init.c's recipe.
 *
 * sandbox_create() can be called long before there is a plan: it starts everything that depends on none. Then
 * sandbox_load() with a plan, sandbox_run() for each step, sandbox_kill() at any time, sandbox_reap() until it is gone,
 * sandbox_release().
 */

#include "keeper/cgroup.h"
#include "keeper/channel.h"
#include "keeper/host.h"

#include <sys/types.h>

enum sandbox_pipe { SANDBOX_OUTPUT, SANDBOX_ERROR, SANDBOX_PIPES };

struct sandbox {
  pid_t init; /* 0: none */
  int pidfd;
  int channel;             /* non-blocking */
  int pipe[SANDBOX_PIPES]; /* reading ends, non-blocking */
};

/* `cgroup` may be NULL. On failure nothing is left. */
bool sandbox_create(struct sandbox *ret, const struct host *host, struct cgroup *cgroup, struct error *error);
bool sandbox_load(struct sandbox *sandbox, int plan, const char *id, struct error *error);
bool sandbox_run(struct sandbox *sandbox, enum step step);
/* Waits for the next report; false where none came. (Later ones are read from `channel` as they come, without waiting.)
 */
bool sandbox_await(struct sandbox *sandbox, unsigned ms_max, struct report *ret, int fds[static CHANNEL_FDS_MAX]);
void sandbox_kill(struct sandbox *sandbox);
/* True once init, and with it the last process of its pid namespace, is gone. */
bool sandbox_reap(struct sandbox *sandbox);
/* Field 22 of /proc/PID/stat of its init, against reuse of the pid; 0 where it cannot be read. */
uint64_t sandbox_start_ticks(const struct sandbox *sandbox, const struct host *host);
void sandbox_release(struct sandbox *sandbox);
