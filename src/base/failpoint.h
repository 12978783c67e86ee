#pragma once

/*
 * Failpoints: named places at the boundaries where a crash matters (between an effect and what follows from it), at which
 * a test lets a process die, dawdle or fail. They exist in test builds only (`meson setup -Dfailpoints=true`); in what is
 * shipped the macros are nothing, and no name of the table is left.
 *
 * One is armed at a time, by the environment, which assayd hands on to its keepers:
 *
 *     ASSAY_FAILPOINT=NAME:HIT:ACTION:DIRECTORY
 *
 * At its HITth passing (1, 2, …) it does ACTION: `kill` the process with SIGKILL, `sleep` for half a second, or `error`,
 * at those that can fail. In that instant it makes a file with its name in DIRECTORY, so that the test sees that the place
 * was reached. Where there is one already it does nothing: the next keeper in a slot does not die of what killed the one
 * before. A setting that makes no sense ends the process at its start.
 */

#include <stdbool.h>

/* name, whether it can fail, what has happened when it is passed */
#define FAILPOINTS(X)                                                                                                  \
  /* assayd, its loop */                                                                                               \
  X(recover_begun, false, "the store is open, the keepers are there, and nothing open was looked at yet")              \
  X(recover_asked, false, "everything open is being looked at, and no client can connect yet")                         \
  X(accept_asked, false, "an acceptance is about to be handed to the store")                                           \
  X(accept_durable, false, "it is durable, and the client was not answered")                                           \
  X(accept_told, false, "the client's answer is on its way")                                                           \
  X(launch_asked, false, "a backend is about to be told to launch")                                                    \
  X(launch_sent, false, "the plan was sent to a keeper, and not answered")                                             \
  X(seen, false, "evidence was read, and nothing was concluded from it")                                               \
  X(attempt_asked, false, "the next attempt is about to be handed to the store")                                       \
  X(attempt_durable, false, "it is durable, and nothing was made of it")                                               \
  X(cancel_asked, false, "a cancellation is about to be handed to the store")                                          \
  X(cancel_durable, false, "it is durable, and the client was not answered")                                           \
  X(kill_asked, false, "a backend is about to be told to kill")                                                        \
  X(finish_asked, false, "output is gathered, and the verdict about to be handed to the store")                        \
  X(finish_durable, false, "the verdict is durable, nobody was told, and nothing removed")                             \
  X(remove_asked, false, "a backend is about to be told to remove")                                                    \
  X(remove_sent, false, "it was told")                                                                                 \
  /* assayd, the store's thread */                                                                                     \
  X(commit_begun, false, "a transaction was begun")                                                                    \
  X(output_kept, true, "an output file is synced and has its name, and the verdict is not committed")                  \
  X(commit_ready, true, "all of the transaction was written, and it is not committed")                                 \
  X(commit_done, false, "it is committed, and the loop does not know")                                                 \
  /* assay-keeper */                                                                                                   \
  X(evidence_made, true, "the evidence directory is there, and nothing in it")                                         \
  X(plan_loaded, false, "the sandbox is ready to run, and has no start marker")                                        \
  X(start_marked, false, "the start marker is there, and the program was not let go")                                  \
  X(program_runs, false, "the program was let go, and the daemon was not told")                                        \
  X(started_told, false, "the daemon was told that it was started")                                                    \
  X(program_ended, false, "the program has ended, and there is no exit record")                                        \
  X(record_written, true, "the exit record is written, and has not its name")                                          \
  X(record_named, false, "the exit record is there, and the daemon was not told")                                      \
  X(ended_told, false, "the daemon was told that it has ended")                                                        \
  X(idle_told, false, "the daemon was told that the slot is free")                                                     \
  X(remove_begun, false, "removing an attempt was asked for")                                                          \
  X(cgroup_removed, false, "its cgroup is gone, and its evidence is there")                                            \
  X(remove_done, false, "its evidence is gone too")

#ifdef ASSAY_FAILPOINTS

enum failpoint {
#define X(name, can_fail, when) FAILPOINT_##name,
  FAILPOINTS(X)
#undef X
    FAILPOINT_COUNT
};

/* True where the caller is to fail; errno is EIO then. */
bool failpoint_passed(enum failpoint point);
/* "ASSAY_FAILPOINT=…", for a child's environment; NULL where nothing is armed. */
char *failpoint_variable(void);

#define FAILPOINT(name) ((void)failpoint_passed(FAILPOINT_##name))
#define FAILPOINT_FAILS(name) failpoint_passed(FAILPOINT_##name)

#else

#define FAILPOINT(name) ((void)0)
#define FAILPOINT_FAILS(name) false
#define failpoint_variable() ((char *)0)

#endif
