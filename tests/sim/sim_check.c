/* What must hold. Each check names the law that it stands for, and compares what the executor does with the truth. */

#include "sim.h"

#include <string.h>

static const struct {
  const char *name;
  enum verdict_kind verdict;
} programs[] = {
#define X(name, verdict) [PROGRAM_##name] = {#name, VERDICT_##verdict},
  PROGRAMS(X)
#undef X
};

enum verdict_kind program_verdict(enum program program)
{
  return programs[program].verdict;
}

const char *program_name(enum program program)
{
  return programs[program].name;
}

/* ---- as things are asked for ---- */

void check_launch(struct sim *sim, const struct evaluation *evaluation)
{
  const struct row *row = store_row(sim, evaluation->id);
  if (!row)
    sim_fail(sim, "%s is launched, but not durable (law 1)", evaluation->id);
  if (row->finished)
    sim_fail(sim, "%s is launched after its verdict (law 6)", evaluation->id);
  if (row->cancelled)
    sim_fail(sim, "%s is launched although its cancellation is durable", evaluation->id);
  if (evaluation->x.stop != STOP_NONE)
    sim_fail(sim, "%s is launched although it is to end", evaluation->id);
  if (row->attempt != evaluation->attempt)
    sim_fail(sim, "%s: attempt %u is launched, but %u is durable (law 2)", evaluation->id, evaluation->attempt,
             row->attempt);
}

void check_remove(struct sim *sim, struct name name)
{
  char id[ID_SIZE];
  unsigned number;
  ASSERT(name_parse(name.text, id, &number));
  const struct row *row = store_row(sim, id);
  if (!row || !(row->finished || number < row->attempt))
    sim_fail(sim, "%s is removed before its verdict is durable (law 7)", name.text);
}

void check_move(struct sim *sim, struct job *job, const struct evaluation *evaluation)
{
  bool first = job->state_incarnation != sim->incarnation; /* recovered ones were set to QUEUED in this incarnation */
  enum state from = first ? STATE_ACCEPTING : job->state;
  if (!move_legal(from, evaluation->state))
    sim_fail(sim, "%s moves from %s to %s", evaluation->id, state_name(from), state_name(evaluation->state));
  job->state = evaluation->state;
  job->state_incarnation = sim->incarnation;
  if (evaluation->state != STATE_FINISHED)
    return;
  const struct row *row = store_row(sim, evaluation->id);
  if (!row || !row->finished)
    sim_fail(sim, "%s is shown as finished, but its verdict is not durable", evaluation->id);
  if (evaluation->verdict.kind != VERDICT_NONE && evaluation->verdict.kind != row->verdict.kind)
    sim_fail(sim, "%s is shown as %s, but %s is durable", evaluation->id, verdict_name(evaluation->verdict.kind),
             verdict_name(row->verdict.kind));
}

/* Law 4: before anything is called lost for want of a record: kill, and a look that was begun after it. */
static void check_second_look(struct sim *sim, const struct job *job, const struct evaluation *evaluation)
{
  if (evaluation->x.stop == STOP_DEADLINE || sim->now_us >= evaluation->x.deadline.us)
    return; /* nobody would say anything: law 8 */
  const struct attempt *attempt = backend_attempt(sim, evaluation->id, evaluation->attempt);
  if (attempt && attempt->recorded)
    return; /* the record itself says that the platform failed */
  if (!job->kill_request || job->answered_look_request < job->kill_request)
    sim_fail(sim, "%s is called lost without a look after the kill (law 4)", evaluation->id);
}

/* What is said of the outputs must be of the attempt that decides. */
static void check_outputs(struct sim *sim, const struct evaluation *evaluation)
{
  if (!evaluation->outputs)
    return;
  const struct blob *data = evaluation->outputs->stream[STREAM_STDOUT].data;
  struct name name = name_make(evaluation->id, evaluation->attempt);
  if (!data || strcmp((const char *)data->data, name.text))
    sim_fail(sim, "%s has the output of %s", name.text, data ? (const char *)data->data : "nobody");
}

void check_asks_for_verdict(struct sim *sim, struct job *job, const struct evaluation *evaluation)
{
  if (job->verdict_asked)
    sim_fail(sim, "%s: a second verdict is handed to the store (law 6)", evaluation->id);
  job->verdict_asked = true;
  if (evaluation->verdict.kind == VERDICT_LOST)
    check_second_look(sim, job, evaluation);
  check_outputs(sim, evaluation);
}

void check_gives_up_attempt(struct sim *sim, struct job *job, const struct evaluation *evaluation)
{
  if (evaluation->attempt >= job->attempts_max)
    sim_fail(sim, "%s: more attempts than were asked for", evaluation->id);
  check_second_look(sim, job, evaluation);
  job->kill_request = job->answered_look_request = 0;
}

/* ---- as a verdict becomes durable ---- */

/* Whether the attempt ended the way its program does by itself. */
static bool ended_by_itself(const struct attempt *attempt)
{
  enum kill_reason own = attempt->job->program == PROGRAM_HANGS    ? KILLED_WALL_TIME
                         : attempt->job->program == PROGRAM_FLOODS ? KILLED_OUTPUT
                                                                   : KILLED_NONE;
  return attempt->recorded && attempt->record.killed == own && !attempt->record.evidence_errno;
}

static void check_cancelled(struct sim *sim, const struct row *row, const struct attempt *attempt)
{
  if (!row->job->cancelled)
    sim_fail(sim, "%s is cancelled, but nobody asked for it", row->id);
  if (attempt && attempt->recorded && attempt->record.killed != KILLED_CANCELLED)
    sim_fail(sim, "%s is called cancelled, but its record says otherwise (law 4)", row->id);
  if (attempt && attempt->starts && !attempt->recorded)
    sim_fail(sim, "%s is called cancelled, but it was started and what became of it is not known", row->id);
}

static bool platform_may_fail(const struct weather *climate)
{
#define X(name) climate->name ||
  return PLATFORM_WEATHER(X) false;
#undef X
}

static void check_lost(struct sim *sim, const struct row *row, const struct attempt *attempt)
{
  bool excused = attempt ? attempt->platform_failed : platform_may_fail(&sim->climate);
  if (!excused)
    sim_fail(sim, "%s is called lost, but the platform did not fail: %s", row->id, row->verdict.reason);
}

void check_verdict(struct sim *sim, const struct row *row)
{
  const struct attempt *attempt = backend_attempt(sim, row->id, row->attempt);
  switch (row->verdict.kind) {
  case VERDICT_CANCELLED:
    check_cancelled(sim, row, attempt);
    break;
  case VERDICT_LOST:
    check_lost(sim, row, attempt);
    break;
  case VERDICT_NOT_STARTED:
    if (program_verdict(row->job->program) != VERDICT_NOT_STARTED)
      sim_fail(sim, "%s could have been started", row->id);
    break;
  default: /* success, or the program's fault: only if it did just that by itself (law 5) */
    if (row->verdict.kind != program_verdict(row->job->program))
      sim_fail(sim, "%s is called %s, but its program %s", row->id, verdict_name(row->verdict.kind),
               program_name(row->job->program));
    if (!attempt || attempt->starts != 1 || !ended_by_itself(attempt))
      sim_fail(sim, "%s is called %s, but it did not end that way", row->id, verdict_name(row->verdict.kind));
  }
}

/* ---- after every step ---- */

static void check_open(struct sim *sim, const struct evaluation *evaluation)
{
  if (evaluation->state == STATE_ACCEPTING)
    return;
  const struct row *row = store_row(sim, evaluation->id);
  if (!row)
    sim_fail(sim, "%s is open, but not durable", evaluation->id);
  if (!evaluation->x.finishing && (row->finished || row->attempt != evaluation->attempt))
    sim_fail(sim, "%s: attempt %u is open, but the store has %s attempt %u", evaluation->id, evaluation->attempt,
             row->finished ? "finished" : "open", row->attempt);
}

void check_step(struct sim *sim)
{
  struct executor_counts counts = executor_count(sim->executor);
  unsigned in_state[STATE_COUNT] = {0}, busy = 0;
  uint64_t waiting_bytes = 0;
  for (const struct evaluation *evaluation = 0; (evaluation = executor_each(sim->executor, evaluation));) {
    in_state[evaluation->state]++;
    busy += state_holds_slot(evaluation->state);
    waiting_bytes += state_waits(evaluation->state) ? evaluation->plan->size : 0;
    check_open(sim, evaluation);
  }
  if (memcmp(in_state, counts.in_state, sizeof in_state) || busy != counts.slots_busy ||
      waiting_bytes != counts.queued_bytes)
    sim_fail(sim, "the executor's counts are wrong");
}

/* ---- at rest ---- */

static void check_job(struct sim *sim, const struct job *job)
{
  if (!job->answered) {
    if (!job->given_up)
      sim_fail(sim, "job %u was never answered", job->index);
    return;
  }
  const struct row *row = store_row(sim, job->id);
  if (!row || !row->finished)
    sim_fail(sim, "%s was acknowledged and has no verdict", job->id);
}

void check_rest(struct sim *sim)
{
  if (!sim->executor)
    sim_fail(sim, "the daemon is down at rest");
  if (executor_each(sim->executor, 0))
    sim_fail(sim, "%s is still open", executor_each(sim->executor, 0)->id);
  if (executor_count(sim->executor).slots_busy)
    sim_fail(sim, "a slot is still taken");
  for (unsigned i = 0; i < sim->job_count; i++)
    check_job(sim, &sim->jobs[i]);
  for (unsigned i = 0; i < sim->store.row_count; i++)
    if (!sim->store.rows[i].finished)
      sim_fail(sim, "%s is still open in the store", sim->store.rows[i].id);
  for (unsigned i = 0; i < sim->backend.keeper_count; i++)
    if (sim->backend.keepers[i].dead || sim->backend.keepers[i].attempt)
      sim_fail(sim, "keeper %u is not idle", i);
  for (unsigned i = 0; i < sim->backend.attempt_count; i++) {
    const struct attempt *attempt = sim->backend.attempts[i];
    if (attempt->presence != PRESENCE_ABSENT || attempt->evidence)
      sim_fail(sim, "%s is left over", attempt->name.text);
  }
}
