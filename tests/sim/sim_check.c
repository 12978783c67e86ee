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

static enum verdict_kind program_verdict(enum program program)
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
  if (row->job->cancellation_known)
    sim_fail(sim, "%s is launched although the daemon knows that its cancellation is durable", evaluation->id);
  if (evaluation->x.stop != STOP_NONE)
    sim_fail(sim, "%s is launched although it is to end", evaluation->id);
  if (row->attempt != evaluation->attempt)
    sim_fail(sim, "%s: attempt %u is launched, but %u is durable (law 2)", evaluation->id, evaluation->attempt,
             row->attempt);
  struct executor_counts counts = executor_count(sim->executor);
  bool first = sim->now_us == row->job->entered_us; /* asked for again, it may be one more than there is room for now */
  if (first && counts.slots_busy > counts.slots)
    sim_fail(sim, "%s is launched with no slot free", evaluation->id);
  if (first)
    turns_launch(sim, row->job, evaluation);
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

/* What is called cancelled before it was started is not started behind that. */
void check_never_starts(struct sim *sim, const struct attempt *attempt)
{
  char id[ID_SIZE];
  unsigned number;
  ASSERT(name_parse(attempt->name.text, id, &number));
  const struct row *row = store_row(sim, id);
  bool over = row && row->finished && row->attempt == number && row->verdict.kind == VERDICT_CANCELLED;
  if (over && attempt->presence == PRESENCE_PENDING && attempt->cluster.starts_deleted && !attempt->buried)
    sim_fail(sim, "%s is called cancelled before it was started, and is about to start", id);
}

/* Law 8, told apart from what the core makes of it. */
static uint64_t state_us_max(enum state state)
{
  static const uint64_t ms_max[STATE_COUNT] = {
    [STATE_ACCEPTING] = UINT64_MAX / 1000,
    [STATE_QUEUED] = QUEUED_MS_MAX,
    [STATE_PREPARING] = PREPARING_MS_MAX,
    [STATE_STARTING] = STARTING_MS_MAX,
    [STATE_RUNNING] = RUNNING_GRACE_MS + 2 * WALL_LIMIT_MS,
    [STATE_SEALING] = SEALING_MS_MAX,
  };
  return ms_max[state] * 1000;
}

static void note_whether_overdue(const struct sim *sim, struct job *job)
{
  job->overdue |= sim->now_us - job->entered_us >= state_us_max(job->state);
}

/* Shown as running: only what was started, or of what the backend said so. */
static void check_running(struct sim *sim, const struct evaluation *evaluation)
{
  const struct attempt *attempt = backend_attempt(sim, evaluation->id, evaluation->attempt);
  if (!attempt || (!attempt->runs && !attempt->delayed))
    sim_fail(sim, "%s is called running, but was never started", evaluation->id);
}

static void check_finished(struct sim *sim, const struct evaluation *evaluation)
{
  const struct row *row = store_row(sim, evaluation->id);
  if (!row || !row->finished)
    sim_fail(sim, "%s is shown as finished, but its verdict is not durable", evaluation->id);
  if (evaluation->verdict.kind != VERDICT_NONE && evaluation->verdict.kind != row->verdict.kind)
    sim_fail(sim, "%s is shown as %s, but %s is durable", evaluation->id, verdict_name(evaluation->verdict.kind),
             verdict_name(row->verdict.kind));
}

void check_move(struct sim *sim, struct job *job, const struct evaluation *evaluation)
{
  bool first = job->state_incarnation != sim->incarnation; /* recovered ones were set to QUEUED in this incarnation */
  enum state from = first ? STATE_ACCEPTING : job->state;
  if (!move_legal(from, evaluation->state))
    sim_fail(sim, "%s moves from %s to %s", evaluation->id, state_name(from), state_name(evaluation->state));
  if (!first)
    note_whether_overdue(sim, job);
  turns_moved(sim, job, from, evaluation->state);
  job->state = evaluation->state;
  job->state_incarnation = sim->incarnation;
  job->entered_us = sim->now_us;
  if (evaluation->state == STATE_RUNNING)
    check_running(sim, evaluation);
  if (evaluation->state == STATE_FINISHED)
    check_finished(sim, evaluation);
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
  const struct attempt *attempt = backend_attempt(sim, evaluation->id, evaluation->attempt);
  if (attempt->cluster.output_given_up)
    sim_fail(sim, "%s has no output, though its log was to be had", name.text);
  if (attempt->fetched && !attempt->damaged && attempt->cluster.output_lost) {
    if (data || !strstr(evaluation->verdict.reason, "were lost on the way"))
      sim_fail(sim, "%s lost its output, and nobody is told", name.text);
    return;
  }
  if (!data || data->size != strlen(name.text) || memcmp(data->data, name.text, data->size))
    sim_fail(sim, "%s has the output of %.*s", name.text, data ? (int)data->size : 0,
             data ? (const char *)data->data : "");
}

static bool platform_may_fail(const struct weather *climate)
{
  for (enum trouble trouble = 0; trouble < TROUBLE_COUNT; trouble++)
    if (trouble_is_of_platform(trouble) && climate->per_mille[trouble])
      return true;
  return false;
}

/* Nothing is lost unless something broke; where something only did not answer, it has to be overdue (law 9). */
static void check_excused(struct sim *sim, const struct job *job, const char *id, unsigned number)
{
  const struct attempt *attempt = backend_attempt(sim, id, number);
  bool excused =
    attempt ? attempt->failed || (attempt->delayed && job->overdue) : job->overdue && platform_may_fail(&sim->climate);
  if (!excused)
    sim_fail(sim, "attempt %u of %s is called lost, but the platform did not fail (law 9)", number, id);
}

void check_asks_for_verdict(struct sim *sim, struct job *job, const struct evaluation *evaluation)
{
  note_whether_overdue(sim, job);
  if (job->verdict_asked)
    sim_fail(sim, "%s: a second verdict is handed to the store (law 6)", evaluation->id);
  job->verdict_asked = true;
  if (evaluation->verdict.kind == VERDICT_LOST)
    check_second_look(sim, job, evaluation);
  check_outputs(sim, evaluation);
}

void check_gives_up_attempt(struct sim *sim, struct job *job, const struct evaluation *evaluation)
{
  note_whether_overdue(sim, job);
  if (evaluation->attempt >= job->attempts_max)
    sim_fail(sim, "%s: more attempts than were asked for", evaluation->id);
  check_second_look(sim, job, evaluation);
  check_excused(sim, job, evaluation->id, evaluation->attempt);
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

/* What a backend calls gone, for certain, and lets start all the same, may run behind the verdict of a cancellation. */
static void check_cancelled(struct sim *sim, const struct row *row, const struct attempt *attempt)
{
  if (!row->job->cancelled)
    sim_fail(sim, "%s is cancelled, but nobody asked for it", row->id);
  if (!attempt || attempt->buried)
    return;
  if (attempt->recorded && attempt->stopped_for != KILLED_CANCELLED)
    sim_fail(sim, "%s is called cancelled, but its record says otherwise (law 4)", row->id);
  if (attempt->starts && !attempt->recorded)
    sim_fail(sim, "%s is called cancelled, but it was started and what became of it is not known", row->id);
}

/*
 * Bytes that are reported are bytes that were written, and all of them, unless the verdict says that it cannot be known. What
 * starts behind the verdict of a cancellation prints for nobody.
 */
static void check_bytes(struct sim *sim, const struct row *row, const struct attempt *attempt)
{
  uint64_t written_bytes = attempt ? attempt->written_bytes : 0;
  bool flagged =
    row->verdict.kind == VERDICT_LOST || (row->verdict.kind == VERDICT_CANCELLED && attempt && attempt->buried);
  if (flagged ? row->output_bytes > written_bytes : row->output_bytes != written_bytes)
    sim_fail(sim, "%s wrote %llu bytes, and %llu are reported", row->id, (unsigned long long)written_bytes,
             (unsigned long long)row->output_bytes);
}

void check_verdict(struct sim *sim, const struct row *row)
{
  const struct attempt *attempt = backend_attempt(sim, row->id, row->attempt);
  check_bytes(sim, row, attempt);
  switch (row->verdict.kind) {
  case VERDICT_CANCELLED:
    check_cancelled(sim, row, attempt);
    break;
  case VERDICT_LOST:
    check_excused(sim, row->job, row->id, row->attempt);
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

/* What recovery would read is what is in memory, but for what is on its way to the store or back. */
static void check_open(struct sim *sim, const struct evaluation *evaluation, const struct row *row)
{
  if (!row)
    sim_fail(sim, "%s is open, but not durable", evaluation->id);
  if (clients_number(evaluation->token) != row->client || row->client != row->job->client)
    sim_fail(sim, "%s has become another client's", evaluation->id);
  if (row->cancelled && !evaluation->cancelled_at.ms)
    sim_fail(sim, "%s: its cancellation is durable, but the daemon does not know of it", evaluation->id);
  if (evaluation->x.finishing)
    return;
  if (row->finished || row->attempt != evaluation->attempt)
    sim_fail(sim, "%s: attempt %u is open, but the store has %s attempt %u", evaluation->id, evaluation->attempt,
             row->finished ? "finished" : "open", row->attempt);
  if (sim->now_us - row->job->entered_us > state_us_max(evaluation->state) + 2 * OVERDUE_MS * 1000)
    sim_fail(sim, "%s is %s for longer than it may (law 8)", evaluation->id, state_name(evaluation->state));
}

static unsigned open_rows(const struct sim *sim)
{
  unsigned count = 0;
  for (unsigned i = 0; i < sim->store.row_count; i++)
    count += !sim->store.rows[i].finished;
  return count;
}

void check_step(struct sim *sim)
{
  struct executor_counts counts = executor_count(sim->executor);
  unsigned in_state[STATE_COUNT] = {0}, busy = 0, known = 0;
  uint64_t waiting_bytes = 0, output_bytes = 0;
  for (const struct evaluation *evaluation = 0; (evaluation = executor_each(sim->executor, evaluation));) {
    in_state[evaluation->state]++;
    busy += state_holds_slot(evaluation->state);
    output_bytes += STREAM_COUNT * evaluation->limits.output_bytes;
    waiting_bytes += state_waits(evaluation->state) ? evaluation->plan->size : 0;
    const struct row *row = store_row(sim, evaluation->id);
    known += row && !row->finished;
    if (evaluation->state != STATE_ACCEPTING)
      check_open(sim, evaluation, row);
  }
  if (known != open_rows(sim))
    sim_fail(sim, "the store holds %u open evaluations, of which the daemon knows %u", open_rows(sim), known);
  if (memcmp(in_state, counts.in_state, sizeof in_state) || busy != counts.slots_busy ||
      waiting_bytes != counts.queued_bytes || output_bytes != counts.output_bytes)
    sim_fail(sim, "the executor's counts are wrong");
  turns_step(sim);
}

/* ---- at rest ---- */

/* From the last trouble to the last verdict. What hangs while it is fetched is given up by its own deadline. */
static uint64_t rest_us_max(const struct sim *sim, const struct job *job)
{
  enum { REST_US = 300 * 1000000 };
  bool hangs = sim->climate.per_mille[TROUBLE_FETCH_HANGS];
  return REST_US + (hangs ? job->attempts_max * PREPARING_MS_MAX * 1000ull : 0);
}

static void check_job(struct sim *sim, const struct job *job)
{
  if (!job->answered) {
    if (!job->given_up && !job->left_out)
      sim_fail(sim, "job %u was never answered", job->index);
    return;
  }
  const struct row *row = store_row(sim, job->id);
  if (!row || !row->finished)
    sim_fail(sim, "%s was acknowledged and has no verdict", job->id);
  if (row->finished_us > sim->clear_us + rest_us_max(sim, job))
    sim_fail(sim, "%s had its verdict only %llu s after the weather had cleared up", job->id,
             (unsigned long long)(row->finished_us - sim->clear_us) / 1000000);
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
    const struct attempt *attempt = &sim->backend.attempts[i];
    if (attempt->presence != PRESENCE_ABSENT || attempt->evidence)
      sim_fail(sim, "%s is left over", attempt->name.text);
  }
}
