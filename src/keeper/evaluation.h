#pragma once

/*
 * One attempt, from its plan to its record. The owner (slot.c, or container.c) launches it, polls the descriptors that evaluation_watch() names, and hands the answers to evaluation_handle(), until the
 * phase is IDLE again. Nothing here knows about sockets of a slot.
 *
 *   IDLE ─ launch ▶ RUNNING ─ the program is over ▶ ENDING ─ the record is in place ▶ CLEARING ─ the tree is empty ▶
 * IDLE
 */

#include "base/clock.h"
#include "keeper/capture.h"
#include "keeper/host.h"
#include "keeper/plan_map.h"
#include "keeper/sampler.h"
#include "keeper/sandbox.h"
#include "wire/name.h"

#include <poll.h>

enum evaluation_phase { PHASE_IDLE, PHASE_RUNNING, PHASE_ENDING, PHASE_CLEARING };

/* Called from within evaluation_launch() and evaluation_handle(); NULL where nobody wants to know. */
struct evaluation_events {
  void *context;
  void (*marked)(void *context, const struct start_marker *marker); /* it will start next */
  void (*started)(void *context, const char *name, int pidfd);      /* of the sandbox's init; borrowed */
  /* How it ended, with all its output. NULL: that goes into the directory as `exit`. */
  void (*recorded)(void *context, const struct capture *capture, const struct record *record);
  void (*ended)(void *context, const char *name); /* the exit record is in place */
  void (*idle)(void *context);                    /* the tree is empty: ready for the next */
};

enum launch_outcome {
  LAUNCH_DONE,    /* started; or ended already, with a record, where the plan was at fault */
  LAUNCH_KNOWN,   /* of this name there is evidence already */
  LAUNCH_REFUSED, /* the platform could not, and nothing ran or is left; see the error */
};

/* What poll(2) is to watch, in this order. */
enum { WATCH_STOPS, WATCH_OUTPUT, WATCH_ERROR, WATCH_REPORTS, WATCH_INIT, WATCH_TIMER, WATCH_COUNT };

struct evaluation {
  struct host *host;
  struct evaluation_events events;
  enum evaluation_phase phase;

  struct name name;
  char id[ID_SIZE];
  struct plan_map mapped;

  int directory, reserved;       /* of its evidence; for its exit record */
  struct sandbox sandbox, spare; /* the one in use; the next one, made ahead */
  struct capture capture;
  struct sampler sampler;
  int stops; /* listener, or -1 */
  int timer;

  struct record record; /* filled in as things become known */
  struct mono step_started;
  uint64_t waited_before_us; /* for a processor, by the keeper, up to then (stall.h) */
  uint64_t init_cpu_us;      /* what init used in the cgroup, before the program: not the program's own */
  uint64_t compile_cpu_us;   /* what the compile step used: not the run's */
  uint64_t waited_cpu_us, waited_peak_bytes; /* of all processes that init waited for, as it reported */

  enum kill_reason kill_reason;                                       /* why it was killed, if it was */
  struct mono cpu_check, memory_check, sample_at, over_at, killed_at; /* 0: not */
  struct mono armed;                                                  /* what the timer stands at */
};

void evaluation_init(struct evaluation *evaluation, struct host *host, const struct evaluation_events *events);
/* While it is idle: makes the next sandbox ahead, which takes that off the next launch. False where none can be made.
 */
bool evaluation_prepare(struct evaluation *evaluation, struct error *error);
void evaluation_release(struct evaluation *evaluation); /* while it is idle */
/* `plan` is a sealed memfd, or a file that nobody changes; it remains the caller's. */
enum launch_outcome evaluation_launch(struct evaluation *evaluation, const char *name, int plan, struct error *error);
void evaluation_watch(struct evaluation *evaluation, struct pollfd watch[static WATCH_COUNT]);
void evaluation_handle(struct evaluation *evaluation, const struct pollfd watch[static WATCH_COUNT]);
/* Kills the whole tree, unless the program has ended on its own already. */
void evaluation_kill(struct evaluation *evaluation, enum kill_reason reason);
/* The same where the platform is at fault, or somebody outside of it, and the program is not: the record will say so. */
void evaluation_abandon(struct evaluation *evaluation, int code, const char *text);
