#pragma once

/*
 * A small world for the executor, wholly deterministic: the real core between a store, a backend and clients that are
 * made up, on a virtual clock, with troubles drawn from a seed.
 *
 *   sim.c          one world: its heap of events, ordered by time, and by the order of asking among equals; the trace
 *   sim_chance.c   the streams of chance, and which troubles strike
 *   sim_daemon.c   the daemon: incarnations of the executor, its world, crashes after any effect, recovery
 *   sim_store.c    the store: what is durable, what is only in memory, group commits that take time
 *   sim_backend.c  the backend: keepers, programs and evidence, all of which survive the daemon; hints and lies
 *   sim_docker.c   how Docker tells of it, and what the Docker backend's own table makes of that
 *   sim_kubernetes.c   the same for Kubernetes
 *   sim_clients.c  who submits, asks again, hangs up, and cancels
 *   sim_turns.c    what must hold between clients that share the slots
 *   sim_check.c    what must hold after every step, and at rest
 *   sim_weather.c  runs from a seed: what is submitted, and what may go wrong
 *   sim_script.c   short runs that are written down, for a crash after each effect
 *   sim_run.c      a run as words
 *   sim_shrink.c   makes a run that fails as small as it can be
 *   sim_main.c     which runs are made, on all processors
 *
 * Truth is kept apart from what the executor is told: a `job` knows what its program does, an `attempt` what really
 * happened. The checks compare the two. Nothing here reads a clock or an address: a seed gives the same run everywhere.
 */

#include "backend/kubernetes/decide.h"
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
  struct name name;
  uint64_t number;
  int value;
  void *owned; /* freed once the event was run or dropped */
};

/* ---- troubles: what can go wrong, and how often at most when a seed draws its own mix, out of 1000 ---- */

/* The first group must not change any verdict; the second is what the platform can do to an evaluation. The other two are the
 * same of a cluster. (What a seed draws for those before them does not depend on them.) */
#define TROUBLES(X) OUTSIDE_TROUBLES(X) PLATFORM_TROUBLES(X) CLUSTER_OUTSIDE_TROUBLES(X) CLUSTER_PLATFORM_TROUBLES(X)
#define OUTSIDE_TROUBLES(X)                                                                                            \
  X(HINT_LOST, "hint_lost", 1000)                                                                                      \
  X(HINT_DOUBLED, "hint_doubled", 300)                                                                                 \
  X(HINT_LATE, "hint_late", 500)                                                                                       \
  X(HINT_BOGUS, "hint_bogus", 300)                                                                                     \
  X(CRASH, "crash", 100)                    /* of the daemon, for each second that it runs */                          \
  X(CRASH_AT_EFFECT, "crash_at_effect", 30) /* of the daemon, right after something it asked for, each time */         \
  X(STOP, "stop", 50)                       /* SIGTERM, for each second; it takes nothing new and then ends */         \
  X(COMMIT_SLOW, "commit_slow", 100)                                                                                   \
  X(COMMIT_FAILS, "commit_fails", 20) /* EIO on fsync */                                                               \
  X(DISK_FULL, "disk_full", 500)      /* nothing new is taken; what is open is finished */                             \
  X(ANSWER_LATE, "answer_late", 200)  /* of the backend */                                                             \
  X(CLIENT_LEAVES, "client_leaves", 300)                                                                               \
  X(ID_REPEATED, "id_repeated", 300)                                                                                   \
  X(FETCH, "fetch", 500)           /* something has to be fetched before the first launch */                           \
  X(WALL_JUMPS, "wall_jumps", 200) /* for each second */                                                               \
  X(BUSY, "busy", 300)             /* the backend has no room although it said so */
#define PLATFORM_TROUBLES(X)                                                                                           \
  X(LAUNCH_LOST, "launch_lost", 300)                                                                                   \
  X(LAUNCH_ANSWER_LOST, "launch_answer_lost", 500)                                                                     \
  X(OBSERVE_FAILS, "observe_fails", 900)                                                                               \
  X(SAYS_CREATED, "says_created", 100) /* or nothing of it at all, though it runs */                                   \
  X(SAYS_ENDED, "says_ended", 100)     /* with an exit code that is made up */                                         \
  X(SAYS_RUNNING, "says_running", 200) /* though it is dead */                                                         \
  X(KILL_LOST, "kill_lost", 500)                                                                                       \
  X(UNKILLABLE, "unkillable", 300)                                                                                     \
  X(START_SLOW, "start_slow", 100)                                                                                     \
  X(FETCH_HANGS, "fetch_hangs", 100)                                                                                   \
  X(KEEPER_DIES, "keeper_dies", 300)                                                                                   \
  X(KEEPER_FREEZES, "keeper_freezes", 200)                                                                             \
  X(REMOVED_BY_HAND, "removed_by_hand", 200)                                                                           \
  X(REBOOT, "reboot", 30)                  /* for each second that the daemon runs */                                  \
  X(EVIDENCE_FAILS, "evidence_fails", 100) /* ENOSPC while an output is saved: flagged */                              \
  X(OUTPUT_LOST, "output_lost", 100)       /* of an output that was saved, so that the record does not fit it */
#define CLUSTER_OUTSIDE_TROUBLES(X)                                                                                    \
  X(TWO_PODS, "two_pods", 300)               /* for one Job; the other one never runs */                               \
  X(CONDITION_EARLY, "condition_early", 300) /* the Job has ended, and its pod has not */                              \
  X(LOG_GONE, "log_gone", 200)               /* of a pod that has ended */                                             \
  X(LOG_IS_ERROR, "log_is_error", 500)       /* 200, and an error text in the place of the log, or half of it */
#define CLUSTER_PLATFORM_TROUBLES(X)                                                                                   \
  X(MESSAGE_GONE, "message_gone", 200) /* the termination message, with the other record */                            \
  X(POD_HIDDEN, "pod_hidden", 200)     /* there is one, and it is in no list */                                        \
  X(JOB_DELETED, "job_deleted", 200)   /* by hand, and its pod with it */

enum trouble {
#define X(name, text, most) TROUBLE_##name,
  TROUBLES(X)
#undef X
    TROUBLE_COUNT
};

/* How often each strikes, out of 1000. */
struct weather {
  unsigned per_mille[TROUBLE_COUNT];
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

enum { CLIENTS = 3, PRIORITIES = 3 };
enum { WALL_LIMIT_MS = 2000, JOBS_MAX = 24, ATTEMPTS_MAX = 3 * JOBS_MAX, KEEPERS_MAX = 4 };

/* ---- chance ---- */

struct chance {
  uint64_t state;
};
struct chance chance_of(uint64_t seed, uint64_t stream);
uint64_t chance_below(struct chance *chance, uint64_t bound);
uint64_t chance_between_us(struct chance *chance, uint64_t least_us, uint64_t most_us); /* short times are likelier */

/* ---- clients ---- */

/* What a client wants, and what it was told. */
struct job {
  unsigned index;
  struct chance chance;
  enum program program;
  uint64_t duration_us, output_bytes;
  unsigned attempts_max;
  unsigned client;
  int priority;
  unsigned key; /* 0: none. Who has one asks again when no answer came; who has another's is told of a conflict */
  unsigned submissions;
  bool left_out; /* never submitted: the run is being shrunk */
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
  uint64_t entered_us;
  bool overdue;            /* a state of this attempt has lasted longer than it may */
  bool cancellation_known; /* this incarnation has been told that it is durable */
  bool verdict_asked;      /* in this incarnation the store was asked to write the verdict */
  /* Law 4: whether the second look was begun after the kill. In requests, counted from 1; 0: none. */
  uint64_t kill_request, answered_look_request;
};

/* ---- the backend ---- */

/* Which one it is: Docker with the evidence on this host, or in volumes of its own. */
#define BACKENDS(X) X(NATIVE, "native") X(DOCKER, "docker") X(VOLUME, "volume") X(KUBERNETES, "kubernetes")

enum backend_kind {
  BACKEND_DRAWN, /* by the seed */
#define X(name, text) BACKEND_##name,
  BACKENDS(X)
#undef X
    BACKEND_COUNT
};

/* What a cluster has of an attempt beside the pod that counts, and what the daemon keeps of it. */
struct cluster_attempt {
  uint64_t pod_made_us;
  bool deleted;        /* Job and pod, by us or by hand; our finalizer keeps them */
  bool starts_deleted; /* its node is about to start it all the same, and will hear of that */
  bool log_gone, message_gone;
  bool log_is_short; /* all of it is in the message too */
  char pod; /* which of the two that there may be, 'a' or 'b', this one is; only the other's name is known of that */
  bool granted; /* it may start; so the other never does */
  bool ready;   /* its node has all that it needs for that */
  struct other_pod {
    uint64_t made_us; /* 0: there is none */
    bool over;        /* it has ended, and never ran; else it waits */
    int age;          /* against this one: 1 is older, -1 younger, 0 of the same second */
  } other;
  /* On the daemon's host, in the attempt's directory: */
  bool ran;
  char granted_pod;        /* synced; 0: none is yet */
  enum kill_reason killed; /* why we deleted its pod; NONE: we did not */
  bool output_lost;        /* the log was not to be had: the record is here, but no output */
  bool output_given_up;    /* so, though it was to be had */
  struct kube_memory
    memory;          /* of this incarnation, as is what the watch has told it last, and no look has taken yet: */
  struct look *look; /* that is under way: there is one at a time */
  bool told, told_other, ever_told;
  enum pod_state told_state;
};

/* What really happened to one attempt. It stays known here when the backend has forgotten it. */
struct attempt {
  struct name name;
  struct job *job;
  unsigned number;
  enum presence presence; /* PENDING, RUNNING, DEAD; ABSENT: the backend knows nothing of it (any more) */
  bool fetching;          /* a launch was answered so, and this daemon was not told of its end */
  unsigned starts;        /* that its evidence tells of */
  unsigned runs;          /* in all; more than one only where a power cut took the start marker */
  uint64_t started_us;
  uint64_t frozen_until_us; /* its keeper does nothing until then */
  bool stalled;             /* it was frozen when something was due, and has noticed */
  bool evidence;            /* its directory is there, with a start marker if it was ever started */
  bool recorded;
  bool damaged; /* what was saved does not fit the record */
  uint64_t written_bytes;
  struct record record;
  bool failed;                  /* something broke here that may make it lost */
  bool delayed;                 /* something did not answer, so that a deadline may make it lost */
  bool buried;                  /* called gone or ended, for certain, while it was about to start */
  enum kill_reason stopped_for; /* the end that somebody wanted; NONE: it ended by itself, or its keeper died */
  bool rebooted;                /* its host was, since it was started */
  bool start_seen;              /* in its volume, by this incarnation */
  bool fetched;                 /* its record is on the daemon's host, where it was not written there */
  struct cluster_attempt cluster;
};

struct keeper {
  bool dead;
  struct attempt *attempt; /* NULL: idle */
};

struct sim_backend {
  enum backend_kind kind;
  struct keeper keepers[KEEPERS_MAX];
  unsigned keeper_count;
  struct attempt attempts[ATTEMPTS_MAX];
  unsigned attempt_count;
};

/* ---- the store ---- */

/* An evaluation as it is stored: one for each job at most, as only who has a key asks again. */
struct row {
  char id[ID_SIZE];
  struct job *job;
  unsigned client;
  unsigned attempt;
  bool cancelled, finished;
  uint64_t output_bytes;
  struct verdict verdict;
  uint64_t finished_us;
};

enum write_kind { WRITE_ACCEPT, WRITE_ATTEMPT, WRITE_CANCEL, WRITE_FINISH };

struct write {
  enum write_kind kind;
  char id[ID_SIZE];
  struct job *job;
  unsigned client;
  unsigned attempt;
  uint64_t output_bytes;
  struct verdict verdict;
  enum store_result result;
  uint64_t sequence;
  char standing_id[ID_SIZE];
};

enum { WRITES_MAX = 4 * JOBS_MAX };

struct sim_store {
  struct row rows[JOBS_MAX]; /* durable; in order of acceptance */
  unsigned row_count;
  struct write writes[WRITES_MAX]; /* in memory: those of the commit under way, and then those that wait for the next */
  unsigned write_count, committing_count;
  bool failed; /* a commit failed: nothing is written any more until the next start */
};

/* ---- a run: all that it takes to make it again ---- */

struct run {
  int weather, script; /* one of the two; the other is -1 */
  /* of a weather */
  uint64_t seed;
  uint64_t troubles; /* a bit for each that may strike */
  uint64_t jobs;     /* a bit for each that is submitted */
  unsigned clients;  /* that submit them, CLIENTS at most; 0: the seed says how many */
  enum backend_kind backend;
  uint64_t strikes; /* a bit for each of the first 64 strikes that is let happen; all bits: so are all later ones */
  /* of a script */
  uint64_t crash_effects[2]; /* the daemon dies right after these effects; 0: never */
  unsigned coins;            /* enum coins: what survives these crashes */
};

enum coins { COIN_COMMITS = 1, COIN_REQUESTS = 2, COINS = 4 };

/* ---- turns: how often each client was given a slot at a priority, holding as many as one that waited there ---- */

struct turns {
  unsigned passed[PRIORITIES][CLIENTS]
                 [CLIENTS]; /* who waits, and who passed, since the first took or gave back a slot */
};

/* ---- the whole ---- */

struct sim {
  struct run run;
  struct weather weather; /* of this moment */
  struct weather climate; /* of the run: what may have gone wrong in it */
  bool told;              /* step by step */
  uint64_t digest;        /* of the trace */
  uint64_t strikes;       /* how many troubles have struck */

  /* Streams of chance: what is left out of one changes nothing in the others. Each job has one more. */
  struct chance timing, troubles[TROUBLE_COUNT];

  uint64_t now_us;
  uint64_t clear_us; /* when the weather clears up */
  int64_t wall_offset_ms;
  struct event *heap;
  size_t heap_size, heap_capacity;
  uint64_t event_sequence, events_run;

  /* the daemon */
  struct executor *executor; /* NULL: down */
  unsigned incarnation;
  bool dying; /* it dies at the end of this step; what it asks for from here on is never heard */
  bool ticking, stopping, rebooting;
  uint64_t effects, requests;
  struct turns turns;

  struct sim_backend backend;
  struct sim_store store;
  struct job jobs[JOBS_MAX];
  unsigned job_count;
};

/* What a run came to. */
struct outcome {
  uint64_t evaluations, effects, strikes, digest;
};

/* sim.c */
void sim_init(struct sim *sim, const struct run *run);
struct outcome sim_release(struct sim *sim);
void sim_clears_up_at(struct sim *sim, uint64_t at_us); /* the weather is fine from then on */
void sim_run(struct sim *sim); /* until nothing is left to happen, or a check failed, which ends the process */
struct event *sim_after(struct sim *sim, uint64_t delay_us, enum event_side side,
                        void (*run)(struct sim *sim, struct event *event)); /* valid until the next call */
/* Takes all requests on their way out of the heap when the daemon dies; each is carried out or was never sent. */
void sim_settle_requests(struct sim *sim);
enum telling { TELL_NOTHING, TELL_STEPS, TELL_DIGEST };
extern enum telling sim_telling; /* of every run that begins from now on */
#define sim_trace(sim, ...) ((sim)->told ? sim_tell(sim, __VA_ARGS__) : (void)0)
__attribute__((format(printf, 2, 3))) void sim_tell(struct sim *sim, const char *format, ...);
__attribute__((format(printf, 2, 3))) _Noreturn void sim_fail(struct sim *sim, const char *format, ...);

/* sim_chance.c */
uint64_t sim_below(struct sim *sim, uint64_t bound);
uint64_t sim_between_us(struct sim *sim, uint64_t least_us, uint64_t most_us);
bool sim_coin(struct sim *sim);
bool sim_survives(struct sim *sim, enum coins what); /* a crash: as the script says, or by chance */
bool sim_strikes(struct sim *sim, enum trouble trouble);
const char *trouble_name(enum trouble trouble);
unsigned trouble_most(enum trouble trouble); /* out of 1000 */
bool trouble_is_of_platform(enum trouble trouble);

/* sim_daemon.c */
void daemon_start(struct sim *sim);
/* Around every call of the executor. daemon_enter() is false where the daemon is down. */
bool daemon_enter(struct sim *sim);
void daemon_leave(struct sim *sim);

/* sim_store.c */
void store_write(struct sim *sim, const struct write *write);
void store_crash(struct sim *sim);
const struct row *store_row(const struct sim *sim, const char *id);

/* sim_backend.c */
void sim_backend_begin(struct sim *sim); /* another daemon, with nothing in memory */
void sim_backend_start(struct sim *sim); /* it connects: it is told the capacity, and fetches nothing yet */
void sim_backend_reboot(struct sim *sim);
void sim_backend_launch(struct sim *sim, struct name name, struct job *job);
void sim_backend_observe(struct sim *sim, struct name name, uint64_t request);
void sim_backend_kill(struct sim *sim, struct name name, enum kill_reason reason);
void sim_backend_remove(struct sim *sim, struct name name);
struct attempt *backend_attempt(struct sim *sim, const char *id, unsigned number); /* NULL: never launched */
const char *backend_kind_name(enum backend_kind kind);

/* For those who look in a backend's own way. */
struct seen {
  uint64_t request;
  enum presence presence;
  const char *progress;
  bool started, recorded;
  struct record record;
  bool outputs, output_lost; /* there are some; of what was to be kept, nothing is left */
  struct wall started_at;
  uint64_t written_bytes;
};
uint64_t backend_call_delay(struct sim *sim);                    /* of an answer, from the moment of which it tells */
struct attempt *backend_find(struct sim *sim, struct name name); /* NULL: never launched */
bool backend_is_alive(const struct attempt *attempt);
bool backend_is_frozen(const struct sim *sim, const struct attempt *attempt);
/* What there is of the attempt's evidence, as its keeper wrote it. */
void backend_read_evidence(const struct attempt *attempt, struct seen *seen);
void backend_tell(struct sim *sim, struct name name, const struct seen *seen); /* after a moment */
void backend_forget(struct sim *sim, struct attempt *attempt); /* the container is removed; not the evidence */
void backend_hint(struct sim *sim, struct attempt *attempt);
void backend_start_after(struct sim *sim, const struct attempt *attempt, uint64_t delay_us);

/* sim_docker.c */
void sim_docker_look(struct sim *sim, struct name name, uint64_t request);

/* sim_kubernetes.c */
void sim_kubernetes_look(struct sim *sim, struct name name, uint64_t request);
void sim_kubernetes_launched(struct sim *sim, struct attempt *attempt);
void sim_kubernetes_tell(struct attempt *attempt);                    /* its watch does, with a hint */
void sim_kubernetes_start(struct attempt *attempt);                   /* another daemon, with nothing in memory */
void sim_kubernetes_reboot(struct sim *sim, struct attempt *attempt); /* of the daemon's host; pods run on */

/* sim_clients.c */
struct job *clients_add(struct sim *sim); /* what it wants is then the caller's to say */
void clients_submit_at(struct sim *sim, struct job *job, uint64_t at_us);
void clients_cancel_at(struct sim *sim, struct job *job, uint64_t at_us);
struct evaluation *clients_draft(const struct job *job);
const char *client_name(unsigned client); /* NULL: nobody's, which is one client too */
unsigned clients_number(const char *name);
void clients_told(struct sim *sim, struct job *job, enum store_result result, const char *id);
void clients_told_cancelled(struct sim *sim, struct job *job, enum store_result result);

/* sim_turns.c */
void turns_moved(struct sim *sim, const struct job *job, enum state from, enum state to);
void turns_launch(struct sim *sim, const struct job *job, const struct evaluation *evaluation);
void turns_step(struct sim *sim);

/* sim_check.c */
void check_step(struct sim *sim);
void check_launch(struct sim *sim, const struct evaluation *evaluation);
void check_remove(struct sim *sim, struct name name);
void check_move(struct sim *sim, struct job *job, const struct evaluation *evaluation);
void check_asks_for_verdict(struct sim *sim, struct job *job, const struct evaluation *evaluation);
void check_gives_up_attempt(struct sim *sim, struct job *job, const struct evaluation *evaluation);
void check_never_starts(struct sim *sim, const struct attempt *attempt); /* as it is removed */
void check_verdict(struct sim *sim, const struct row *row);              /* as it becomes durable */
void check_rest(struct sim *sim);
const char *program_name(enum program program);

/* sim_weather.c */
struct run weather_run(int weather, uint64_t seed);
struct outcome weather_make(const struct run *run);
int weather_find(const char *name); /* -1: no such weather */
const char *weather_name(int weather);
const char *weather_rule(int weather); /* NULL: there are no more */

/* sim_script.c */
struct run script_run(int script);
struct outcome script_make(const struct run *run);
int script_find(const char *name);
const char *script_name(int script);
const char *script_rule(int script);

/* sim_run.c */
struct outcome run_make(const struct run *run);
enum { RUN_TEXT_SIZE = 2048 };
void run_print(const struct run *run, char text[static RUN_TEXT_SIZE]); /* as words, which make it again */
bool run_parse(const char *text, struct run *ret);

/* sim_shrink.c */
struct run run_shrink(struct run run); /* the smallest one found that fails too */
