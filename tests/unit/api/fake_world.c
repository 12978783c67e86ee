#include "fake_world.h"

#include "base/memory.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

struct evaluation *fake_evaluation(const char *id, uint64_t sequence, enum state state)
{
  struct evaluation *evaluation = evaluation_create();
  snprintf(evaluation->id, sizeof evaluation->id, "%s", id);
  snprintf(evaluation->backend, sizeof evaluation->backend, "native");
  evaluation->sequence = sequence;
  evaluation->state = state;
  evaluation->labels = xstrdup("{}");
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  if (state == STATE_FINISHED) {
    evaluation->entered_at[STATE_FINISHED].ms = 3000;
    evaluation->verdict.kind = VERDICT_COMPLETED;
    evaluation->verdict.exit_code = 0;
    evaluation->outputs = outputs_create();
  }
  return evaluation;
}

void fake_open(struct executor *executor, struct evaluation *evaluation)
{
  assert_true(executor->open_count < FAKE_EVALUATIONS_MAX);
  executor->open[executor->open_count++] = evaluation;
}

void fake_forget(struct executor *executor, const char *id)
{
  size_t kept = 0;
  for (size_t i = 0; i < executor->open_count; i++) {
    if (strcmp(executor->open[i]->id, id) == 0)
      evaluation_destroy(executor->open[i]);
    else
      executor->open[kept++] = executor->open[i];
  }
  executor->open_count = kept;
}

void fake_executor_release(struct executor *executor)
{
  while (executor->open_count)
    evaluation_destroy(executor->open[--executor->open_count]);
  evaluation_destroy(TAKE_PTR(executor->submitted));
  while (executor->earlier_count)
    evaluation_destroy(executor->earlier[--executor->earlier_count].evaluation);
}

/* core/executor.h */

struct evaluation *executor_find(const struct executor *executor, const char *id)
{
  for (size_t i = 0; i < executor->open_count; i++)
    if (!strcmp(executor->open[i]->id, id))
      return executor->open[i];
  return NULL;
}

struct evaluation *executor_each(const struct executor *executor, const struct evaluation *previous)
{
  size_t next = 0;
  while (previous && executor->open[next++] != previous)
    continue;
  return next < executor->open_count ? executor->open[next] : NULL;
}

struct executor_counts executor_count(const struct executor *executor)
{
  struct executor_counts counts = {
    .queue_max = 1000, .queue_bytes_max = 1 << 20, .slots = 2, .slots_busy = 1, .queued_bytes = 77};
  for (size_t i = 0; i < executor->open_count; i++)
    counts.in_state[executor->open[i]->state]++;
  return counts;
}

bool executor_submit(struct executor *executor, struct evaluation *evaluation, void *token, struct error *error)
{
  bool full = executor->takes_at_once && executor->submitted && executor->earlier_count + 1 >= executor->takes_at_once;
  if (executor->refuses || full) {
    *error = executor->refusal;
    return false;
  }
  if (executor->submitted) {
    assert_true(executor->takes_at_once && executor->earlier_count < FAKE_EVALUATIONS_MAX);
    executor->earlier[executor->earlier_count].evaluation = executor->submitted;
    executor->earlier[executor->earlier_count++].token = executor->token;
  }
  executor->submitted = evaluation;
  executor->token = token;
  return true;
}

enum cancel_result executor_cancel(struct executor *executor, const char *id, void *token)
{
  executor->cancels++;
  if (!executor_find(executor, id))
    return CANCEL_NOT_OPEN;
  assert_true(executor->cancelled_count < FAKE_EVALUATIONS_MAX);
  snprintf(executor->cancelled[executor->cancelled_count].id, ID_SIZE, "%s", id);
  executor->cancelled[executor->cancelled_count++].token = token;
  return CANCEL_UNDER_WAY;
}

bool executor_place(const struct executor *executor, const struct evaluation *evaluation, struct queue_place *ret)
{
  if (!executor->place || evaluation->state != STATE_QUEUED)
    return false;
  *ret = *executor->place;
  return true;
}

unsigned executor_turn_away(struct executor *executor)
{
  return ++executor->turned_away;
}

/* store/store.h */

static struct fake_store_call *add_call(struct store *store)
{
  assert_true(store->call_count < FAKE_EVALUATIONS_MAX);
  return &store->calls[store->call_count++];
}

void store_get(struct store *store, const char *id, store_get_done *done, void *context)
{
  struct fake_store_call *call = add_call(store);
  *call = (struct fake_store_call){.get_done = done, .context = context};
  snprintf(call->id, sizeof call->id, "%s", id);
}

void store_list(struct store *store, const struct store_filter *filter, store_list_done *done, void *context)
{
  *add_call(store) = (struct fake_store_call){.filter = *filter, .list_done = done, .context = context};
  store->last_filter = *filter;
}

/* Answered at once. */
void store_backup(struct store *store, store_backup_done *done, void *context)
{
  struct error full = {.kind = ERROR_NO_SPACE, .message = "no room for a copy"};
  done(context, store->fails ? NULL : "/state/backups/20261129_100500", store->fails ? &full : NULL);
}

/* Answered at once. */
void store_put_token(struct store *store, const struct store_token *token, store_token_done *done, void *context)
{
  if (!store->fails)
    snprintf(store->token, sizeof store->token, "%s %s %s", token->name, token->scopes, token->limits);
  done(context, store->fails ? STORE_FAILED : STORE_DONE);
}

void store_remove_token(struct store *store, const char *name, store_token_done *done, void *context)
{
  if (!store->fails && strncmp(store->token, name, strlen(name)) == 0)
    store->token[0] = 0;
  done(context, store->fails ? STORE_FAILED : STORE_DONE);
}

bool store_each_token(struct store *store, void (*each)(void *context, const struct store_token *token), void *context,
                      struct error *error)
{
  (void)store;
  (void)error;
  each(context, &(struct store_token){.name = "loaded", .scopes = "read submit", .limits = "{}"});
  return true;
}

/* Answered at once. */
static void answer_delivery(struct store *store, const char *id, store_delivery_done *done, void *context)
{
  struct error broken = {.kind = ERROR_UNAVAILABLE, .message = "the disk is on fire"};
  enum store_known known = STORE_UNKNOWN;
  for (size_t i = 0; i < store->count; i++) {
    struct evaluation *found = store->make[i]();
    if (!strcmp(found->id, id))
      known = found->state == STATE_FINISHED ? STORE_FINISHED : STORE_OPEN;
    evaluation_destroy(found);
  }
  done(context, known, known == STORE_FINISHED ? store->delivery : NULL, store->delivery_is_pending,
       store->fails ? &broken : NULL);
}

void store_delivery(struct store *store, const char *id, store_delivery_done *done, void *context)
{
  answer_delivery(store, id, done, context);
}

void store_delivery_again(struct store *store, const char *id, struct wall at, store_delivery_done *done, void *context)
{
  assert_true(at.ms > 0);
  answer_delivery(store, id, done, context);
}

struct store_stats store_stats(const struct store *store)
{
  (void)store;
  return (struct store_stats){.commits = 5, .writes = 9, .commit_us_total = 1234567, .reads = 3};
}

/* Of batches the store knows one at most, as it stands: they are tried on a real one (tests/unit/store, tests/integration). */

static void add_batch_call(struct store *store, store_batch_done *done, void *context)
{
  *add_call(store) = (struct fake_store_call){.batch_done = done, .context = context};
}

void store_batch_open(struct store *store, const char *id, const char *key, store_batch_done *done, void *context)
{
  (void)id;
  (void)key;
  add_batch_call(store, done, context);
}

void store_batch_reject(struct store *store, const char *id, uint64_t line, const char *errors, store_batch_done *done,
                        void *context)
{
  (void)id;
  (void)line;
  (void)errors;
  add_batch_call(store, done, context);
}

void store_batch_complete(struct store *store, const char *id, uint64_t lines, store_batch_done *done, void *context)
{
  (void)id;
  (void)lines;
  add_batch_call(store, done, context);
}

void store_batch_cancel(struct store *store, const char *id, struct wall at, store_batch_done *done, void *context)
{
  (void)id;
  (void)at;
  add_batch_call(store, done, context);
}

void store_batch_get(struct store *store, const char *id, store_batch_done *done, void *context)
{
  (void)id;
  add_batch_call(store, done, context);
}

void store_batch_find(struct store *store, const char *key, store_batch_done *done, void *context)
{
  (void)key;
  add_batch_call(store, done, context);
}

void store_batch_results(struct store *store, const char *id, const struct store_page *page, store_list_done *done,
                         void *context)
{
  (void)id;
  (void)page;
  *add_call(store) = (struct fake_store_call){.list_done = done, .context = context};
}

void store_batch_accepted(struct store *store, const char *id, uint64_t after, unsigned limit,
                          store_batch_lines_done *done, void *context)
{
  (void)id;
  (void)after;
  (void)limit;
  *add_call(store) = (struct fake_store_call){.lines_done = done, .context = context};
}

void store_batch_errors(struct store *store, const char *id, uint64_t after, unsigned limit,
                        store_batch_lines_done *done, void *context)
{
  store_batch_accepted(store, id, after, limit, done, context);
}

static void answer_get(const struct store *store, const struct fake_store_call *call, const struct error *error)
{
  struct evaluation *found = NULL;
  for (size_t i = 0; !error && !found && i < store->count; i++) {
    found = store->make[i]();
    if (strcmp(found->id, call->id) != 0)
      evaluation_destroy(TAKE_PTR(found));
  }
  call->get_done(call->context, found, error);
}

static void answer_list(const struct store *store, const struct fake_store_call *call, const struct error *error)
{
  struct evaluation **rows = xcalloc(store->count + 1, sizeof *rows);
  size_t count = 0;
  bool more = store->more;
  for (size_t i = 0; !error && i < store->count; i++) {
    struct evaluation *row = store->make[i]();
    bool before = !store->page_rows || !call->filter.before_sequence || row->sequence < call->filter.before_sequence;
    bool room = !store->page_rows || count < store->page_rows;
    more |= before && !room;
    if (before && room)
      rows[count++] = row;
    else
      evaluation_destroy(row);
  }
  call->list_done(call->context, rows, count, more, error);
}

static void answer_lines(struct store *store, const struct fake_store_call *call, const struct error *error)
{
  const size_t count = error ? 0 : store->line_count;
  store->line_count = 0;
  call->lines_done(call->context, store->lines, count, error);
}

void fake_store_dispatch(struct store *store)
{
  struct error broken = {.kind = ERROR_INTERNAL, .message = "the disk is on fire"};
  const struct error *error = store->fails ? &broken : NULL;
  while (store->call_count) {
    struct fake_store_call call = store->calls[0];
    memmove(store->calls, store->calls + 1, --store->call_count * sizeof call);
    if (call.batch_done)
      call.batch_done(call.context, store->batch && !error ? STORE_DONE : STORE_FAILED, error ? NULL : store->batch,
                      error);
    else if (call.lines_done)
      answer_lines(store, &call, error);
    else
      (call.get_done ? answer_get : answer_list)(store, &call, error);
  }
}
