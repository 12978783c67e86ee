/*
 * The daemon: the real executor in this world. It dies right after any one of its effects: what the executor asks for
 * after that, in the same step, is never heard of; then everything in its memory is gone. The next incarnation reads
 * what is durable and recovers.
 */

#include "sim.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char backend_name_here[] = "native";

/* Counts an effect, and says whether the daemon lived to bring it about. */
static bool effect(struct sim *sim)
{
  if (sim->dying)
    return false;
  sim->effects++;
  sim->dying = sim->effects == sim->run.crash_effects[0] || sim->effects == sim->run.crash_effects[1] ||
               sim_strikes(sim, TROUBLE_CRASH_AT_EFFECT);
  return true;
}

static struct job *job_of(const struct sim *sim, const struct evaluation *evaluation)
{
  unsigned index;
  ASSERT(evaluation->plan && evaluation->plan->size == sizeof index);
  memcpy(&index, evaluation->plan->data, sizeof index);
  ASSERT(index < sim->job_count);
  return (struct job *)&sim->jobs[index];
}

static struct job *job_by_id(struct sim *sim, const char *id)
{
  const struct row *row = store_row(sim, id);
  return row ? row->job : 0;
}

/* ---- the world ---- */

static struct mono world_now(void *context)
{
  return (struct mono){((struct sim *)context)->now_us};
}

static struct wall world_wall_now(void *context)
{
  struct sim *sim = context;
  return (struct wall){1795377480000 + (int64_t)(sim->now_us / 1000) + sim->wall_offset_ms};
}

static uint32_t world_random(void *context)
{
  struct sim *sim = context;
  return (uint32_t)sim_below(sim, sim_strikes(sim, TROUBLE_ID_REPEATED) ? 4 : UINT32_MAX);
}

static void world_store_accept(void *context, const struct evaluation *evaluation)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  sim_trace(sim, "accept     %s", evaluation->id);
  struct write write = {
    .kind = WRITE_ACCEPT, .job = job_of(sim, evaluation), .client = clients_number(evaluation->token)};
  strcpy(write.id, evaluation->id);
  store_write(sim, &write);
}

static void world_store_attempt(void *context, const struct evaluation *evaluation, unsigned attempt)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  sim_trace(sim, "attempt    %s %u", evaluation->id, attempt);
  check_gives_up_attempt(sim, job_of(sim, evaluation), evaluation);
  struct write write = {.kind = WRITE_ATTEMPT, .attempt = attempt};
  strcpy(write.id, evaluation->id);
  store_write(sim, &write);
}

static void world_store_cancel(void *context, const struct evaluation *evaluation, void *token)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  sim_trace(sim, "cancel     %s", evaluation->id);
  struct write write = {.kind = WRITE_CANCEL, .job = token};
  strcpy(write.id, evaluation->id);
  store_write(sim, &write);
}

static void world_store_finish(void *context, const struct evaluation *evaluation)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  sim_trace(sim, "finish     %s %s: %s", evaluation->id, verdict_name(evaluation->verdict.kind),
            evaluation->verdict.reason);
  check_asks_for_verdict(sim, job_of(sim, evaluation), evaluation);
  struct write write = {
    .kind = WRITE_FINISH,
    .verdict = evaluation->verdict,
    .output_bytes = evaluation->outputs ? evaluation->outputs->stream[STREAM_STDOUT].bytes : 0,
  };
  strcpy(write.id, evaluation->id);
  store_write(sim, &write);
}

static void world_launch(void *context, const struct evaluation *evaluation)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  struct name name = name_make(evaluation->id, evaluation->attempt);
  sim_trace(sim, "launch     %s", name.text);
  check_launch(sim, evaluation);
  sim_backend_launch(sim, name, job_of(sim, evaluation));
}

static struct job *job_of_name(struct sim *sim, struct name name)
{
  char id[ID_SIZE];
  unsigned attempt;
  ASSERT(name_parse(name.text, id, &attempt));
  return job_by_id(sim, id);
}

static void world_observe(void *context, const char *backend, struct name name)
{
  struct sim *sim = context;
  ASSERT(!strcmp(backend, backend_name_here));
  if (!effect(sim))
    return;
  sim_trace(sim, "observe    %s", name.text);
  sim_backend_observe(sim, name, ++sim->requests);
}

static void world_kill(void *context, const char *backend, struct name name, enum kill_reason reason)
{
  struct sim *sim = context;
  ASSERT(!strcmp(backend, backend_name_here));
  if (!effect(sim))
    return;
  sim_trace(sim, "kill       %s %s", name.text, kill_reason_name(reason));
  struct job *job = job_of_name(sim, name);
  ASSERT(job);
  job->kill_request = ++sim->requests;
  sim_backend_kill(sim, name, reason);
}

static void world_remove(void *context, const char *backend, struct name name)
{
  struct sim *sim = context;
  ASSERT(!strcmp(backend, backend_name_here));
  if (!effect(sim))
    return;
  sim_trace(sim, "remove     %s", name.text);
  check_remove(sim, name);
  sim_backend_remove(sim, name);
}

static void world_accepted(void *context, struct evaluation *evaluation, void *token, enum store_result result,
                           const char *standing_id)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  struct job *job = token;
  const char *id = result == STORE_DONE ? evaluation->id : standing_id;
  sim_trace(sim, "accepted   %s result %d", id ? id : "-", (int)result);
  clients_told(sim, job, result, id);
}

static void world_cancelled(void *context, const char *id, void *token, enum store_result result)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  sim_trace(sim, "cancelled  %s result %d", id, (int)result);
  clients_told_cancelled(sim, token, result);
}

static void world_changed(void *context, const struct evaluation *evaluation)
{
  struct sim *sim = context;
  if (!effect(sim))
    return;
  sim_trace(sim, "changed    %s %s", evaluation->id, evaluation_status(evaluation));
  check_move(sim, job_of(sim, evaluation), evaluation);
}

static void world_broken(void *context, const char *what)
{
  struct sim *sim = context;
  sim_trace(sim, "broken     %s", what);
  sim->dying = true;
}

/* ---- time ---- */

static void has_stopped(struct sim *sim, struct event *event)
{
  (void)event;
  sim->dying = true;
  daemon_leave(sim);
}

static void stop(struct sim *sim)
{
  sim->stopping = true;
  executor_drain(sim->executor);
  sim_after(sim, sim_between_us(sim, 1000, 3000000), EVENT_TO_DAEMON, has_stopped);
}

static void tick(struct sim *sim, struct event *event)
{
  (void)event;
  sim->ticking = false;
  if (!daemon_enter(sim))
    return;
  if (sim_strikes(sim, TROUBLE_WALL_JUMPS))
    sim->wall_offset_ms += (int64_t)sim_below(sim, 172800000) - 86400000;
  executor_tick(sim->executor);
  sim->rebooting = sim_strikes(sim, TROUBLE_REBOOT);
  sim->dying |= sim->rebooting || sim_strikes(sim, TROUBLE_CRASH);
  if (!sim->dying && !sim->stopping && sim_strikes(sim, TROUBLE_STOP))
    stop(sim);
  daemon_leave(sim);
}

static void arm_timer(struct sim *sim)
{
  struct mono next;
  if (sim->ticking || !executor_next(sim->executor, &next))
    return;
  sim->ticking = true;
  sim_after(sim, next.us > sim->now_us ? next.us - sim->now_us : 0, EVENT_TO_DAEMON, tick);
}

/* ---- life and death ---- */

static void restart(struct sim *sim, struct event *event)
{
  (void)event;
  daemon_start(sim);
}

static void crash(struct sim *sim)
{
  sim_trace(sim, "CRASH      after effect %llu", (unsigned long long)sim->effects);
  executor_destroy(sim->executor);
  sim->executor = 0;
  store_crash(sim);
  sim_settle_requests(sim);
  if (sim->rebooting)
    sim_backend_reboot(sim);
  sim->rebooting = false;
  sim_after(sim, sim_between_us(sim, 100000, 10000000), EVENT_WORLD, restart);
}

bool daemon_enter(struct sim *sim)
{
  return sim->executor && !sim->dying;
}

void daemon_leave(struct sim *sim)
{
  if (sim->dying) {
    crash(sim);
    return;
  }
  check_step(sim);
  arm_timer(sim);
}

static void recover_rows(struct sim *sim)
{
  for (unsigned i = 0; i < sim->store.row_count; i++) {
    const struct row *row = &sim->store.rows[i];
    if (row->finished)
      continue;
    struct evaluation *evaluation = clients_draft(row->job);
    strcpy(evaluation->id, row->id);
    evaluation->sequence = i + 1;
    free(evaluation->token);
    evaluation->token = xstrdup(client_name(row->client));
    evaluation->attempt = row->attempt;
    evaluation->cancelled_at.ms = row->cancelled;
    evaluation->entered_at[STATE_QUEUED].ms = 1;
    row->job->state = STATE_QUEUED;
    row->job->state_incarnation = sim->incarnation;
    row->job->entered_us = sim->now_us;
    row->job->cancellation_known = row->cancelled;
    sim_trace(sim, "recover    %s attempt %u", row->id, row->attempt);
    executor_recover(sim->executor, evaluation);
  }
}

/* What a backend still holds of what is finished, or of an attempt before the present one. */
static void remove_leftovers(struct sim *sim)
{
  for (unsigned i = 0; i < sim->backend.attempt_count; i++) {
    const struct attempt *attempt = &sim->backend.attempts[i];
    char id[ID_SIZE];
    unsigned number;
    ASSERT(name_parse(attempt->name.text, id, &number));
    const struct evaluation *open = executor_find(sim->executor, id);
    bool held = attempt->presence != PRESENCE_ABSENT || attempt->evidence;
    if (held && !(open && open->attempt == number))
      world_remove(sim, backend_name_here, attempt->name);
  }
}

void daemon_start(struct sim *sim)
{
  const struct world world = {
    .context = sim,
    .now = world_now,
    .wall_now = world_wall_now,
    .random = world_random,
    .store_accept = world_store_accept,
    .store_attempt = world_store_attempt,
    .store_cancel = world_store_cancel,
    .store_finish = world_store_finish,
    .launch = world_launch,
    .observe = world_observe,
    .kill = world_kill,
    .remove = world_remove,
    .accepted = world_accepted,
    .cancelled = world_cancelled,
    .changed = world_changed,
    .broken = world_broken,
  };
  sim->incarnation++;
  sim->dying = sim->ticking = sim->stopping = false;
  sim_trace(sim, "START      incarnation %u", sim->incarnation);
  for (unsigned i = 0; i < sim->job_count; i++) {
    sim->jobs[i].verdict_asked = sim->jobs[i].cancellation_known = false;
    sim->jobs[i].kill_request = sim->jobs[i].answered_look_request = 0;
  }
  sim->turns = (struct turns){0};
  sim->executor = executor_create(&world, &(struct executor_config){.queue_max = JOBS_MAX / 4});
  executor_add_backend(sim->executor, backend_name_here, 0);
  sim_backend_begin(sim);
  recover_rows(sim);
  remove_leftovers(sim);
  if (!sim->dying)
    executor_start(sim->executor);
  if (!sim->dying)
    sim_backend_start(sim);
  daemon_leave(sim);
}
