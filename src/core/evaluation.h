#pragma once

/*
 * One evaluation. It is made by executor_submit() or from the store at start, and belongs to the executor as long as it
 * is open. Others read it on the loop's thread; they change nothing. Finished ones live in the store only.
 */

#include "base/clock.h"
#include "core/lifecycle.h"
#include "core/outputs.h"
#include "core/verdict.h"
#include "wire/name.h"

struct backend_state; /* of the executor */
struct share;         /* queue.h */

enum { BACKEND_NAME_SIZE = 16, RUNTIME_NAME_SIZE = 32 };

struct usage {
  uint64_t wall_time_us, cpu_time_us, memory_peak_bytes, processes_peak; /* 0 peaks: not known */
};

struct evaluation {
  char id[ID_SIZE];
  uint64_t sequence; /* order of acceptance, given by the store; the key of lists and cursors */
  enum state state;
  unsigned attempt; /* the one that runs or will run, from 1. Durable: it is the launch intent (law 2) */
  unsigned attempts_max;
  int priority; /* higher first */
  char backend[BACKEND_NAME_SIZE];
  char runtime[RUNTIME_NAME_SIZE]; /* "" for a bare command */
  char *image;                     /* that it runs in, or NULL: none; opaque to the core */
  struct limits limits;
  char *callback_url;             /* who is told the verdict, or NULL: nobody */
  char *labels;                   /* a JSON object as text, "{}" where there are none; opaque to the core */
  char *traceparent, *tracestate; /* of the request that it came with, or NULL: none; opaque to the core */
  char *token; /* the name of the access token that it was submitted with, or NULL: none. It tells clients apart */
  struct blob *plan; /* opaque to the core; NULL once finished */

  /* Idempotency-Key of the client, or NULL, and a digest of the body that came with it */
  char *idempotency_key;
  uint64_t body_digest;

  /* Of one that came in a batch: its id, or NULL, the line that it stood in, from 1, and the how-manieth of the batch to
   * end it was; 0: none, or not known. Opaque to the core. */
  char *batch;
  uint64_t batch_line, batch_place;

  struct wall entered_at[STATE_COUNT]; /* when each state was entered; 0: never. QUEUED is created_at */
  struct wall cancelled_at;            /* when a client asked for its end; 0: nobody did */
  struct wall started_at;              /* by the keeper: from the start marker or the record */

  struct verdict verdict; /* kind NONE while open */
  struct usage usage;
  char progress[REASON_SIZE]; /* of what was or is being fetched before it can start; "" where nothing was */
  uint32_t isolation;         /* enum isolation_feature bits; 0 until known */
  bool order_cut;
  struct outputs *outputs; /* once gathered; NULL for what the store's list returns */

  /* The executor's own: nobody else touches these. */
  struct {
    struct mono deadline;       /* of the present state */
    struct mono queue_deadline; /* of waiting in this attempt, however often a backend had no room */
    enum stop_reason stop;      /* why we want it to end */
    bool recovering;            /* found open in the store, and not looked at yet */
    bool launching;             /* the backend has not answered the launch yet */
    bool fetching;              /* it has, with PREPARING: there is nothing yet that could start */
    bool looking, look_again;   /* an observation is under way; a hint came meanwhile */
    bool look_is_old;           /* it was begun before the last launch was answered */
    struct mono look_deadline;  /* its answer is not waited for any longer than this */
    bool confirming;            /* found dead without a record: killed, and looked at again (law 4) */
    bool finishing;             /* the verdict, or the next attempt, is with the store */
    enum presence presence;     /* as last seen */
    char refusal[REASON_SIZE];  /* the backend will never launch it, and why */
    void *token;                /* of the submitter, until the acceptance is answered */
    struct share *share;        /* queue.h: it is open */
    size_t heap_index;          /* and the place among those that wait in it */
    struct backend_state *backend;
    struct evaluation *next, *previous; /* all open ones, in order of acceptance */
  } x;
};

struct evaluation *evaluation_create(void);
void evaluation_destroy(struct evaluation *evaluation); /* accepts NULL */

/* The states in the order in which the present attempt last entered them; returns how many. After preparing this is not
 * the order of the table. */
size_t evaluation_timeline(const struct evaluation *evaluation, enum state ret[static STATE_COUNT]);

/* The one word of the API: the state's name, or the verdict's once finished. */
const char *evaluation_status(const struct evaluation *evaluation);
