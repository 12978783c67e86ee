#pragma once

/*
 * The verdict: a pure function of the intent, the evidence, what the backend said, and why we killed it. No I/O, no
 * clock.
 *
 * Precedence (FAILURES 19): a complete exit record decides alone; inside it our own recorded reason comes first, then
 * the kernel's counters, then the signal or exit code. Without a record nothing is ever a success (law 5): the verdict
 * is `lost`, or `cancelled`, `not_started` where nothing was started and we know why.
 */

#include "wire/record.h"

#include <stdbool.h>

/* name, text in the API, whose fault, meaning */
#define VERDICTS(X)                                                                                                    \
  X(COMPLETED, "completed", NONE, "exit code 0")                                                                       \
  X(FAILED, "failed", PROGRAM, "another exit code, or died by its own signal")                                         \
  X(TIMED_OUT, "timed_out", PROGRAM, "wall or CPU time limit")                                                         \
  X(OUT_OF_MEMORY, "out_of_memory", PROGRAM, "the kernel killed it for the memory limit")                              \
  X(OUTPUT_EXCEEDED, "output_exceeded", PROGRAM, "over the output limit, where the client asked that this kill")       \
  X(CANCELLED, "cancelled", CLIENT, "a client cancelled it")                                                           \
  X(NOT_STARTED, "not_started", REQUEST, "could not be launched")                                                      \
  X(LOST, "lost", PLATFORM, "the platform failed: what happened cannot be known")

enum verdict_kind {
  VERDICT_NONE, /* open */
#define X(name, text, fault, meaning) VERDICT_##name,
  VERDICTS(X)
#undef X
    VERDICT_COUNT
};

#define FAULTS(X)                                                                                                      \
  X(NONE, "none") X(PROGRAM, "program") X(CLIENT, "client") X(REQUEST, "request") X(PLATFORM, "platform")
enum fault {
#define X(name, text) FAULT_##name,
  FAULTS(X)
#undef X
};

const char *verdict_name(enum verdict_kind kind);
enum verdict_kind verdict_from_name(const char *name); /* VERDICT_NONE where there is no such verdict */
enum fault verdict_fault(enum verdict_kind kind);
const char *fault_name(enum fault fault);
/* "SIGSEGV" (signal(7)); a real-time signal by its number, "SIG34"; NULL for 0. `text` holds the name. */
const char *signal_name(int signal, char text[static 16]);

struct verdict {
  enum verdict_kind kind;
  int exit_code;         /* -1: none */
  int signal;            /* 0: none */
  bool retryable;        /* another attempt could end otherwise: only `lost` */
  enum limit_kind limit; /* the one that was hit, also where it did not decide (a child killed for memory) */
  uint64_t limit_value, limit_measured;
  char reason[REASON_SIZE];
};

/* Why we stopped it, as far as the daemon knows. The record's own reason, where there is one, is better evidence. */
enum stop_reason { STOP_NONE, STOP_CANCELLED, STOP_DEADLINE };

/* What a backend says of an attempt, before the evidence is read (law 4). */
#define PRESENCES(X)                                                                                                   \
  X(UNKNOWN, "unknown") /* an error, or no answer: says nothing, least of all that it is absent */                     \
  X(ABSENT, "absent")   /* nothing of this name is known here */                                                       \
  X(PENDING, "pending") /* accepted by the backend, not started yet */                                                 \
  X(RUNNING, "running") /* alive */                                                                                    \
  X(DEAD, "dead")       /* confirmed: no process of it is left */
enum presence {
#define X(name, text) PRESENCE_##name,
  PRESENCES(X)
#undef X
};
const char *presence_name(enum presence presence);

struct verdict_case {
  const struct limits *limits;
  enum presence presence;
  bool started;                /* the start marker is there */
  const struct record *record; /* NULL: no complete exit record */
  uint64_t lost_bytes;         /* with a record: of the output that was to be kept */
  enum stop_reason stop;
  const char *launch_refusal;  /* the backend refused it for good, and why: the request's fault; or NULL */
  const char *platform_reason; /* what is known of a platform failure ("the keeper died"), or NULL */
};

struct verdict verdict_decide(const struct verdict_case *the_case);
