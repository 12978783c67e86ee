#pragma once

/*
 * A sandbox as the keeper sees it from outside: the process that is its init, two pipes, a channel (channel.h). What
 * happens inside is init.c's recipe.
 *
 * sandbox_create() can be called long before there is a plan: it starts everything that depends on none. Then
 * sandbox_load() with a plan, sandbox_run() for each step, sandbox_kill() at any time, sandbox_reap() until it is gone,
 * sandbox_release().
 *
 * In a container the sandbox is there already, and all of it but the keeper is init and what descends from it. Then init
 * is a plain fork, every orphan of it comes to the keeper, which is process 1, and to kill the sandbox is to kill all
 * that can be seen.
 */

#include "keeper/cgroup.h"
#include "keeper/channel.h"
#include "keeper/host.h"

#include <sys/types.h>

enum sandbox_pipe { SANDBOX_OUTPUT, SANDBOX_ERROR, SANDBOX_PIPES };

struct sandbox {
  pid_t init; /* 0: none */
  int pidfd;  /* -1: none; in a container SIGCHLD tells of its end */
  bool contained;
  uint64_t start_ticks;    /* field 22 of /proc/PID/stat of its init, against reuse of the pid; 0: not known */
  int channel;             /* non-blocking */
  int pipe[SANDBOX_PIPES]; /* reading ends, non-blocking */
  struct cgroup cgroup;    /* what it runs in, from its first instruction on; made with it */
  bool built;
};

#define SANDBOX_NONE ((struct sandbox){.pidfd = -1, .channel = -1, .pipe = {-1, -1}, .cgroup = CGROUP_NONE})

/* On failure nothing is left. */
bool sandbox_create(struct sandbox *ret, const struct host *host, struct error *error);
/* Waits until it is built; to be called before sandbox_load(). */
bool sandbox_await_built(struct sandbox *sandbox, struct error *error);
bool sandbox_load(struct sandbox *sandbox, int plan, const char *id, struct error *error);
bool sandbox_run(struct sandbox *sandbox, enum step step);
/* Waits for the report on sandbox_load(). (Later ones are read from `channel` as they come, without waiting.) */
bool sandbox_await_loaded(struct sandbox *sandbox, struct report *ret, int fds[static CHANNEL_FDS_MAX],
                          struct error *error);
void sandbox_kill(struct sandbox *sandbox);
/* True once init, and with it the last process of its pid namespace, is gone. */
bool sandbox_reap(struct sandbox *sandbox);
void sandbox_release(struct sandbox *sandbox); /* the cgroup stays, for cgroup_remove() */
/* Kills it, waits for it, releases it and removes its cgroup: only for one in which no program was started. */
void sandbox_destroy(struct sandbox *sandbox);
