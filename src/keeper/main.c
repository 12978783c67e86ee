/*
 * assay-keeper: runs untrusted programs, each in a sandbox of its own, and leaves evidence of each. It holds one slot of a
 * host and runs one program after another in it; or it is the first process of a container, and runs the one program that
 * the container was made for. It does not depend on the daemon being alive.
 *
 * Theory of operation
 *
 *     daemon ══ control socket ══ keeper ══ channel ══ init ── program ── whatever it starts
 *                                   ║                            │
 *                                   ╠════════ pipe ══════════ stdout
 *                                   ╠════════ pipe ══════════ stderr
 *                                   ╠═══ seccomp listener ═ its stops (capture.h)
 *                                   ╚══▶ evidence directory
 *
 *  keeper   this process, with one thread. At its start it opens all it needs of the host and moves into namespaces and a
 *           read-only root of its own (host.c, root.c), which every sandbox then copies cheaply. slot.c talks to the
 *           daemon, evaluation.c launches, supervise.c watches, outcome.c writes the record.
 *  init     a fork of the keeper, the first process in new user, pid, mount, ipc, uts and cgroup namespaces (sandbox.c
 *           from outside, init.c from inside). Mounts what is private to the evaluation (box.c), writes the plan's files,
 *           starts the program (program.c), reaps, and reports its end.
 *  program  never process 1, so that signals to itself mean what they say.
 *
 *  1. RUN comes with a plan. The evidence directory is made; it is there already: KNOWN.
 *  2. A sandbox stands ready in a cgroup of its own: while the slot was idle init was cloned, its ids were mapped, and it
 *     built what depends on no plan. The cgroup gets the plan's limits, init loads the plan and says READY. Whatever fails
 *     up to here is REFUSED and leaves nothing.
 *  3. The start marker is written (at most one start of an attempt), and init is told to run.
 *  4. The keeper takes in the output and watches the limits. Over a limit it kills init, and the kernel the rest.
 *  5. Init reports how the program ended, and exits; the kernel kills what is left of the tree.
 *  6. All streams are at their end, or have been held open too long: the exit record is written. ENDED.
 *  7. Init is reaped, so the tree is empty. IDLE. Evidence and cgroup stay until REMOVE.
 *
 *  The keeper dies: the kernel kills init (PR_SET_PDEATHSIG), and with it the tree. The daemon dies: the evaluation runs to
 *  its end, the evidence is written, and then the keeper goes too.
 *
 * In a container (wire/container.h) the same happens once, with these differences, all of which stand where the code asks
 * for host->contained:
 *
 *  - The container is the sandbox, and the keeper is process 1 of it. Nothing is mounted or unshared, and no cgroup is
 *    made: what a container really gives is looked at from inside (containment.c, cgroup_contained.c), and the record
 *    claims nothing else. Docker's own filter of system calls is in force too, and stricter where it is.
 *  - init is a plain fork and takes in orphans. When it is gone, whoever is left is killed, and every process but the
 *    keeper is the program's (sandbox.c). The keeper exits when nobody is left.
 *  - container.c takes slot.c's place: the plan lies in the attempt's directory, which only one keeper at a time touches,
 *    and what is asked for comes as a packet or as a signal.
 *  - The program's user id is none that owns the directory. The keeper has no rights but to become others and to kill
 *    them: files are made in the name of whose they are to be (file_owner.h).
 *
 * In a pod (wire/pod.h) it is the same as in a container, but that keeper and program have one user id, so that no file is the
 * keeper's alone. All that differs for this stands where the code asks for host->shares_uid:
 *
 *  - Nobody can look into keeper and init (PR_SET_DUMPABLE), signals from inside do nothing to the keeper, and what else one
 *    process may do to another of its user is refused to the program (seccomp_filter.h, "apart").
 *  - init can be killed by the program. Then that is how it ended: killed, by its own doing.
 *  - What capture keeps lies in memory, and goes out frame by frame into the container's log (log_writer.h). pod.c takes
 *    container.c's place.
 *
 *   assay-keeper --slot DIR --evidence DIR --uid-base N
 *                [--cgroup-v2 DIR [--v2-memory] [--v2-pids]] [--cgroup-memory DIR] [--cgroup-pids DIR]
 *                [--cgroup-cpuacct DIR] [--root-allow DIR]…
 *   assay-keeper --container DIR --name NAME
 *   assay-keeper --pod DIR --name NAME
 *   assay-keeper --install DIR --from DIR
 */

#include "base/log.h"
#include "keeper/container.h"
#include "keeper/pod.h"
#include "keeper/slot.h"
#include "wire/container.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A terminal's Ctrl-C is for the daemon, which stops without stopping what runs. Only QUIT and loneliness end a keeper.
 */
static void stand_apart(void)
{
  static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGPIPE, SIGXFSZ};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal(ignored[i], SIG_IGN);
  signal(SIGCHLD, SIG_DFL); /* ignored, it would make the kernel reap what is to be waited for */
  setsid();
}

/* So that no descriptor opened later can become one of the three. */
static void fill_standard_descriptors(void)
{
  int fd;
  do
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    close(fd);
}

static bool serve_slot(const struct options *options, int argc, char **argv, struct error *error)
{
  struct slot slot;
  static struct host host;
  if (!slot_open(&slot, options->slot_path, error) || !host_prepare(&host, options, error))
    return false;
  host.arguments = argv[1]; /* execve(2) lays them out one behind the other */
  host.arguments_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[1]);
  return slot_serve(&slot, &host, error);
}

int main(int argc, char **argv)
{
  struct options options;
  struct error error = {0};
  fill_standard_descriptors();
  stand_apart();
  bool done = options_parse(argc, argv, &options, &error);
  if (done && options.container_path)
    return container_run(&options, environ);
  if (done && options.pod_path)
    return pod_run(&options, environ);
  if (done && options.install_path) {
    if (pod_install(&options, &error))
      return EXIT_SUCCESS;
    log_error(0, "assay-keeper: %s", error.message);
    return CONTAINER_STATUS_NOT_STARTED;
  }
  done = done && serve_slot(&options, argc, argv, &error);
  if (!done)
    log_error(0, "assay-keeper: %s", error.message);
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
