#pragma once

/*
 * A small world for the executor, wholly deterministic: the real core between a store, a backend and clients that are
 * made up, on a virtual clock, with faults drawn from a seed.
 *
 *   sim.c          the run: one heap of events ordered by time, and by the order of asking among equals; chance; the
 * trace sim_daemon.c   the daemon: incarnations of the executor, its world, crashes after any effect, recovery
 *   sim_store.c    the store: what is durable, what is only in memory, group commits that take time
 *   sim_backend.c  the backend: keepers, programs and evidence, all of which survive the daemon; hints and lies
 *   sim_clients.c  who submits, asks again, and cancels
 *   sim_check.c    what must hold after every step, and at rest
 *   sim_main.c     which runs are made: seeds with several kinds of weather, and a crash after each effect of short
 * scripts
 *
 * Truth is kept apart from what the executor is told: a `job` knows what its program does, an `attempt` what really
 * happened. The checks compare the two. Nothing here reads a clock or an address: a seed gives the same run everywhere.
 */

#include "core/executor.h"

#include <stdio.h>

struct sim;

/* ---- events ---- */

enum event_side {
  EVENT_WORLD,       /* happens whatever becomes of the daemon */
  EVENT_TO_DAEMON,   /* on its way to one incarnation of the daemon; lost with it */
  EVENT_FROM_DAEMON, /* a request on its way; when the daemon dies it may have been sent or not */
};

struct event {
  uint64_t at_us, sequence;
  enum event_side side;
  unsigned incarnation;
  void (*run)(struct sim *sim, struct event *event);
  char id[ID_SIZE];
  struct name name;
  uint64_t number;
  int value;
  void *owned; /* freed once the event was run or dropped */
};

/* ---- weather: how often things go wrong, out of 1000 ---- */

/* The first group must not change any verdict; the second is what the platform can do to an evaluation. */
#define WEATHER(X) OUTSIDE_WEATHER(X) PLATFORM_WEATHER(X)
#define OUTSIDE_WEATHER(X)                                                                                             \
  X(hint_lost)                                                                                                         \
  X(hint_doubled)                                                                                                      \
  X(hint_late)                                                                                                         \
  X(hint_bogus)                                                                                                        \
  X(crash)           /* of the daemon, for each second that it runs */                                                 \
  X(crash_at_effect) /* of the daemon, right after something it asked for, each time */                                \
  X(commit_slow)                                                                                                       \
  X(commit_fails)                                                                                                      \
  X(answer_late) /* of the backend */                                                                                  \
  X(id_repeated)                                                                                                       \
  X(fetch)      /* something has to be fetched before the first launch */                                              \
  X(wall_jumps) /* for each second */                                                                                  \
  X(busy)       /* the backend has no room although it said so */
#define PLATFORM_WEATHER(X)                                                                                            \
  X(launch_lost)                                                                                                       \
  X(launch_answer_lost)                                                                                                \
  X(observe_fails)                                                                                                     \
  X(kill_lost)                                                                                                         \
  X(unkillable)                                                                                                        \
  X(start_slow)                                                                                                        \
  X(fetch_hangs)                                                                                                       \
  X(keeper_dies)                                                                                                       \
  X(evidence_fails) /* ENOSPC while an output is saved */

struct weather {
#define X(name) unsigned name;
  WEATHER(X)
#undef X
};

/* ---- programs: what they do, and the verdict that is true of them ---- */

#define PROGRAMS(X)                                                                                                    \
  X(SUCCEEDS, COMPLETED)                                                                                               \
  X(FAILS, FAILED)                                                                                                     \
  X(CRASHES, FAILED)                                                                                                   \
  X(HANGS, TIMED_OUT)                                                                                                  \
  X(HOGS, OUT_OF_MEMORY)                                                                                               \
  X(FLOODS, OUTPUT_EXCEEDED)                                                                                           \
  X(UNRUNNABLE, NOT_STARTED) /* the keeper cannot execute it */                                                        \
  X(UNWANTED, NOT_STARTED)   /* the backend refuses it */

enum program {
#define X(name, verdict) PROGRAM_##name,
  PROGRAMS(X)
#undef X
    PROGRAM_COUNT
};

enum { WALL_LIMIT_MS = 2000, JOBS_MAX = 64, ATTEMPTS_MAX = 256, KEEPERS_MAX = 4 };

/* What a client wants, and what it was told. */
struct job {
  unsigned index;
  enum program program;
  uint64_t duration_us;
  unsigned attempts_max;
  int priority;
  bool with_key; /* asks again under the same key when no answer came */
  unsigned submissions;
  bool answered; /* told that it is durable, under this id: */
  char id[ID_SIZE];
  bool given_up;
  bool cancelled;                                                       /* asked for, and under way */
  enum fetch { FETCH_NOT_NEEDED, FETCH_NEEDED, FETCH_UNDER_WAY } fetch; /* what it needs is not there */
  uint64_t fetch_us;                                                    /* in a script; 0: by chance */
  uint64_t keeper_dies_after_us; /* in a script: in the first attempt; 0: never */

  /* As the daemon last said, to check the moves. */
  enum state state;
  unsigned state_incarnation;
  bool verdict_asked; /* in this incarnation the store was asked to write the verdict */
  /* Law 4: whether the second look was begun after the kill. In requests, counted from 1; 0: none. */
  uint64_t kill_request, answered_look_request;
};

/* What really happened to one attempt. It stays known here when the backend has forgotten it. */
struct attempt {
  struct name name;
  struct job *job;
  unsigned number;
  enum presence presence; /* PENDING, RUNNING, DEAD; ABSENT: the backend knows nothing of it (any more) */
  bool fetching;          /* a launch was answered so, and this daemon was not told of its end */
  unsigned starts;
  uint64_t started_us;
  bool evidence; /* its directory is there, with a start marker if it was ever started */
  bool recorded;
  struct record record;
  bool platform_failed; /* something went wrong here that may make it lost */
};

struct keeper {
  bool dead;
  struct attempt *attempt; /* NULL: idle */
};

struct sim_backend {
  struct keeper keepers[KEEPERS_MAX];
  unsigned keeper_count;
  struct attempt *attempts[ATTEMPTS_MAX];
  unsigned attempt_count;
};

/* ---- the store ---- */

struct row {
  char id[ID_SIZE];
  struct job *job;
  uint64_t sequence;
  unsigned attempt;
  bool cancelled, finished;
  struct verdict verdict;
};

enum write_kind { WRITE_ACCEPT, WRITE_ATTEMPT, WRITE_CANCEL, WRITE_FINISH };

struct write {
  enum write_kind kind;
  char id[ID_SIZE];
  struct job *job;
  unsigned attempt;
  struct verdict verdict;
  enum store_result result;
  uint64_t sequence;
  char standing_id[ID_SIZE];
};

enum { ROWS_MAX = 256, WRITES_MAX = 256 };

struct sim_store {
  struct row rows[ROWS_MAX]; /* durable */
  unsigned row_count;
  struct write waiting[WRITES_MAX], committing[WRITES_MAX]; /* in memory */
  unsigned waiting_count, committing_count;
  bool failed; /* a commit failed: nothing is written any more until the next start */
};

/* ---- the whole ---- */

enum coin { COIN_TOSS, COIN_NO, COIN_YES };

struct sim {
  /* chosen */
  uint64_t seed;
  struct weather weather; /* of this moment */
  struct weather climate; /* of the run: what may have gone wrong in it */
  bool trace;
  char replay[256];                            /* the command that does the same again */
  uint64_t crash_effects[2];                   /* die right after these effects; 0: never */
  enum coin commit_survives, requests_survive; /* a crash: was the commit under way durable, were requests sent */

  uint64_t random_state;
  uint64_t now_us;
  int64_t wall_offset_ms;
  struct event *heap;
  size_t heap_size, heap_capacity;
  uint64_t event_sequence, events_run;

  /* the daemon */
  struct executor *executor; /* NULL: down */
  unsigned incarnation;
  bool dying; /* it dies at the end of this step; what it asks for from here on is never heard */
  bool ticking;
  uint64_t effects, requests;
  unsigned slots;

  struct sim_backend backend;
  struct sim_store store;
  struct job jobs[JOBS_MAX];
  unsigned job_count;
};

/* sim.c */
void sim_init(struct sim *sim, uint64_t seed);
void sim_release(struct sim *sim);
void sim_clears_up_at(struct sim *sim, uint64_t at_us); /* the weather is fine from then on */
void sim_run(struct sim *sim); /* until nothing is left to happen, or a check failed, which ends the program */
uint64_t sim_random(struct sim *sim);
uint64_t sim_below(struct sim *sim, uint64_t bound);
uint64_t sim_between_us(struct sim *sim, uint64_t least_us, uint64_t most_us); /* short times are likelier */
bool sim_happens(struct sim *sim, unsigned per_mille);
bool sim_coin(struct sim *sim, enum coin coin);
struct event *sim_after(struct sim *sim, uint64_t delay_us, enum event_side side,
                        void (*run)(struct sim *sim, struct event *event)); /* valid until the next call */
__attribute__((format(printf, 2, 3))) void sim_trace(struct sim *sim, const char *format, ...);
__attribute__((format(printf, 2, 3))) _Noreturn void sim_fail(struct sim *sim, const char *format, ...);
/* Takes all requests on their way out of the heap when the daemon dies; each is carried out or was never sent. */
void sim_settle_requests(struct sim *sim);

/* sim_daemon.c */
void daemon_start(struct sim *sim);
void daemon_crash(struct sim *sim);
/* Around every call of the executor. daemon_enter() is false where the daemon is down. */
bool daemon_enter(struct sim *sim);
void daemon_leave(struct sim *sim);

/* sim_store.c */
void store_write(struct sim *sim, const struct write *write);
void store_crash(struct sim *sim);
const struct row *store_row(const struct sim *sim, const char *id);

/* sim_backend.c */
void sim_backend_start(struct sim *sim); /* a daemon connects: it is told the capacity, and fetches nothing yet */
void sim_backend_launch(struct sim *sim, struct name name, struct job *job);
void sim_backend_observe(struct sim *sim, struct name name, uint64_t request);
void sim_backend_kill(struct sim *sim, struct name name, enum kill_reason reason);
void sim_backend_remove(struct sim *sim, struct name name);
struct attempt *backend_attempt(struct sim *sim, const char *id, unsigned number); /* NULL: never launched */

/* sim_clients.c */
struct job *clients_add(struct sim *sim, uint64_t at_us);
void clients_cancel_at(struct sim *sim, struct job *job, uint64_t at_us);
struct evaluation *clients_draft(const struct job *job);
void clients_told(struct sim *sim, struct job *job, enum store_result result, const char *id);
void clients_told_cancelled(struct sim *sim, struct job *job, enum store_result result);

/* sim_check.c */
void check_step(struct sim *sim);
void check_launch(struct sim *sim, const struct evaluation *evaluation);
void check_remove(struct sim *sim, struct name name);
void check_move(struct sim *sim, struct job *job, const struct evaluation *evaluation);
void check_asks_for_verdict(struct sim *sim, struct job *job, const struct evaluation *evaluation);
void check_gives_up_attempt(struct sim *sim, struct job *job, const struct evaluation *evaluation);
void check_verdict(struct sim *sim, const struct row *row); /* as it becomes durable */
void check_rest(struct sim *sim);
enum verdict_kind program_verdict(enum program program);
const char *program_name(enum program program);
