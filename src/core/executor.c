#include "core/executor_impl.h"

#include "base/memory.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is open: by id, and in order of acceptance. */

static int compare_ids(const void *a, const void *b)
{
  return strcmp(((const struct evaluation *)a)->id, ((const struct evaluation *)b)->id);
}

struct evaluation *executor_find(const struct executor *executor, const char *id)
{
  struct evaluation key;
  size_t length = strlen(id);
  if (length >= sizeof key.id)
    return 0;
  memcpy(key.id, id, length + 1);
  struct evaluation *const *node = tfind(&key, &executor->by_id, compare_ids);
  return node ? *node : 0;
}

static uint64_t output_bytes_most(const struct evaluation *evaluation)
{
  return STREAM_COUNT * evaluation->limits.output_bytes;
}

static void link_open(struct executor *executor, struct evaluation *evaluation)
{
  struct evaluation **node = tsearch(evaluation, &executor->by_id, compare_ids);
  ASSERT(node && *node == evaluation);
  if (!executor->oldest) /* time begins to count with the first open one: nothing ticks while nothing is open */
    executor->last_tick = executor->last_reconcile = executor->world.now(executor->world.context);
  evaluation->x.next = 0;
  evaluation->x.previous = executor->newest;
  if (executor->newest)
    executor->newest->x.next = evaluation;
  else
    executor->oldest = evaluation;
  executor->newest = evaluation;
  executor->in_state[evaluation->state]++;
  executor->queued_bytes += evaluation_waiting_bytes(evaluation, evaluation->state);
  executor->output_bytes += output_bytes_most(evaluation);
  queue_join(&evaluation->x.backend->queue, evaluation);
}

static void unlink_open(struct executor *executor, struct evaluation *evaluation)
{
  queue_leave(&evaluation->x.backend->queue, evaluation);
  executor->in_state[evaluation->state]--;
  executor->queued_bytes -= evaluation_waiting_bytes(evaluation, evaluation->state);
  executor->output_bytes -= output_bytes_most(evaluation);
  struct evaluation *previous = evaluation->x.previous, *next = evaluation->x.next;
  *(previous ? &previous->x.next : &executor->oldest) = next;
  *(next ? &next->x.previous : &executor->newest) = previous;
  tdelete(evaluation, &executor->by_id, compare_ids);
}

static void retire(struct executor *executor, struct evaluation *evaluation)
{
  unlink_open(executor, evaluation);
  evaluation_destroy(evaluation);
}

struct evaluation *executor_each(const struct executor *executor, const struct evaluation *previous)
{
  return previous ? previous->x.next : executor->oldest;
}

/* The open evaluation whose present attempt has this name; NULL for everything else, which then concerns nobody. */
static struct evaluation *find_attempt(const struct executor *executor, struct name name)
{
  char id[ID_SIZE];
  unsigned attempt;
  if (!name_parse(name.text, id, &attempt))
    return 0;
  struct evaluation *evaluation = executor_find(executor, id);
  bool concerned = evaluation && evaluation->attempt == attempt && evaluation->state != STATE_ACCEPTING;
#ifdef BREAK_LAW_6
  return concerned ? evaluation : 0;
#endif
  return concerned && !evaluation->x.finishing ? evaluation : 0;
}

static struct backend_state *find_backend(struct executor *executor, const char *name)
{
  for (unsigned i = 0; i < executor->backend_count; i++)
    if (!strcmp(executor->backends[i].name, name))
      return &executor->backends[i];
  return 0;
}

struct executor *executor_create(const struct world *world, const struct executor_config *config)
{
  struct executor *executor = xcalloc(1, sizeof *executor);
  executor->world = *world;
  executor->config = *config;
  if (!executor->config.queue_max)
    executor->config.queue_max = QUEUE_EVALUATIONS_MAX;
  if (!executor->config.queue_bytes_max)
    executor->config.queue_bytes_max = QUEUE_BYTES_MAX;
  executor->last_tick = executor->last_reconcile = world->now(world->context);
  return executor;
}

void executor_destroy(struct executor *executor)
{
  if (!executor)
    return;
  while (executor->oldest)
    retire(executor, executor->oldest);
  for (unsigned i = 0; i < executor->backend_count; i++)
    queue_release(&executor->backends[i].queue);
  free(executor);
}

void executor_add_backend(struct executor *executor, const char *backend, unsigned patience_ms)
{
  ASSERT(executor->backend_count < BACKENDS_MAX);
  struct backend_state *added = &executor->backends[executor->backend_count++];
  snprintf(added->name, sizeof added->name, "%s", backend);
  added->patience_ms = patience_ms;
}

/* The clock is read for the first who waits only. */
static void note_waiting(struct executor *executor, struct backend_state *backend)
{
  if (backend->drain.measuring && executor->drain.measuring)
    return;
  struct mono now = executor->world.now(executor->world.context);
  drain_waits(&backend->drain, now);
  drain_waits(&executor->drain, now);
}

/* Fills free slots from the queues. Called at the end of every event that can free a slot or add to a queue. */
static void pump(struct executor *executor)
{
  if (executor->draining)
    return;
  for (unsigned i = 0; i < executor->backend_count; i++) {
    struct backend_state *backend = &executor->backends[i];
    struct evaluation *evaluation;
    while (!backend->blocked && backend->busy < backend->slots && (evaluation = queue_pop(&backend->queue)))
      evaluation_launch(executor, evaluation);
    if (backend->queue.size)
      note_waiting(executor, backend);
  }
}

/* Recovery. An evaluation of a backend that is no longer configured can be looked at nowhere, and is lost. */

void executor_recover(struct executor *executor, struct evaluation *evaluation)
{
  evaluation->x.backend = find_backend(executor, evaluation->backend);
  if (!evaluation->x.backend) {
    executor_add_backend(executor, evaluation->backend, 0);
    evaluation->x.backend = find_backend(executor, evaluation->backend);
    evaluation->x.backend->gone = true;
  }
  evaluation->state = STATE_QUEUED;
  evaluation->x.recovering = true;
  evaluation->x.stop = evaluation->cancelled_at.ms ? STOP_CANCELLED : STOP_NONE;
  evaluation->x.deadline = mono_add_ms(executor->world.now(executor->world.context), state_deadline_ms(STATE_QUEUED));
  evaluation->x.queue_deadline = evaluation->x.deadline;
  link_open(executor, evaluation);
}

void executor_start(struct executor *executor)
{
  for (struct evaluation *evaluation = executor->oldest; evaluation; evaluation = evaluation->x.next)
    (evaluation->x.backend->gone ? evaluation_backend_gone : evaluation_look)(executor, evaluation);
}

/* Submission. */

static void give_id(struct executor *executor, struct evaluation *evaluation)
{
  struct world *world = &executor->world;
  do
    id_make(evaluation->id, world->wall_now(world->context), world->random(world->context));
  while (executor_find(executor, evaluation->id));
}

static bool has_room(const struct executor *executor, const struct backend_state *backend, uint64_t plan_bytes,
                     struct error *error)
{
  unsigned waiting = 0;
  for (enum state state = 0; state < STATE_COUNT; state++)
    waiting += state_waits(state) ? executor->in_state[state] : 0;
  unsigned free_slots = backend->slots > backend->busy ? backend->slots - backend->busy : 0;
  if (waiting >= executor->config.queue_max + free_slots)
    return error_set(error, ERROR_OVERLOADED, EAGAIN, "the queue is full: %u evaluations wait; try again later",
                     waiting);
  if (executor->queued_bytes + plan_bytes > executor->config.queue_bytes_max)
    return error_set(error, ERROR_OVERLOADED, EAGAIN, "the queue is full: what waits takes %llu bytes; try again later",
                     (unsigned long long)executor->queued_bytes);
  return true;
}

bool executor_submit(struct executor *executor, struct evaluation *evaluation, void *token, struct error *error)
{
  struct backend_state *backend = find_backend(executor, evaluation->backend);
  if (!backend || backend->gone)
    return error_set(error, ERROR_INVALID, 0, "no backend named %s", evaluation->backend);
  if (executor->draining)
    return error_set(error, ERROR_UNAVAILABLE, 0, "the daemon is stopping");
  if (!has_room(executor, backend, evaluation->plan ? evaluation->plan->size : 0, error))
    return false;

  evaluation->state = STATE_ACCEPTING;
  evaluation->attempt = 1;
  evaluation->x.backend = backend;
  evaluation->x.token = token;
  evaluation->x.deadline = (struct mono){UINT64_MAX};
  evaluation->entered_at[STATE_QUEUED] = executor->world.wall_now(executor->world.context);
  give_id(executor, evaluation);
  link_open(executor, evaluation);
  executor->world.store_accept(executor->world.context, evaluation);
#ifdef BREAK_LAW_1
  executor_accepted(executor, evaluation->id, STORE_DONE, 0, 0);
#endif
  return true;
}

/* It is not accepted: the submitter is told why, and it is forgotten. */
static void refuse(struct executor *executor, struct evaluation *evaluation, enum store_result result,
                   const char *standing_id)
{
  struct evaluation *standing = result == STORE_STANDS && standing_id ? executor_find(executor, standing_id) : 0;
  void *token = evaluation->x.token;
  retire(executor, evaluation);
  executor->world.accepted(executor->world.context, standing, token, result, standing_id);
}

void executor_accepted(struct executor *executor, const char *id, enum store_result result, uint64_t sequence,
                       const char *standing_id)
{
  struct evaluation *evaluation = executor_find(executor, id);
  if (!evaluation || evaluation->state != STATE_ACCEPTING)
    return;
  switch (result) { /* LCOV_EXCL_BR_LINE: there are no others */
  case STORE_DONE:
    break;
  case STORE_DUPLICATE: /* one second, the same 32 random bits: another id will do */
    unlink_open(executor, evaluation);
    give_id(executor, evaluation);
    link_open(executor, evaluation);
    executor->world.store_accept(executor->world.context, evaluation);
    return;
  case STORE_STANDS:
  case STORE_CONFLICT:
    refuse(executor, evaluation, result, standing_id);
    return;
  case STORE_FAILED:
    refuse(executor, evaluation, result, 0);
    executor->world.broken(executor->world.context, "an acceptance could not be stored");
    return;
  }
  evaluation->sequence = sequence;
  void *token = evaluation->x.token;
  evaluation->x.token = 0;
  evaluation_move(executor, evaluation, STATE_QUEUED);
  executor->world.accepted(executor->world.context, evaluation, token, STORE_DONE, 0);
  evaluation_enqueue(evaluation);
  pump(executor);
}

enum cancel_result executor_cancel(struct executor *executor, const char *id, void *token)
{
  struct world *world = &executor->world;
  struct evaluation *evaluation = executor_find(executor, id);
  /* Before it is durable nobody was told of it; and the store may yet want another id for it. */
  if (!evaluation || evaluation->state == STATE_ACCEPTING)
    return CANCEL_NOT_OPEN;
  if (!evaluation->cancelled_at.ms)
    evaluation->cancelled_at = world->wall_now(world->context);
  world->store_cancel(world->context, evaluation, token);
  return CANCEL_UNDER_WAY;
}

/* That it is to end is durable: a crash does not leave it killed with nobody knowing why (law 2). */
static void end_cancelled(struct executor *executor, struct evaluation *evaluation)
{
  evaluation->x.stop = STOP_CANCELLED; /* also of one that is overdue: there is to be no other attempt */
  switch (evaluation->state) {
  case STATE_QUEUED:
    if (!evaluation->x.recovering)
      evaluation_give_up(executor, evaluation);
    break;
  case STATE_PREPARING:
    evaluation_end_preparing(executor, evaluation);
    break;
  case STATE_STARTING:
  case STATE_RUNNING:
    evaluation_kill(executor, evaluation);
    evaluation_look(executor, evaluation);
    break;
  default:
    break; /* sealing: it ended on its own, or another attempt is about to begin, which will not */
  }
  pump(executor);
}

void executor_cancelled(struct executor *executor, const char *id, void *token, enum store_result result)
{
  struct world *world = &executor->world;
  world->cancelled(world->context, id, token, result);
  struct evaluation *evaluation = executor_find(executor, id);
  if (result == STORE_FAILED)
    world->broken(world->context, "a cancellation could not be stored");
  else if (result == STORE_DONE && evaluation)
    end_cancelled(executor, evaluation);
}

/* Answers. */

void executor_launched(struct executor *executor, struct name name, enum launch_result result, const char *reason)
{
  struct evaluation *evaluation = find_attempt(executor, name);
  if (!evaluation || !evaluation->x.launching)
    return;
  evaluation->x.launching = false;
  switch (result) { /* LCOV_EXCL_BR_LINE: there are no others */
  case LAUNCH_ACCEPTED:
    if (evaluation->x.stop != STOP_NONE)
      evaluation_look(executor, evaluation);
    break;
  case LAUNCH_BUSY:
    evaluation->x.backend->blocked = true;
    if (evaluation->state != STATE_STARTING)
      break;
    evaluation_move(executor, evaluation, STATE_QUEUED);
    if (evaluation->x.stop != STOP_NONE)
      evaluation_give_up(executor, evaluation);
    else
      evaluation_enqueue(evaluation);
    break;
  case LAUNCH_REFUSED:
    snprintf(evaluation->x.refusal, sizeof evaluation->x.refusal, "%s", reason ? reason : "refused by the backend");
    evaluation_look(executor, evaluation);
    break;
  case LAUNCH_PREPARING:
    evaluation->x.fetching = true;
    if (evaluation->state == STATE_STARTING)
      evaluation_move(executor, evaluation, STATE_PREPARING);
    if (evaluation->state != STATE_PREPARING)
      break;
    if (evaluation->x.stop != STOP_NONE)
      evaluation_end_preparing(executor, evaluation);
    else
      evaluation_look(executor, evaluation); /* it may be there already, and the hint was before */
    break;
  case LAUNCH_UNKNOWN:
    evaluation_look(executor, evaluation);
    break;
  }
  pump(executor);
}

void executor_observed(struct executor *executor, struct name name, const struct observation *observation)
{
  struct evaluation *evaluation = find_attempt(executor, name);
  if (!evaluation)
    return;
  evaluation_observed(executor, evaluation, observation);
  pump(executor);
}

void executor_hint(struct executor *executor, struct name name)
{
  struct evaluation *evaluation = find_attempt(executor, name);
  if (!evaluation)
    return;
#ifdef BREAK_LAW_3
  evaluation_observed(executor, evaluation, &(struct observation){.presence = PRESENCE_DEAD, .started = true});
  return;
#endif
  evaluation_look(executor, evaluation);
}

static void begin_next_attempt(struct executor *executor, struct evaluation *evaluation, unsigned attempt)
{
  struct world *world = &executor->world;
  world->remove(world->context, evaluation->backend, evaluation_name(evaluation));
  evaluation->attempt = attempt;
  for (enum state state = STATE_PREPARING; state < STATE_COUNT; state++) /* it has not been there in this attempt */
    evaluation->entered_at[state] = (struct wall){0};
  evaluation->started_at = (struct wall){0};
  evaluation->x.looking = evaluation->x.look_again = evaluation->x.confirming = evaluation->x.finishing = false;
  evaluation->x.launching = evaluation->x.fetching = false;
  evaluation->x.refusal[0] = 0;
  evaluation->progress[0] = 0;
  evaluation->x.presence = PRESENCE_UNKNOWN;
  if (evaluation->x.stop == STOP_DEADLINE) /* that of the attempt before */
    evaluation->x.stop = STOP_NONE;
  evaluation_move(executor, evaluation, STATE_QUEUED);
  if (evaluation->x.stop != STOP_NONE)
    evaluation_give_up(executor, evaluation);
  else
    evaluation_enqueue(evaluation);
}

void executor_attempt_stored(struct executor *executor, const char *id, unsigned attempt, enum store_result result)
{
  struct evaluation *evaluation = executor_find(executor, id);
  if (!evaluation || !evaluation->x.finishing || attempt != evaluation->attempt + 1)
    return;
  if (result == STORE_DONE)
    begin_next_attempt(executor, evaluation, attempt);
  else
    executor->world.broken(executor->world.context, "the next attempt could not be stored");
  pump(executor);
}

void executor_finished(struct executor *executor, const char *id, enum store_result result)
{
  struct evaluation *evaluation = executor_find(executor, id);
  if (!evaluation || !evaluation->x.finishing)
    return;
  struct world *world = &executor->world;
  if (result != STORE_DONE && result != STORE_STANDS) {
    world->broken(world->context, "a verdict could not be stored");
    return;
  }
  if (result == STORE_STANDS)
    evaluation->verdict.kind = VERDICT_NONE; /* ours does not count: who asks is told what the store holds (law 6) */
  evaluation_move(executor, evaluation, STATE_FINISHED);
  world->remove(world->context, evaluation->backend, evaluation_name(evaluation));
  retire(executor, evaluation);
  pump(executor);
}

void executor_capacity(struct executor *executor, const char *backend_name, unsigned slots)
{
  struct backend_state *backend = find_backend(executor, backend_name);
  if (!backend)
    return;
  backend->slots = slots;
  backend->blocked = false;
  pump(executor);
}

void executor_drain(struct executor *executor)
{
  executor->draining = true;
}

/* Time. */

void executor_tick(struct executor *executor)
{
  struct mono now = executor->world.now(executor->world.context);
  executor->last_tick = now;
  bool reconcile = now.us >= mono_add_ms(executor->last_reconcile, RECONCILE_MS).us;
  if (reconcile)
    executor->last_reconcile = now;
  struct evaluation *next;
  for (struct evaluation *evaluation = executor->oldest; evaluation; evaluation = next) {
    next = evaluation->x.next;
    if (evaluation->x.finishing || evaluation->state == STATE_ACCEPTING)
      continue;
    bool waits = evaluation->state == STATE_QUEUED && !evaluation->x.recovering;
    bool urgent = evaluation->x.recovering || evaluation->x.stop != STOP_NONE || evaluation->state == STATE_SEALING;
    if (now.us >= evaluation->x.deadline.us)
      evaluation_overdue(executor, evaluation);
    else if (!waits && (reconcile || urgent))
      evaluation_look_unless_looking(executor, evaluation);
  }
  for (unsigned i = 0; i < executor->backend_count; i++)
    executor->backends[i].blocked = false;
  pump(executor);
}

bool executor_next(const struct executor *executor, struct mono *ret)
{
  if (!executor->oldest)
    return false;
  *ret = mono_add_ms(executor->last_tick, OVERDUE_MS);
  return true;
}

struct executor_counts executor_count(const struct executor *executor)
{
  struct executor_counts counts = {
    .queue_max = executor->config.queue_max,
    .queued_bytes = executor->queued_bytes,
    .queue_bytes_max = executor->config.queue_bytes_max,
    .output_bytes = executor->output_bytes,
  };
  memcpy(counts.in_state, executor->in_state, sizeof counts.in_state);
  for (unsigned i = 0; i < executor->backend_count; i++) {
    counts.slots += executor->backends[i].slots;
    counts.slots_busy += executor->backends[i].busy;
  }
  return counts;
}

bool executor_place(const struct executor *executor, const struct evaluation *evaluation, struct queue_place *ret)
{
  const struct backend_state *backend = evaluation->x.backend; /* NULL: it is a copy of the store's */
  if (evaluation->state != STATE_QUEUED || evaluation->x.recovering || !backend)
    return false;
  unsigned free_slots = backend->slots > backend->busy ? backend->slots - backend->busy : 0;
  struct queue_place place = {.position = (unsigned)queue_before(&backend->queue, evaluation) + 1};
  if (!backend->blocked && place.position <= free_slots)
    place.has_estimate = true;
  else
    place.has_estimate =
      backend->slots &&
      drain_time_ms(&backend->drain, place.position, executor->world.now(executor->world.context), &place.starts_in_ms);
  *ret = place;
  return true;
}

unsigned executor_turn_away(struct executor *executor)
{
  return drain_turn_away(&executor->drain, executor->world.now(executor->world.context), executor->config.queue_max);
}
