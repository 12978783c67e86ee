/* The clients: they submit, ask again when they hear nothing, hang up, and now and then cancel. */

#include "sim.h"

#include "base/memory.h"

#include <string.h>

enum { CLIENT_TIMEOUT_US = 5000000, SUBMISSIONS_MAX = 20, FIRST_JOB_STREAM = 1000 };

static const char *const client_names[CLIENTS] = {0, "ci", "class"};

const char *client_name(unsigned client)
{
  return client_names[client];
}

unsigned clients_number(const char *name)
{
  for (unsigned client = 1; name && client < CLIENTS; client++)
    if (!strcmp(client_names[client], name))
      return client;
  ASSERT(!name);
  return 0;
}

struct evaluation *clients_draft(const struct job *job)
{
  struct evaluation *evaluation = evaluation_create();
  strcpy(evaluation->backend, "native");
  evaluation->attempts_max = job->attempts_max;
  evaluation->priority = job->priority;
  evaluation->token = xstrdup(client_name(job->client));
  evaluation->limits.wall_time_ms = WALL_LIMIT_MS;
  evaluation->labels = xstrdup("{}");
  evaluation->plan = blob_create(&job->index, sizeof job->index);
  return evaluation;
}

static void submit(struct sim *sim, struct event *event);

static void submit_later(struct sim *sim, struct job *job)
{
  uint64_t delay_us = chance_between_us(&job->chance, 100000, 4000000);
  sim_after(sim, delay_us, EVENT_WORLD, submit)->number = job->index;
}

/* No answer. Whoever has a key asks again; another cannot know whether it was accepted, and lets it be. */
static void hears_nothing(struct sim *sim, struct event *event)
{
  struct job *job = &sim->jobs[event->number];
  if (job->answered || job->given_up)
    return;
  if (job->key)
    submit_later(sim, job);
  else
    job->given_up = true;
}

static void is_refused(struct sim *sim, struct job *job)
{
  if (job->submissions < SUBMISSIONS_MAX)
    submit_later(sim, job);
  else
    job->given_up = true;
}

static void submit(struct sim *sim, struct event *event)
{
  struct job *job = &sim->jobs[event->number];
  if (job->answered || job->given_up)
    return;
  if (!daemon_enter(sim)) {
    submit_later(sim, job); /* connection refused */
    return;
  }
  if (sim_strikes(sim, TROUBLE_DISK_FULL)) { /* 507, before the executor hears of it */
    job->submissions++;
    is_refused(sim, job);
    return;
  }
  struct evaluation *evaluation = clients_draft(job);
  struct error error = {0};
  job->submissions++;
  bool taken = executor_submit(sim->executor, evaluation, job, &error);
  sim_trace(sim, "submit     job %u: %s", job->index, taken ? evaluation->id : error.message);
  if (taken) {
    sim_after(sim, CLIENT_TIMEOUT_US, EVENT_WORLD, hears_nothing)->number = job->index;
  } else {
    evaluation_destroy(evaluation);
    if (error.kind != ERROR_OVERLOADED && !(error.kind == ERROR_UNAVAILABLE && sim->stopping))
      sim_fail(sim, "a submission was refused: %s", error.message);
    is_refused(sim, job);
  }
  daemon_leave(sim);
}

static void check_conflict(struct sim *sim, const struct job *job)
{
  for (unsigned i = 0; i < sim->job_count; i++)
    if (&sim->jobs[i] != job && sim->jobs[i].key == job->key)
      return;
  sim_fail(sim, "job %u was told of a conflict, but nobody else has its key", job->index);
}

void clients_told(struct sim *sim, struct job *job, enum store_result result, const char *id)
{
  if (result == STORE_FAILED)
    return; /* 503: as good as no answer */
  if (result == STORE_CONFLICT) {
    check_conflict(sim, job);
    job->given_up = true;
    return;
  }
  if (result != STORE_DONE && result != STORE_STANDS)
    sim_fail(sim, "job %u was answered with %d", job->index, (int)result);
  const struct row *row = id ? store_row(sim, id) : 0;
  if (!row)
    sim_fail(sim, "job %u was acknowledged before it was durable (law 1)", job->index);
  if (row->job != job)
    sim_fail(sim, "job %u was given the id of job %u", job->index, row->job->index);
  if (sim_strikes(sim, TROUBLE_CLIENT_LEAVES))
    return; /* it had hung up */
  job->answered = true;
  strcpy(job->id, id);
}

void clients_told_cancelled(struct sim *sim, struct job *job, enum store_result result)
{
  const struct row *row = store_row(sim, job->id);
  if (result == STORE_DONE && !row->cancelled)
    sim_fail(sim, "job %u was told of a cancellation that is not durable", job->index);
  job->cancellation_known |= result == STORE_DONE;
  if (result == STORE_STANDS && !row->finished)
    sim_fail(sim, "job %u was told of a verdict that is not durable", job->index);
}

static void cancel(struct sim *sim, struct event *event)
{
  struct job *job = &sim->jobs[event->number];
  if (!job->answered || !daemon_enter(sim))
    return;
  enum cancel_result result = executor_cancel(sim->executor, job->id, job);
  sim_trace(sim, "cancel     %s: %s", job->id, result == CANCEL_UNDER_WAY ? "under way" : "not open");
  job->cancelled |= result == CANCEL_UNDER_WAY;
  if (result == CANCEL_NOT_OPEN && !store_row(sim, job->id)->finished)
    sim_fail(sim, "%s is open in the store, but the daemon does not know it", job->id);
  daemon_leave(sim);
}

struct job *clients_add(struct sim *sim)
{
  ASSERT(sim->job_count < JOBS_MAX);
  struct job *job = &sim->jobs[sim->job_count];
  *job = (struct job){
    .index = sim->job_count,
    .chance = chance_of(sim->run.seed, FIRST_JOB_STREAM + sim->job_count),
    .output_bytes = NAME_SIZE,
    .attempts_max = 1,
    .left_out = !(sim->run.jobs >> sim->job_count & 1),
  };
  sim->job_count++;
  return job;
}

void clients_submit_at(struct sim *sim, struct job *job, uint64_t at_us)
{
  if (!job->left_out)
    sim_after(sim, at_us, EVENT_WORLD, submit)->number = job->index;
}

void clients_cancel_at(struct sim *sim, struct job *job, uint64_t at_us)
{
  if (!job->left_out)
    sim_after(sim, at_us, EVENT_WORLD, cancel)->number = job->index;
}
