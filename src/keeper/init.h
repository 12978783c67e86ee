#pragma once

/*
 * The inside of a sandbox: process 1 of its pid namespace (in a container: process 2), a fork of the keeper. It builds the sandbox, writes the
 * plan's files, starts the program under another user id where there is one, waits for every orphan, and reports
 * (channel.h). When it exits, for whatever reason, the kernel kills all that is left of the pid namespace; when the
 * keeper dies, the kernel kills init. The program cannot touch it.
 */

#include "keeper/cgroup.h"
#include "keeper/host.h"

struct init_files {
  int channel;
  int pipe[2]; /* writing ends: enum sandbox_pipe */
  struct cgroup_doors doors;
};

_Noreturn void init_main(const struct host *host, struct init_files files);
