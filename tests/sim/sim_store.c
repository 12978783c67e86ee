/*
 * The store. Rows are durable; what waits, and what is being committed, is in memory. One commit is under way at a
 * time, and takes all that waits when it begins (group commit). When the daemon dies, the commit under way turns out to
 * have been durable or not, whole.
 */

#include "sim.h"

#include "base/memory.h"

#include <string.h>

static struct row *find_row(struct sim_store *store, const char *id)
{
  for (unsigned i = 0; i < store->row_count; i++)
    if (!strcmp(store->rows[i].id, id))
      return &store->rows[i];
  return 0;
}

const struct row *store_row(const struct sim *sim, const char *id)
{
  return find_row((struct sim_store *)&sim->store, id);
}

static const struct row *find_key(const struct sim_store *store, const struct job *job)
{
  for (unsigned i = 0; i < store->row_count; i++)
    if (job->with_key && store->rows[i].job == job)
      return &store->rows[i];
  return 0;
}

static enum store_result apply_accept(struct sim *sim, struct write *write)
{
  struct sim_store *store = &sim->store;
  const struct row *standing = find_key(store, write->job);
  if (standing) {
    strcpy(write->standing_id, standing->id);
    return STORE_STANDS;
  }
  if (find_row(store, write->id))
    return STORE_DUPLICATE;
  ASSERT(store->row_count < ROWS_MAX);
  struct row *row = &store->rows[store->row_count++];
  *row = (struct row){.job = write->job, .sequence = store->row_count, .attempt = 1};
  strcpy(row->id, write->id);
  write->sequence = row->sequence;
  return STORE_DONE;
}

static enum store_result apply_attempt(struct sim *sim, const struct write *write)
{
  struct row *row = find_row(&sim->store, write->id);
  if (!row || row->finished)
    sim_fail(sim, "%s: attempt %u of what is not open", write->id, write->attempt);
  if (write->attempt != row->attempt + 1 || write->attempt > row->job->attempts_max)
    sim_fail(sim, "%s: attempt %u after %u, of %u", write->id, write->attempt, row->attempt, row->job->attempts_max);
  row->attempt = write->attempt;
  return STORE_DONE;
}

static enum store_result apply_cancel(struct sim *sim, const struct write *write)
{
  struct row *row = find_row(&sim->store, write->id);
  if (!row)
    sim_fail(sim, "%s: a cancellation of what was never accepted", write->id);
  if (row->finished)
    return STORE_STANDS;
  row->cancelled = true;
  return STORE_DONE;
}

static enum store_result apply_finish(struct sim *sim, const struct write *write)
{
  struct row *row = find_row(&sim->store, write->id);
  if (!row)
    sim_fail(sim, "%s: a verdict of what was never accepted", write->id);
  if (row->finished)
    return STORE_STANDS;
  row->finished = true;
  row->verdict = write->verdict;
  sim_trace(sim, "durable    %s %s: %s", row->id, verdict_name(row->verdict.kind), row->verdict.reason);
  check_verdict(sim, row);
  return STORE_DONE;
}

static void apply(struct sim *sim, struct write *write)
{
  switch (write->kind) {
  case WRITE_ACCEPT:
    write->result = apply_accept(sim, write);
    break;
  case WRITE_ATTEMPT:
    write->result = apply_attempt(sim, write);
    break;
  case WRITE_CANCEL:
    write->result = apply_cancel(sim, write);
    break;
  case WRITE_FINISH:
    write->result = apply_finish(sim, write);
    break;
  }
}

static void answer(struct sim *sim, struct event *event)
{
  const struct write *write = event->owned;
  if (!daemon_enter(sim))
    return;
  sim_trace(sim, "stored     %s kind %d result %d", write->id, (int)write->kind, (int)write->result);
  switch (write->kind) {
  case WRITE_ACCEPT:
    executor_accepted(sim->executor, write->id, write->result, write->sequence,
                      write->standing_id[0] ? write->standing_id : 0);
    break;
  case WRITE_ATTEMPT:
    executor_attempt_stored(sim->executor, write->id, write->attempt, write->result);
    break;
  case WRITE_CANCEL:
    executor_cancelled(sim->executor, write->id, write->job, write->result);
    break;
  case WRITE_FINISH:
    executor_finished(sim->executor, write->id, write->result);
    break;
  }
  daemon_leave(sim);
}

static void send_answers(struct sim *sim)
{
  struct sim_store *store = &sim->store;
  for (unsigned i = 0; i < store->committing_count; i++) {
    struct write *copy = xmalloc(sizeof *copy);
    *copy = store->committing[i];
    sim_after(sim, 10, EVENT_TO_DAEMON, answer)->owned = copy;
  }
  store->committing_count = 0;
}

static void begin_commit(struct sim *sim);

static void commit(struct sim *sim, struct event *event)
{
  (void)event;
  struct sim_store *store = &sim->store;
  bool fails = store->failed || sim_happens(sim, sim->weather.commit_fails);
  /* After a failed fsync nobody can say whether it is durable; the answer is the same. */
  bool durable = !store->failed && (!fails || sim_coin(sim, COIN_TOSS));
  store->failed = fails;
  for (unsigned i = 0; i < store->committing_count; i++) {
    if (durable)
      apply(sim, &store->committing[i]);
    if (fails)
      store->committing[i].result = STORE_FAILED;
  }
  send_answers(sim);
  begin_commit(sim);
}

static void begin_commit(struct sim *sim)
{
  struct sim_store *store = &sim->store;
  if (store->committing_count || !store->waiting_count)
    return;
  memcpy(store->committing, store->waiting, store->waiting_count * sizeof *store->waiting);
  store->committing_count = store->waiting_count;
  store->waiting_count = 0;
  uint64_t most_us = sim_happens(sim, sim->weather.commit_slow) ? 7000000 : 5000;
  sim_after(sim, sim_between_us(sim, 200, most_us), EVENT_TO_DAEMON, commit);
}

void store_write(struct sim *sim, const struct write *write)
{
  ASSERT(sim->store.waiting_count < WRITES_MAX);
  sim->store.waiting[sim->store.waiting_count++] = *write;
  begin_commit(sim);
}

void store_crash(struct sim *sim)
{
  struct sim_store *store = &sim->store;
  bool durable = store->committing_count && !store->failed && sim_coin(sim, sim->commit_survives);
  for (unsigned i = 0; durable && i < store->committing_count; i++)
    apply(sim, &store->committing[i]);
  store->waiting_count = store->committing_count = 0;
  store->failed = false;
}
