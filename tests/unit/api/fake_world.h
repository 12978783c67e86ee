#pragma once

/*
 * The executor and the store as the API sees them, without any behaviour of their own: a test says what is open and
 * what is finished, and when the store answers.
 */

#include "core/executor.h"
#include "store/store.h"

enum { FAKE_EVALUATIONS_MAX = 16 };

struct executor {
  struct evaluation *open[FAKE_EVALUATIONS_MAX]; /* in order of acceptance; owned */
  size_t open_count;
  struct evaluation *submitted; /* the last one taken; owned, until fake_accept() */
  void *token;
  /* A test that hands in several at once says how many are taken; here are those before the last. */
  unsigned takes_at_once;
  struct {
    struct evaluation *evaluation;
    void *token;
  } earlier[FAKE_EVALUATIONS_MAX];
  size_t earlier_count;
  const struct queue_place *place; /* of every queued one; NULL: none has one */
  unsigned turned_away;            /* and told that many seconds */
  bool refuses;                    /* to take a submission, with this: */
  struct error refusal;
  unsigned cancels;
  bool holds_cancels; /* a cancellation is durable when the test says so, and not as soon as it is asked for */
  struct {
    char id[ID_SIZE];
    void *token;
  } cancelled[FAKE_EVALUATIONS_MAX]; /* not durable yet */
  size_t cancelled_count;
};

/* What was asked of the store and not answered yet. */
struct fake_store_call {
  char id[ID_SIZE]; /* "": a list */
  struct store_filter filter;
  store_get_done *get_done;
  store_list_done *list_done;
  store_batch_done *batch_done;
  store_batch_lines_done *lines_done;
  void *context;
};

struct store {
  struct evaluation *(*make[FAKE_EVALUATIONS_MAX])(void); /* each makes an evaluation that the store holds */
  size_t count;                                           /* newest first */
  struct fake_store_call calls[FAKE_EVALUATIONS_MAX];
  size_t call_count;
  struct store_filter last_filter;
  char token[128]; /* the last one put, as "NAME SCOPES LIMITS"; "" once removed */
  bool fails;
  const struct store_batch *batch; /* the one that is there; NULL: none */
  const struct store_line *lines;  /* that were accepted of it before, in order; read once */
  size_t line_count;
  const struct delivery *delivery; /* of a finished one; NULL: none */
  bool delivery_is_pending;        /* before it is wanted again */
  bool more;
  size_t page_rows; /* a list is given in pages of so many, by its before_sequence; 0: at once */
};

struct evaluation *fake_evaluation(const char *id, uint64_t sequence, enum state state);
void fake_open(struct executor *executor, struct evaluation *evaluation);
/* Takes it out of the open ones and says nothing. */
void fake_forget(struct executor *executor, const char *id);
void fake_executor_release(struct executor *executor);
/* Answers everything that was asked so far, and what is asked meanwhile. */
void fake_store_dispatch(struct store *store);
