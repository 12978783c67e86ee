/*
 * Theory of operation.
 *
 * The owner's thread makes operations and puts them into one of two queues, for writes and for reads. The store's
 * thread sleeps until one is there. It serves all reads, then takes the writes that have come together, up to a bound,
 * runs them in one transaction, commits (one fsync), and hands all of them back; what came meanwhile is the next round.
 * So a read waits for one commit at most, and under load many writes share an fsync (group commit).
 *
 * The write-ahead log is copied into the database (a checkpoint, with fsyncs of its own) behind the callbacks of a
 * commit, never before them: as soon as nothing has been asked for during a moment, or when the log has grown to its
 * bound.
 *
 * A full disk is met from the reserve (reserve.h): it is given up, and the transaction, of which nothing was written, is
 * run once more. A checkpoint that finds no room is put off; the log has all that it would have copied.
 *
 * Any other failure of the disk or the database is final. After a failed fsync the kernel may have dropped the pages and call
 * the next fsync a success (https://lwn.net/Articles/752063/), so it is not tried again: what was in that transaction
 * and every write after it is answered STORE_FAILED. The next start recovers what is on the disk.
 */

#include "base/failpoint.h"
#include "base/fd.h"
#include "store/reserve.h"
#include "store/sqlite/operation.h"
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  BATCH_WRITES_MAX = 256,    /* in one transaction: bounds what a read waits for */
  LOG_FRAMES_LEISURE = 1000, /* 4 MiB: worth a checkpoint when nothing else is to be done */
  LOG_FRAMES_MAX = 8000,     /* 32 MiB: checkpoint in any case */
  LEISURE_MS = 100,
};

struct store {
  struct store_config config;
  char *state_dir;
  int reserve;
  pthread_t thread;

  pthread_mutex_t lock; /* of everything down to `stopping` */
  pthread_cond_t asked; /* the thread waits for work */
  pthread_cond_t done;  /* a caller waits for an answer */
  struct operation_queue reads, writes, backups, answered;
  unsigned unanswered; /* asked for and not among `answered` yet */
  bool closing;        /* nobody waits for a backup any more */
  bool stopping;

  /* The thread's own */
  struct database database;
  bool broken;
  struct operation failure; /* goes through `answered` once, as a mark where `failed` is to be called */

  struct store_stats stats; /* atomic each */
};

static void count(uint64_t *counter, uint64_t more)
{
  __atomic_add_fetch(counter, more, __ATOMIC_RELAXED);
}

/* The thread */

static void hand_back(struct store *store, struct operation_queue *finished)
{
  bool wake = false;
  pthread_mutex_lock(&store->lock);
  for (struct operation *operation; (operation = operation_queue_pop(finished));) {
    store->unanswered--;
    operation->finished = true;
    if (operation->awaited)
      continue;
    operation_queue_push(&store->answered, operation);
    wake = true;
  }
  pthread_cond_broadcast(&store->done);
  pthread_mutex_unlock(&store->lock);
  if (wake)
    store->config.wake(store->config.context);
}

/* The mark comes behind what was acknowledged before, and ahead of the writes that fail. */
static void break_down(struct store *store, const struct error *cause)
{
  if (store->broken)
    return;
  store->broken = true;
  database_give_up(&store->database);
  store->failure.error = *cause;
  error_wrap(&store->failure.error, "the store in %s failed; what it acknowledged is safe, restart to recover it",
             store->state_dir);
  pthread_mutex_lock(&store->lock);
  operation_queue_push(&store->answered, &store->failure);
  pthread_mutex_unlock(&store->lock);
  store->config.wake(store->config.context);
}

static void serve_reads(struct store *store, struct operation_queue *reads)
{
  struct operation_queue finished = {0};
  for (struct operation *operation; (operation = operation_queue_pop(reads));) {
    operation->failed = !operation->type->run(&store->database, operation, &operation->error);
    if (operation->failed)
      break_down(store, &operation->error);
    operation_queue_push(&finished, operation);
    count(&store->stats.reads, 1);
  }
  hand_back(store, &finished);
}

static bool run_transaction(struct store *store, const struct operation_queue *writes, struct error *error)
{
  struct database *database = &store->database;
  struct mono begun_at = mono_now();
  unsigned writes_count = 0;
  if (!database_run(database, STATEMENT_BEGIN, error))
    return false;
  FAILPOINT(commit_begun);
  for (struct operation *operation = writes->first; operation; operation = operation->next, writes_count++)
    if (!operation->type->run(database, operation, error))
      return false;
  if (FAILPOINT_FAILS(commit_ready))
    return error_errno(error, "cannot commit");
  if (!database_run(database, STATEMENT_COMMIT, error) || !database_in_place(database, error))
    return false;
  FAILPOINT(commit_done);
  count(&store->stats.commits, 1);
  count(&store->stats.writes, writes_count);
  count(&store->stats.commit_us_total, mono_now().us - begun_at.us);
  return true;
}

static void follow_up(struct store *store, const struct operation_queue *writes)
{
  for (struct operation *operation = writes->first; operation; operation = operation->next) {
    if (!operation->type->durable)
      continue;
    operation->type->durable(&store->database, operation);
    count(&store->stats.removed, operation->list.count);
  }
}

/* All of them durable, or none of them written. */
static bool commit_all(struct store *store, const struct operation_queue *writes, struct error *error)
{
  if (run_transaction(store, writes, error))
    return true;
  sqlite3_exec(store->database.handle, "ROLLBACK", 0, 0, 0); /* SQLite may have done it, and then this fails */
  return false;
}

/* What failed for want of room has room now. */
static bool reserve_helps(struct store *store, const struct error *error)
{
  return error->kind == ERROR_NO_SPACE && reserve_give_up(store->reserve);
}

static void commit_writes(struct store *store, struct operation_queue *writes)
{
  struct error error;
  if (!store->broken && !commit_all(store, writes, &error) &&
      !(reserve_helps(store, &error) && commit_all(store, writes, &error)))
    break_down(store, &error);
  if (store->broken)
    for (struct operation *operation = writes->first; operation; operation = operation->next)
      operation->answer = (struct accept_answer){.result = STORE_FAILED};
  else
    follow_up(store, writes);
  hand_back(store, writes);
}

static void checkpoint(struct store *store)
{
  struct error error;
  if (store->broken || database_checkpoint(&store->database, &error))
    return;
  if (reserve_helps(store, &error) && database_checkpoint(&store->database, &error))
    return;
  if (error.kind != ERROR_NO_SPACE)
    break_down(store, &error);
}

/* A backup's failure is its own: the store goes on. */
static bool step_backup(struct store *store, struct operation *operation, bool closing)
{
  if (closing || store->broken)
    operation->failed = !error_set(&operation->error, ERROR_UNAVAILABLE, 0, "the daemon is stopping");
  else
    operation->failed = !operation->type->run(&store->database, operation, &operation->error);
  if (operation->failed)
    free(backup_end(TAKE_PTR(operation->backup)));
  return operation->backup;
}

/* One step, between the work of others; the last one takes it from the queue. */
static void go_on_with_backup(struct store *store, struct operation *operation, bool closing)
{
  if (step_backup(store, operation, closing))
    return;
  pthread_mutex_lock(&store->lock);
  struct operation_queue finished = operation_queue_take(&store->backups, 1);
  pthread_mutex_unlock(&store->lock);
  hand_back(store, &finished);
}

static bool has_work(const struct store *store)
{
  return store->reads.first || store->writes.first || store->backups.first;
}

/* Waits for work as long as it is the log's time for a checkpoint, and does that if none comes. The lock is held. */
static void wait_at_leisure(struct store *store)
{
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += LEISURE_MS * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  int waited = pthread_cond_timedwait(&store->asked, &store->lock, &until);
  if (waited != ETIMEDOUT || has_work(store) || store->stopping)
    return;
  pthread_mutex_unlock(&store->lock);
  checkpoint(store);
  pthread_mutex_lock(&store->lock);
}

/* False: there is none, and there will be no more. The lock is held. With nothing in the log, nothing ever wakes it up.
 */
static bool wait_for_work(struct store *store)
{
  while (!has_work(store) && !store->stopping) {
    if (!store->broken && store->database.wal_frames >= LOG_FRAMES_LEISURE)
      wait_at_leisure(store);
    else
      pthread_cond_wait(&store->asked, &store->lock);
  }
  return has_work(store);
}

static void *store_thread(void *argument)
{
  struct store *store = argument;
  pthread_mutex_lock(&store->lock);
  while (wait_for_work(store)) {
    struct operation_queue reads = operation_queue_take(&store->reads, UINT_MAX);
    struct operation_queue writes = operation_queue_take(&store->writes, BATCH_WRITES_MAX);
    struct operation *backup = store->backups.first;
    bool closing = store->closing;
    pthread_mutex_unlock(&store->lock);
    if (reads.first)
      serve_reads(store, &reads);
    if (writes.first)
      commit_writes(store, &writes);
    if (backup)
      go_on_with_backup(store, backup, closing);
    if (store->database.wal_frames >= LOG_FRAMES_MAX)
      checkpoint(store);
    pthread_mutex_lock(&store->lock);
  }
  pthread_mutex_unlock(&store->lock);
  return 0;
}

/* The owner */

/* Signals are the loop's: a thread that begins with all of them blocked never takes one. */
static bool start_thread(struct store *store, struct error *error)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&store->thread, 0, store_thread, store);
  pthread_sigmask(SIG_SETMASK, &before, 0);
  if (failed)
    return error_set(error, ERROR_INTERNAL, failed, "cannot start the store's thread: %s", strerror(failed));
  pthread_setname_np(store->thread, "assay-store");
  return true;
}

static void store_destroy(struct store *store)
{
  database_close(&store->database);
  fd_close(store->reserve);
  pthread_cond_destroy(&store->done);
  pthread_cond_destroy(&store->asked);
  pthread_mutex_destroy(&store->lock);
  free(store->state_dir);
  free(store);
}

struct store *store_open(const struct store_config *config, struct error *error)
{
  struct store *store = xcalloc(1, sizeof *store);
  store->config = *config;
  store->state_dir = xstrdup(config->state_dir);
  store->config.state_dir = store->state_dir;
  pthread_mutex_init(&store->lock, 0);
  pthread_cond_init(&store->done, 0);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&store->asked, &monotonic);
  pthread_condattr_destroy(&monotonic);
  store->reserve = reserve_open(store->state_dir, error);
  if (store->reserve >= 0 && database_open(&store->database, store->state_dir, error) && start_thread(store, error)) {
    reserve_hold(store->reserve);
    return store;
  }
  store_destroy(store);
  return 0;
}

/* Whether everything asked for has been run; what it led to may have been more. */
static bool wait_until_answered(struct store *store)
{
  pthread_mutex_lock(&store->lock);
  bool settled = !store->unanswered && !store->answered.first;
  while (store->unanswered)
    pthread_cond_wait(&store->done, &store->lock);
  pthread_mutex_unlock(&store->lock);
  return settled;
}

void store_close(struct store *store)
{
  if (!store)
    return;
  pthread_mutex_lock(&store->lock);
  store->closing = true;
  pthread_mutex_unlock(&store->lock);
  while (!wait_until_answered(store))
    store_dispatch(store);
  pthread_mutex_lock(&store->lock);
  store->stopping = true;
  pthread_cond_signal(&store->asked);
  pthread_mutex_unlock(&store->lock);
  pthread_join(store->thread, 0);
  store_destroy(store);
}

void store_dispatch(struct store *store)
{
  pthread_mutex_lock(&store->lock);
  struct operation_queue answered = store->answered;
  store->answered = (struct operation_queue){0};
  pthread_mutex_unlock(&store->lock);
  for (struct operation *operation; (operation = operation_queue_pop(&answered));) {
    if (operation == &store->failure) {
      store->config.failed(store->config.context, operation->error.message);
      continue;
    }
    operation->type->answer(operation);
    operation_destroy(operation);
  }
}

static void ask(struct store *store, struct operation *operation)
{
  struct operation_queue *queue = operation->type == &operation_backup ? &store->backups
                                  : operation->type->write             ? &store->writes
                                                                       : &store->reads;
  pthread_mutex_lock(&store->lock);
  operation_queue_push(queue, operation);
  store->unanswered++;
  pthread_cond_signal(&store->asked);
  pthread_mutex_unlock(&store->lock);
}

static void ask_and_wait(struct store *store, struct operation *operation)
{
  operation->awaited = true;
  ask(store, operation);
  pthread_mutex_lock(&store->lock);
  while (!operation->finished)
    pthread_cond_wait(&store->done, &store->lock);
  pthread_mutex_unlock(&store->lock);
}

void store_accept(struct store *store, const struct evaluation *evaluation, store_accept_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_accept, evaluation->id, context);
  operation->done.accept = done;
  operation->evaluation = evaluation_snapshot(evaluation);
  ask(store, operation);
}

void store_cancel(struct store *store, const char *id, struct wall at, store_write_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_cancel, id, context);
  operation->done.write = done;
  operation->at = at;
  ask(store, operation);
}

void store_attempt(struct store *store, const char *id, unsigned attempt, store_write_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_attempt, id, context);
  operation->done.write = done;
  operation->attempt = attempt;
  ask(store, operation);
}

void store_finish(struct store *store, const struct evaluation *evaluation, store_write_done *done, void *context)
{
  ASSERT(evaluation->verdict.kind != VERDICT_NONE);
  struct operation *operation = operation_create(&operation_finish, evaluation->id, context);
  operation->done.write = done;
  operation->attempt = evaluation->attempt;
  operation->evaluation = evaluation_snapshot(evaluation);
  if (!operation->evaluation->entered_at[STATE_FINISHED].ms) /* it is finished only once this is durable */
    operation->evaluation->entered_at[STATE_FINISHED] = wall_now();
  ask(store, operation);
}

void store_retain(struct store *store, const struct store_retention *retention, store_retain_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_retain, "", context);
  operation->done.retain = done;
  operation->retention = *retention;
  operation->at = wall_now();
  ask(store, operation);
}

void store_backup(struct store *store, store_backup_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_backup, "", context);
  operation->done.backup = done;
  ask(store, operation);
}

void store_get(struct store *store, const char *id, store_get_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_get, id, context);
  operation->done.get = done;
  ask(store, operation);
}

void store_list(struct store *store, const struct store_filter *filter, store_list_done *done, void *context)
{
  ASSERT(filter->limit >= 1 && filter->limit <= LIST_LIMIT_MAX && !filter->label_key == !filter->label_value);
  struct operation *operation = operation_create(&operation_list, "", context);
  operation->done.list = done;
  operation->filter = *filter;
  operation->filter.status = xstrdup(filter->status);
  operation->filter.label_key = xstrdup(filter->label_key);
  operation->filter.label_value = xstrdup(filter->label_value);
  ask(store, operation);
}

static struct operation *batch_operation(const struct operation_type *type, const char *id, store_batch_done *done,
                                         void *context)
{
  struct operation *operation = operation_create(type, id, context);
  operation->done.batch = done;
  return operation;
}

void store_batch_open(struct store *store, const char *id, const char *key, store_batch_done *done, void *context)
{
  struct operation *operation = batch_operation(&operation_batch_open, id, done, context);
  operation->text = xstrdup(key);
  operation->at = wall_now();
  ask(store, operation);
}

void store_batch_reject(struct store *store, const char *id, uint64_t line, const char *errors, store_batch_done *done,
                        void *context)
{
  struct operation *operation = batch_operation(&operation_batch_reject, id, done, context);
  operation->number = line;
  operation->text = xstrdup(errors);
  ask(store, operation);
}

void store_batch_complete(struct store *store, const char *id, uint64_t lines, store_batch_done *done, void *context)
{
  struct operation *operation = batch_operation(&operation_batch_complete, id, done, context);
  operation->number = lines;
  ask(store, operation);
}

void store_batch_cancel(struct store *store, const char *id, struct wall at, store_batch_done *done, void *context)
{
  struct operation *operation = batch_operation(&operation_batch_cancel, id, done, context);
  operation->at = at;
  ask(store, operation);
}

void store_batch_get(struct store *store, const char *id, store_batch_done *done, void *context)
{
  ask(store, batch_operation(&operation_batch_get, id, done, context));
}

void store_batch_find(struct store *store, const char *key, store_batch_done *done, void *context)
{
  struct operation *operation = batch_operation(&operation_batch_find, "", done, context);
  operation->text = xstrdup(key);
  ask(store, operation);
}

void store_batch_results(struct store *store, const char *id, const struct store_page *page, store_list_done *done,
                         void *context)
{
  struct operation *operation = operation_create(&operation_batch_results, id, context);
  operation->done.list = done;
  operation->page = *page;
  ask(store, operation);
}

static void ask_for_lines(struct store *store, const char *id, const struct store_page *page, bool errors,
                          store_batch_lines_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_batch_lines, id, context);
  operation->done.batch_lines = done;
  operation->page = *page;
  operation->errors_wanted = errors;
  ask(store, operation);
}

void store_batch_accepted(struct store *store, const char *id, uint64_t after, unsigned limit,
                          store_batch_lines_done *done, void *context)
{
  ask_for_lines(store, id, &(struct store_page){.after = after, .limit = limit}, false, done, context);
}

void store_batch_errors(struct store *store, const char *id, uint64_t after, unsigned limit,
                        store_batch_lines_done *done, void *context)
{
  ask_for_lines(store, id, &(struct store_page){.after = after, .limit = limit}, true, done, context);
}

bool store_each_open(struct store *store, void (*each)(void *context, struct evaluation *evaluation), void *context,
                     struct error *error)
{
  struct operation *operation = operation_create(&operation_open, "", 0);
  ask_and_wait(store, operation);
  bool done = !operation->failed;
  if (!done && error)
    *error = operation->error;
  for (size_t i = 0; i < operation->list.count; i++)
    each(context, TAKE_PTR(operation->list.items[i]));
  operation_destroy(operation);
  return done;
}

static void ask_of_token(struct store *store, const struct operation_type *type, const struct store_token *token,
                         store_token_done *done, void *context)
{
  struct operation *operation = operation_create(type, "", context);
  operation->done.token = done;
  store_token_copy(&operation->token, token);
  ask(store, operation);
}

void store_put_token(struct store *store, const struct store_token *token, store_token_done *done, void *context)
{
  ask_of_token(store, &operation_put_token, token, done, context);
}

void store_remove_token(struct store *store, const char *name, store_token_done *done, void *context)
{
  ask_of_token(store, &operation_remove_token, &(struct store_token){.name = name}, done, context);
}

bool store_each_token(struct store *store, void (*each)(void *context, const struct store_token *token), void *context,
                      struct error *error)
{
  struct operation *operation = operation_create(&operation_tokens, "", 0);
  ask_and_wait(store, operation);
  bool done = !operation->failed;
  if (!done && error)
    *error = operation->error;
  for (size_t i = 0; done && i < operation->tokens.count; i++)
    each(context, &operation->tokens.items[i]);
  operation_destroy(operation);
  return done;
}

enum store_known store_known(struct store *store, const char *id)
{
  struct operation *operation = operation_create(&operation_known, id, 0);
  ask_and_wait(store, operation);
  enum store_known known = operation->failed ? STORE_OPEN : operation->known; /* an error never means "unknown" */
  operation_destroy(operation);
  return known;
}

void store_due(struct store *store, const struct store_due_filter *filter, store_due_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_due, "", context);
  operation->done.due = done;
  operation->due_filter = *filter;
  operation->due_filter.after_host = xstrdup(filter->after_host);
  ask(store, operation);
}

void store_delivery_tried(struct store *store, const char *id, const struct delivery *delivery, store_write_done *done,
                          void *context)
{
  struct operation *operation = operation_create(&operation_delivery_tried, id, context);
  operation->done.write = done;
  operation->delivery.delivery = delivery_create();
  *operation->delivery.delivery = *delivery;
  operation->delivery.delivery->url = xstrdup(delivery->url);
  ask(store, operation);
}

void store_delivery(struct store *store, const char *id, store_delivery_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_delivery, id, context);
  operation->done.delivery = done;
  ask(store, operation);
}

void store_delivery_again(struct store *store, const char *id, struct wall at, store_delivery_done *done, void *context)
{
  struct operation *operation = operation_create(&operation_delivery_again, id, context);
  operation->done.delivery = done;
  operation->at = at;
  ask(store, operation);
}

bool store_deliveries_pending(struct store *store, uint64_t *ret, struct error *error)
{
  struct operation *operation = operation_create(&operation_pending, "", 0);
  ask_and_wait(store, operation);
  bool done = !operation->failed;
  if (done)
    *ret = operation->pending;
  else if (error)
    *error = operation->error;
  operation_destroy(operation);
  return done;
}

bool store_has_reserve(const struct store *store)
{
  return reserve_hold(store->reserve);
}

struct store_stats store_stats(const struct store *store)
{
  return (struct store_stats){
    .commits = __atomic_load_n(&store->stats.commits, __ATOMIC_RELAXED),
    .writes = __atomic_load_n(&store->stats.writes, __ATOMIC_RELAXED),
    .commit_us_total = __atomic_load_n(&store->stats.commit_us_total, __ATOMIC_RELAXED),
    .reads = __atomic_load_n(&store->stats.reads, __ATOMIC_RELAXED),
    .removed = __atomic_load_n(&store->stats.removed, __ATOMIC_RELAXED),
  };
}
