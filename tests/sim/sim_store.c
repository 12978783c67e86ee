/*
 * The store. Rows are durable; what waits, and what is being committed, is in memory. One commit is under way at a
 * time, and takes all that waits when it begins (group commit). When the daemon dies, some first part of what was in
 * memory turns out to have been durable, and the rest is gone; so it is when a commit fails, and the answer does not
 * tell.
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

/* Who has the key of this job, or is the job itself. */
static const struct row *find_key(const struct sim_store *store, const struct job *job)
{
  for (unsigned i = 0; i < store->row_count; i++)
    if (job->key && store->rows[i].job->key == job->key)
      return &store->rows[i];
  return 0;
}

static enum store_result apply_accept(struct sim *sim, struct write *write)
{
  struct sim_store *store = &sim->store;
  const struct row *standing = find_key(store, write->job);
  if (standing && standing->job != write->job)
    return STORE_CONFLICT;
  if (standing) {
    strcpy(write->standing_id, standing->id);
    return STORE_STANDS;
  }
  if (find_row(store, write->id))
    return STORE_DUPLICATE;
  ASSERT(store->row_count < JOBS_MAX);
  struct row *row = &store->rows[store->row_count++];
  *row = (struct row){.job = write->job, .client = write->client, .attempt = 1};
  strcpy(row->id, write->id);
  write->sequence = store->row_count;
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
  row->finished_us = sim->now_us;
  row->output_bytes = write->output_bytes;
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

static void begin_commit(struct sim *sim);

/* Takes them out of memory; the first so many have become durable. */
static void end_commit(struct sim *sim, unsigned durable)
{
  struct sim_store *store = &sim->store;
  for (unsigned i = 0; i < durable; i++)
    apply(sim, &store->writes[i]);
  for (unsigned i = 0; i < store->committing_count; i++) {
    struct write *write = xmalloc(sizeof *write);
    *write = store->writes[i];
    if (store->failed)
      write->result = STORE_FAILED;
    sim_after(sim, 10, EVENT_TO_DAEMON, answer)->owned = write;
  }
  store->write_count -= store->committing_count;
  memmove(store->writes, store->writes + store->committing_count, store->write_count * sizeof *store->writes);
  store->committing_count = 0;
}

static void commit(struct sim *sim, struct event *event)
{
  (void)event;
  struct sim_store *store = &sim->store;
  unsigned durable = store->failed ? 0 : store->committing_count;
  if (!store->failed && sim_strikes(sim, TROUBLE_COMMIT_FAILS)) {
    store->failed = true;
    durable = (unsigned)sim_below(sim, durable + 1);
  }
  end_commit(sim, durable);
  begin_commit(sim);
}

static void begin_commit(struct sim *sim)
{
  struct sim_store *store = &sim->store;
  if (store->committing_count || !store->write_count)
    return;
  store->committing_count = store->write_count;
  uint64_t most_us = sim_strikes(sim, TROUBLE_COMMIT_SLOW) ? 7000000 : 5000;
  sim_after(sim, sim_between_us(sim, 200, most_us), EVENT_TO_DAEMON, commit);
}

void store_write(struct sim *sim, const struct write *write)
{
  ASSERT(sim->store.write_count < WRITES_MAX);
  sim->store.writes[sim->store.write_count++] = *write;
  begin_commit(sim);
}

static unsigned durable_at_crash(struct sim *sim)
{
  const struct sim_store *store = &sim->store;
  if (store->failed)
    return 0;
  if (sim->run.script < 0)
    return (unsigned)sim_below(sim, store->write_count + 1);
  return sim_survives(sim, COIN_COMMITS) ? store->committing_count : 0;
}

void store_crash(struct sim *sim)
{
  struct sim_store *store = &sim->store;
  for (unsigned i = 0, durable = durable_at_crash(sim); i < durable; i++)
    apply(sim, &store->writes[i]);
  store->write_count = store->committing_count = 0;
  store->failed = false;
}
