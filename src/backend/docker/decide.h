#pragma once

/*
 * How an attempt stands, by its keeper, its evidence and what Docker says of its container. Pure: no call, no clock, no
 * file, so that it is one table, and so that the simulator lies to it (tests/sim).
 *
 * A look asks the keeper first, reads the evidence second, and asks Docker where these two cannot tell (law 4):
 *
 *   record                                      it has ended: nobody else is asked
 *   start marker   keeper alive                 it runs
 *   start marker   keeper dead                  dead for certain; Docker is only asked for the reason
 *   no marker      keeper alive                 it is about to start
 *   no marker      no keeper     an image comes pending
 *   no marker      no keeper     no container   absent: nothing was started, and it may be launched
 *   no marker      no keeper     created        absent likewise: the launch finds the container and starts it
 *   no marker      no keeper     running        about to start
 *   no marker      no keeper     ended          it failed before it could start anything: removed, then absent
 *   anything else                               unknown
 *
 * Where the evidence lies in a volume of the engine's there is no socket here, so the keeper is never seen, and evidence is
 * fetched when Docker has said what there is (fetch.h): of a container that runs, whether its program has started; of one
 * that has ended, all of it; of one that is gone, what its volume holds.
 *
 * Whoever could be alive is asked before the evidence is read: what ends in between has left its record when it is read.
 * So after Docker has answered, keeper and evidence are looked at once more. And what was launched in between is not dead
 * because there was no container before: Docker's word on the end counts where the start was known before it was asked. An
 * error of Docker is no answer.
 */

#include "base/clock.h"
#include "base/limits.h"
#include "core/verdict.h"

#include <stdbool.h>

enum keeper_life {
  KEEPER_UNKNOWN, /* an error: says nothing */
  KEEPER_UNSEEN,  /* there is no socket: not come so far yet, or never started, or its directory is gone */
  KEEPER_ALIVE,
  KEEPER_DEAD, /* for certain, and so is all that it ran: it was the first process of its container */
};

/* What an engine says of a container: as much of it as is worth anything beside the evidence. inspect.h reads it. */

enum container_state {
  CONTAINER_CREATED, /* and not started, as far as the engine remembers */
  CONTAINER_RUNNING, /* or about to, or paused */
  CONTAINER_LEAVING, /* being removed */
  CONTAINER_ENDED,
};

struct container_seen {
  bool ours; /* its labels say that this instance made it for this attempt */
  enum container_state state;
  bool paused;
  bool in_volume;          /* keeper and evidence lie in a volume, not in a directory of this host */
  bool out_of_memory;      /* the kernel killed a process of it for memory */
  int exit_code;           /* ENDED; the engine's word, which may be invented */
  char error[REASON_SIZE]; /* of its start, printable; "" */
};

enum docker_word {
  DOCKER_NOT_ASKED,
  DOCKER_ERROR,
  DOCKER_ABSENT,
  DOCKER_STRANGER, /* a container that is not ours has its name */
  DOCKER_SEEN,
};

struct docker_view {
  struct mono now, asked_at; /* Docker, for the first time in this look */

  enum keeper_life keeper;
  bool found;    /* a directory of it is here */
  bool started;  /* the start marker was seen, here or in its volume */
  bool recorded; /* with outputs that fit the record */
  bool rebooted; /* its start marker is of another boot of the host that it ran on */

  bool here;            /* the engine can be asked */
  bool remote;          /* it does not see this host's files */
  bool volumes_used;    /* evidence may lie in volumes of it */
  const char *fetching; /* how far an image has come that its launch waits for, or NULL */
  enum docker_word word;
  bool started_before;             /* the start was known when Docker was asked for it */
  struct container_seen container; /* SEEN */
  const char *trouble;             /* ERROR, in words */
  bool fetched;                    /* what that word made worth fetching */
  const char *reason;              /* why the platform failed it, as far as is remembered; "" */
};

enum docker_step {
  DOCKER_TELL,
  DOCKER_ASK,
  DOCKER_ASK_AGAIN, /* in a moment */
  DOCKER_FETCH,     /* the evidence, from its volume */
  DOCKER_REMOVE,    /* it failed before it started anything; then tell ABSENT, and the next launch has its name */
};

struct docker_decision {
  enum docker_step step;
  enum presence presence; /* TELL */
  bool has_container;     /* TELL: a container of it is alive, and may be heard of */
  char text[REASON_SIZE]; /* TELL, for a person: how far it has come (PENDING), or what is known of why; "" */
};
void docker_decide(const struct docker_view *view, struct docker_decision *ret);
