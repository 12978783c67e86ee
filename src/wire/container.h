#pragma once

/*
 * What a backend of containers and the keeper in a container agree on. The keeper is process 1 of the container, and the
 * container is its sandbox: it runs the one plan that lies in its attempt's directory, leaves the evidence (record.h)
 * beside it, and exits.
 *
 *     /assay/keeper --container /assay/attempt --name assay-<id>-<attempt>
 *
 * The attempt's directory, mode 0700, holds besides the evidence:
 *
 *   plan      in: the encoded plan (plan.h)
 *   control   out: a listening SOCK_SEQPACKET socket (control.h), made before the start marker. Whoever can connect knows
 *             that the keeper lives; ECONNREFUSED says that it is dead. It obeys KILL, and nothing else
 *   failure   out: why nothing was started, as text for a person; only where there is no start marker. The plan's own
 *             faults are not this: they have a record
 *
 * Where the daemon does not share a file system with the container, signals stand for the socket. What comes from outside,
 * as `docker stop` does, is SIGTERM: the tree is killed, and the record says that this was not the program's doing.
 *
 * The keeper exits with 0 once the record is in place and no other process is left; with 125 where it started nothing. Of
 * several containers of one attempt one runs it, and the others do not even write `failure`.
 *
 * The keeper makes its files in the name of the directory's owner, so it needs no right to all files; and the program is
 * never that user. Of capabilities it needs SETUID, SETGID and KILL.
 */

#include <signal.h>

#define CONTAINER_DIRECTORY "/assay" /* nobody but root may write to it */
#define CONTAINER_KEEPER_PATH "/assay/keeper"
#define CONTAINER_ATTEMPT_PATH "/assay/attempt"

#define ATTEMPT_PLAN "plan"
#define ATTEMPT_CONTROL "control"
#define ATTEMPT_FAILURE "failure"

enum {
  CONTAINER_SIGNAL_CANCEL = SIGUSR1,   /* as KILL with KILLED_CANCELLED */
  CONTAINER_SIGNAL_DEADLINE = SIGUSR2, /* as KILL with KILLED_DEADLINE */
  CONTAINER_SIGNAL_STOP = SIGTERM,     /* somebody outside wants it to end */
};

enum { CONTAINER_STATUS_NOT_STARTED = 125 };

/* What the keeper needs beside the program: processes (itself and its init), and memory in the same cgroup. It has use for
 * two MiB; the rest is for what the kernel keeps of the evidence, which can be given back only if it lies on a disk. */
enum { CONTAINER_PROCESSES = 2 };
#define CONTAINER_MEMORY_BYTES MIB(8)
