#pragma once

/*
 * A world in the hands of a test: it writes down what the executor asks for, and answers nothing by itself. Calls are
 * taken out one by one with taken(); what the test did not expect is still there at the end and fails it.
 */

#include "core/executor.h"

#define CALLS(X)                                                                                                       \
  X(STORE_ACCEPT)                                                                                                      \
  X(STORE_ATTEMPT)                                                                                                     \
  X(STORE_CANCEL)                                                                                                      \
  X(STORE_FINISH)                                                                                                      \
  X(LAUNCH)                                                                                                            \
  X(OBSERVE)                                                                                                           \
  X(KILL)                                                                                                              \
  X(REMOVE)                                                                                                            \
  X(ACCEPTED)                                                                                                          \
  X(CANCELLED)                                                                                                         \
  X(CHANGED)                                                                                                           \
  X(BROKEN)

enum call_kind {
#define X(name) CALL_##name,
  CALLS(X)
#undef X
    CALL_KINDS
};

struct call {
  enum call_kind kind;
  char id[ID_SIZE];
  struct name name;        /* LAUNCH, OBSERVE, KILL, REMOVE */
  unsigned attempt;        /* STORE_ATTEMPT */
  enum kill_reason reason; /* KILL */
  struct verdict verdict;  /* STORE_FINISH, CHANGED */
  struct usage usage;      /* STORE_FINISH */
  struct outputs *outputs; /* STORE_FINISH: borrowed from the evaluation */
  enum state state;        /* CHANGED */
  struct wall at;          /* STORE_CANCEL */
  void *token;             /* STORE_CANCEL, CANCELLED, ACCEPTED; the last with the next three */
  enum store_result result;
  bool with_evaluation;
  char standing_id[ID_SIZE];
};

enum { SCRIPT_CALLS_MAX = 4096, SCRIPT_PATIENCE_MS = 30000 };

struct script {
  struct executor *executor;
  struct mono now;
  struct wall wall_now;
  uint32_t random;
  uint64_t sequence;
  struct call calls[SCRIPT_CALLS_MAX];
  unsigned call_count;
};

/* For cmocka: a script with the backends "native" (one slot) and "other" (none, and
 * SCRIPT_PATIENCE_MS). `*state` is the struct script. */
int script_setup(void **state);
int script_teardown(void **state); /* fails if calls other than CHANGED were not taken */
void script_restart(
  struct script *script); /* a new executor with one slot, as after a crash; the calls are forgotten */

/* Takes the oldest call of this kind; fails the test if there is none. */
struct call taken(struct script *script, enum call_kind kind);
unsigned pending(const struct script *script, enum call_kind kind);
void forget(struct script *script, enum call_kind kind);
void assert_quiet(struct script *script); /* nothing is asked for; CHANGED is forgotten */

void advance(struct script *script, uint64_t ms); /* the clock only */
void tick_after(struct script *script, uint64_t ms);

/* An evaluation that is ready for executor_submit(). */
struct evaluation *draft(void);
/* Steps on the way, each with the calls that belong to it taken. They return the evaluation's id or its name. */
struct evaluation *submit(struct script *script, struct evaluation *draft);
struct evaluation *accepted(struct script *script, struct evaluation *draft); /* durable; launched if there is room */
struct evaluation *starting(struct script *script, struct evaluation *draft); /* launched, and the launch accepted */
struct evaluation *running(struct script *script, struct evaluation *draft);  /* and seen running */
/* Asked for and durable, with nobody told anything wrong. */
void cancel(struct script *script, struct evaluation *evaluation);
struct name attempt_name(const struct evaluation *evaluation);

/* Answers an observation that was asked for. */
void sees(struct script *script, struct name name, enum presence presence, bool started, const struct record *record);
struct record record_of_code(int exit_code);
