/*
 * One evaluation's way through its states.
 *
 * Whatever happened, the way on is the same: look (world->observe) and conclude from what was seen. A record ends it. A
 * program that is dead without a record is killed again, looked at again, and only then lost (law 4). Alive is alive.
 * Nothing known of it means that it may be launched, under the same name, as often as needed: the keeper's start marker
 * sees to it that it starts once (law 2). An error means nothing at all: the next tick looks again (law 9).
 *
 * While a backend fetches what is needed it says so, in its answer to the launch or when it is looked at (PENDING, with
 * progress). That holds no slot. When it has ended, well or badly, nothing is known of the attempt again, and the next
 * launch tells which of the two. A backend whose launch was accepted may say PENDING with progress as well, of what is
 * fetched where it will run: that may start at any moment.
 */

#include "core/executor_impl.h"

#include <stdio.h>
#include <string.h>

struct name evaluation_name(const struct evaluation *evaluation)
{
  return name_make(evaluation->id, evaluation->attempt);
}

static struct mono deadline_of(const struct executor *executor, const struct evaluation *evaluation, enum state state)
{
#ifdef BREAK_LAW_8
  return (struct mono){UINT64_MAX};
#endif
  uint64_t ms = state_deadline_ms(state);
  if (state == STATE_RUNNING)
    ms += 2 * evaluation->limits.wall_time_ms; /* a compile step and the run, each with the limit to itself */
  if (state == STATE_STARTING || state == STATE_RUNNING || state == STATE_SEALING)
    ms += evaluation->x.backend->patience_ms;
  return ms ? mono_add_ms(executor->world.now(executor->world.context), ms) : (struct mono){UINT64_MAX};
}

uint64_t evaluation_waiting_bytes(const struct evaluation *evaluation, enum state state)
{
  return state_waits(state) && evaluation->plan ? evaluation->plan->size : 0;
}

/* A place was left for good: it came to a backend, and was not sent back. */
static void count_departure(struct executor *executor, struct evaluation *evaluation)
{
  struct mono now = executor->world.now(executor->world.context);
  struct backend_state *backend = evaluation->x.backend;
  bool others_wait = false;
  for (unsigned i = 0; i < executor->backend_count; i++)
    others_wait |= executor->backends[i].queue.size > 0;
  drain_departed(&backend->drain, now, backend->queue.size > 0);
  drain_departed(&executor->drain, now, others_wait);
}

/* What goes back to where it waits has not used its slot. */
static void account_for_slot(struct evaluation *evaluation, enum state from, enum state to)
{
  struct backend_state *backend = evaluation->x.backend;
  if (state_holds_slot(to) && !state_holds_slot(from)) {
    backend->busy++;
    queue_takes_slot(evaluation);
  } else if (state_holds_slot(from) && !state_holds_slot(to)) {
    backend->busy--;
    queue_gives_slot(&backend->queue, evaluation, !state_waits(to));
  }
}

/* The one function that moves an evaluation between states. */
void evaluation_move(struct executor *executor, struct evaluation *evaluation, enum state to)
{
  enum state from = evaluation->state;
  ASSERT(move_legal(from, to));
  executor->in_state[from]--;
  executor->in_state[to]++;
  account_for_slot(evaluation, from, to);
  executor->queued_bytes += evaluation_waiting_bytes(evaluation, to);
  executor->queued_bytes -= evaluation_waiting_bytes(evaluation, from);

  evaluation->state = to;
  if ((from == STATE_STARTING || from == STATE_PREPARING) && (to == STATE_RUNNING || to == STATE_SEALING))
    count_departure(executor, evaluation);
  bool put_back = (from == STATE_STARTING || from == STATE_PREPARING) && to == STATE_QUEUED;
  evaluation->x.deadline = put_back ? evaluation->x.queue_deadline : deadline_of(executor, evaluation, to);
  if (to == STATE_QUEUED)
    evaluation->x.queue_deadline = evaluation->x.deadline;
  /* The two that are stored before they are entered are stamped then, so that memory and store say the same. */
  bool stamped = (to == STATE_QUEUED || to == STATE_FINISHED) && evaluation->entered_at[to].ms;
  if (!stamped)
    evaluation->entered_at[to] = executor->world.wall_now(executor->world.context);
  executor->world.changed(executor->world.context, evaluation);
}

/*
 * One look at a time: the answers of two could overtake each other, and an old "absent" would then kill what is well
 * and running. An answer that is overdue is given up, so that a backend that lost it cannot blind us.
 */
static bool look_is_under_way(const struct executor *executor, const struct evaluation *evaluation)
{
  return evaluation->x.looking && executor->world.now(executor->world.context).us < evaluation->x.look_deadline.us;
}

void evaluation_look_unless_looking(struct executor *executor, struct evaluation *evaluation)
{
  if (look_is_under_way(executor, evaluation))
    return;
  evaluation->x.looking = true;
  evaluation->x.look_is_old = evaluation->x.launching;
  evaluation->x.look_deadline = mono_add_ms(executor->world.now(executor->world.context), RECONCILE_MS);
  executor->world.observe(executor->world.context, evaluation->backend, evaluation_name(evaluation));
}

void evaluation_look(struct executor *executor, struct evaluation *evaluation)
{
  if (look_is_under_way(executor, evaluation))
    evaluation->x.look_again = true; /* it may have looked before what we were told of */
  else
    evaluation_look_unless_looking(executor, evaluation);
}

void evaluation_enqueue(struct evaluation *evaluation)
{
  queue_push(&evaluation->x.backend->queue, evaluation);
}

static void ask_for_launch(struct executor *executor, struct evaluation *evaluation)
{
  evaluation->x.launching = true;
  evaluation->x.fetching = false;
  evaluation->x.look_is_old = evaluation->x.looking;
  executor->world.launch(executor->world.context, evaluation);
}

void evaluation_launch(struct executor *executor, struct evaluation *evaluation)
{
  evaluation_move(executor, evaluation, STATE_STARTING);
  ask_for_launch(executor, evaluation);
}

void evaluation_kill(struct executor *executor, struct evaluation *evaluation)
{
  enum kill_reason reason = evaluation->x.stop == STOP_CANCELLED ? KILLED_CANCELLED : KILLED_DEADLINE;
  executor->world.kill(executor->world.context, evaluation->backend, evaluation_name(evaluation), reason);
}

static void seal(struct executor *executor, struct evaluation *evaluation)
{
  queue_remove(&evaluation->x.backend->queue, evaluation);
  evaluation->x.recovering = false;
  if (evaluation->state != STATE_SEALING)
    evaluation_move(executor, evaluation, STATE_SEALING);
}

static void take_evidence(struct evaluation *evaluation, const struct observation *seen)
{
  const struct record *record = seen->record;
  if (record) {
    evaluation->usage = (struct usage){
      .wall_time_us = record->wall_time_us,
      .cpu_time_us = record->cpu_time_us,
      .memory_peak_bytes = record->memory_peak_bytes,
      .processes_peak = record->processes_peak,
    };
    evaluation->order_cut = record->order_cut;
    evaluation->isolation = record->isolation;
    evaluation->started_at = record->started_at;
  }
  outputs_unref(evaluation->outputs);
  evaluation->outputs = outputs_ref(seen->outputs);
}

/* Decides and hands the verdict, or the next attempt, to the store. */
static void conclude(struct executor *executor, struct evaluation *evaluation, const struct observation *seen)
{
  seal(executor, evaluation);
  struct verdict verdict = verdict_decide(&(struct verdict_case){
    .limits = &evaluation->limits,
    .presence = seen->presence,
    .started = seen->started,
    .record = seen->record,
    .lost_bytes = outputs_lost_bytes(seen->outputs),
    .stop = evaluation->x.stop,
    .launch_refusal = evaluation->x.refusal[0] ? evaluation->x.refusal : 0,
    .platform_reason = seen->platform_reason,
  });
  evaluation->x.finishing = true;
  bool again = verdict.kind == VERDICT_LOST && evaluation->x.stop != STOP_CANCELLED &&
               evaluation->attempt < evaluation->attempts_max && !evaluation->x.backend->gone;
  if (again) {
    executor->world.store_attempt(executor->world.context, evaluation, evaluation->attempt + 1);
#ifdef BREAK_LAW_2
    executor_attempt_stored(executor, evaluation->id, evaluation->attempt + 1, STORE_DONE);
#endif
    return;
  }
  evaluation->verdict = verdict;
  take_evidence(evaluation, seen);
  evaluation->entered_at[STATE_FINISHED] = executor->world.wall_now(executor->world.context);
#ifdef BREAK_LAW_7
  executor->world.remove(executor->world.context, evaluation->backend, evaluation_name(evaluation));
#endif
  executor->world.store_finish(executor->world.context, evaluation);
}

void evaluation_give_up(struct executor *executor, struct evaluation *evaluation)
{
  conclude(executor, evaluation, &(struct observation){.presence = PRESENCE_ABSENT});
}

void evaluation_end_preparing(struct executor *executor, struct evaluation *evaluation)
{
  if (!evaluation->x.fetching) { /* it is being launched, or has been, and may start at any moment */
    evaluation_kill(executor, evaluation);
    evaluation_look(executor, evaluation);
    return;
  }
  char reason[REASON_SIZE + sizeof "what it needs could not be fetched in time: "];
  snprintf(reason, sizeof reason, "what it needs could not be fetched in time%s%s", evaluation->progress[0] ? ": " : "",
           evaluation->progress);
  conclude(executor, evaluation, &(struct observation){.presence = PRESENCE_ABSENT, .platform_reason = reason});
}

void evaluation_backend_gone(struct executor *executor, struct evaluation *evaluation)
{
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "the backend %s is not configured any more", evaluation->backend);
  conclude(executor, evaluation, &(struct observation){.presence = PRESENCE_UNKNOWN, .platform_reason = reason});
}

/* Dead, or gone, and no record: make sure of it, and look at the evidence once more before anything is called lost. */
static void found_dead(struct executor *executor, struct evaluation *evaluation, const struct observation *seen)
{
#ifdef BREAK_LAW_4
  evaluation->x.confirming = true;
#endif
  if (evaluation->x.confirming) {
    conclude(executor, evaluation, seen);
    return;
  }
  seal(executor, evaluation);
  evaluation->x.confirming = true;
  evaluation_kill(executor, evaluation);
  evaluation_look(executor, evaluation);
}

/* Where an attempt that is alive stands; states do not go back. */
static enum state state_of_alive(enum state state, const struct observation *seen)
{
  if (state == STATE_RUNNING || state == STATE_SEALING)
    return state;
  if (seen->presence == PRESENCE_RUNNING || seen->started)
    return STATE_RUNNING;
  if (seen->progress || state == STATE_PREPARING)
    return STATE_PREPARING;
  return STATE_STARTING;
}

static void found_alive(struct executor *executor, struct evaluation *evaluation, const struct observation *seen)
{
  evaluation->x.confirming = false;
  evaluation->x.recovering = false;
  queue_remove(&evaluation->x.backend->queue, evaluation);
  enum state state = state_of_alive(evaluation->state, seen);
  if (state != evaluation->state)
    evaluation_move(executor, evaluation, state);
  if (evaluation->x.stop != STOP_NONE)
    evaluation_kill(executor, evaluation);
}

/* The backend knows nothing of it, and it was never started. */
static void found_nothing(struct executor *executor, struct evaluation *evaluation, const struct observation *seen)
{
  if (evaluation->x.launching)
    return; /* on its way: the answer will tell */
  bool unwanted = evaluation->x.stop != STOP_NONE || evaluation->x.refusal[0] != 0;
  if (unwanted || evaluation->state == STATE_RUNNING || evaluation->state == STATE_SEALING) {
    found_dead(executor, evaluation, seen);
  } else if (evaluation->x.recovering) {
    evaluation->x.recovering = false;
    evaluation_enqueue(evaluation);
  } else if (evaluation->state == STATE_PREPARING) {
    evaluation_move(executor, evaluation, STATE_QUEUED);
    evaluation_enqueue(evaluation);
  } else if (evaluation->state == STATE_STARTING) {
    ask_for_launch(executor, evaluation);
  }
}

void evaluation_observed(struct executor *executor, struct evaluation *evaluation, const struct observation *seen)
{
  evaluation->x.looking = false;
  evaluation->x.presence = seen->presence;
  if (seen->started && seen->started_at.ms)
    evaluation->started_at = seen->started_at;
  if (seen->progress)
    snprintf(evaluation->progress, sizeof evaluation->progress, "%s", seen->progress);
  if (seen->isolation)
    evaluation->isolation = seen->isolation;

  /* The backend may have been looked at before the launch, and the evidence after it: then "absent, but started" is
   * said of what is well and running. */
  bool says_nothing = seen->presence == PRESENCE_ABSENT && evaluation->x.look_is_old;
  evaluation->x.look_is_old = false;

  if (seen->record) {
    conclude(executor, evaluation, seen);
  } else {
    switch (says_nothing ? PRESENCE_UNKNOWN : seen->presence) { /* LCOV_EXCL_BR_LINE: there are no others */
    case PRESENCE_UNKNOWN:
#ifdef BREAK_LAW_9
      found_dead(executor, evaluation, seen);
#endif
      break;
    case PRESENCE_RUNNING:
    case PRESENCE_PENDING:
      found_alive(executor, evaluation, seen);
      break;
    case PRESENCE_DEAD:
      found_dead(executor, evaluation, seen);
      break;
    case PRESENCE_ABSENT:
      (seen->started ? found_dead : found_nothing)(executor, evaluation, seen);
      break;
    }
  }
  if (evaluation->x.look_again && !evaluation->x.finishing) {
    evaluation->x.look_again = false;
    evaluation_look(executor, evaluation);
  }
}

void evaluation_overdue(struct executor *executor, struct evaluation *evaluation)
{
  if (evaluation->x.stop == STOP_NONE)
    evaluation->x.stop = STOP_DEADLINE;
  switch (evaluation->state) { /* LCOV_EXCL_BR_LINE */
  case STATE_QUEUED:
    if (evaluation->x.recovering)
      conclude(executor, evaluation, &(struct observation){.presence = PRESENCE_UNKNOWN});
    else
      evaluation_give_up(executor, evaluation);
    break;
  case STATE_PREPARING:
    if (!evaluation->x.fetching)
      seal(executor, evaluation);
    evaluation_end_preparing(executor, evaluation);
    break;
  case STATE_STARTING:
  case STATE_RUNNING:
    seal(executor, evaluation);
    evaluation_kill(executor, evaluation);
    evaluation_look(executor, evaluation);
    break;
  case STATE_SEALING: /* nobody can tell: law 8 */
    conclude(executor, evaluation, &(struct observation){.presence = evaluation->x.presence, .started = true});
    break;
  default: /* LCOV_EXCL_LINE: the others have no deadline */
    break; /* LCOV_EXCL_LINE */
  }
}
