/*
 * Looking at an attempt: the keeper first, the evidence second, and Docker where these two cannot tell (law 4).
 *
 *   record                                      it has ended: nobody else is asked
 *   start marker   keeper alive                 it runs
 *   start marker   keeper dead                  dead for certain; Docker is only asked for the reason
 *   no marker      keeper alive                 it is about to start
 *   no marker      no keeper     an image comes pending
 *   no marker      no keeper     no container   absent: nothing was started, and it may be launched
 *   no marker      no keeper     created        absent likewise: the launch finds the container and starts it
 *   no marker      no keeper     running        about to start
 *   no marker      no keeper     ended          it failed before it could start anything: removed, then absent
 *   anything else                               unknown
 *
 * Where the evidence lies in a volume of the engine's there is no socket here, so the keeper is never seen, and evidence is
 * fetched when Docker has said what there is (fetch.h): of a container that runs, whether its program has started; of one
 * that has ended, all of it; of one that is gone, what its volume holds.
 *
 * Whoever could be alive is asked before the evidence is read: what ends in between has left its record when it is read.
 * So after Docker has answered, keeper and evidence are looked at once more. An error of Docker is no answer.
 */

#include "backend/docker/docker_impl.h"
#include "backend/docker/fetch.h"
#include "backend/docker/images.h"
#include "backend/docker/inspect.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Docker hears of an end a moment later than we do, and a program is started a moment later than its container: so long
 * Docker is asked again, at most. */
enum { MOMENT_MS = 1000, RETRY_MS = 100 };

/* What Docker says of the container, as far as it matters. */
enum word { WORD_NONE /* not asked */, WORD_ERROR, WORD_ABSENT, WORD_STRANGER, WORD_SEEN };

struct look {
  struct known *known;
  struct engine_call *call;
  struct fetch *fetch;
  bool fetched; /* what Docker's word makes worth fetching */
  struct timer *retry;
  struct mono asked_at; /* Docker, for the first time */
  bool again;           /* it was asked for once more meanwhile */
  enum word word;
  struct container_seen seen; /* SEEN */
  char trouble[REASON_SIZE];  /* ERROR */
};

struct view {
  enum keeper_life keeper;
  struct evidence evidence;
};

void look_abandon(struct look *look)
{
  if (!look)
    return;
  engine_call_cancel(look->call);
  fetch_cancel(look->fetch);
  timer_destroy(look->retry);
  look->known->look = 0;
  free(look);
}

/* Answering. */

static void end_look(struct look *look, struct name name)
{
  struct known *known = look->known;
  struct docker *docker = known->docker;
  bool again = look->again;
  look_abandon(look);
  known_let_go(known);
  if (again)
    answers_add(docker->answers, ANSWER_OBSERVED, name, LAUNCH_UNKNOWN, 0);
}

static void tell(struct look *look, enum presence presence, const struct evidence *evidence, const char *progress,
                 const char *reason)
{
  struct known *known = look->known;
  const struct docker *docker = known->docker;
  const struct backend_events *events = &docker->backend.events;
  struct name name = known->name;
  struct observation seen = {
    .presence = presence,
    .started = evidence->started,
    .started_at = evidence->marker.at,
    .isolation = evidence->recorded  ? evidence->record.isolation
                 : evidence->started ? engine_isolation(engine_facts(docker->engine))
                                     : 0,
    .record = evidence->recorded ? &evidence->record : 0,
    .outputs = presence == PRESENCE_DEAD ? evidence->outputs : 0,
    .progress = progress,
    .platform_reason = reason && *reason ? reason : 0,
  };
  events->observed(events->context, name, &seen);
  end_look(look, name);
}

static void tell_unknown(struct look *look, const char *why)
{
  tell(look, PRESENCE_UNKNOWN, &(struct evidence){0}, 0, why);
}

/* Why there is no record, for a person. */
static void reason_of_death(const struct look *look, const struct evidence *evidence, char text[static REASON_SIZE])
{
  const struct container_seen *seen = &look->seen;
  const char *known = look->known->reason;
  text[0] = 0;
  if (evidence->problem[0])
    snprintf(text, REASON_SIZE, "%s", evidence->problem);
  else if (evidence->marked && evidence->doubtful)
    snprintf(text, REASON_SIZE, "%s", EVIDENCE_REBOOTED);
  else if (known[0])
    snprintf(text, REASON_SIZE, "%s", known);
  else if (look->word == WORD_ABSENT || (look->word == WORD_SEEN && seen->state == CONTAINER_LEAVING))
    snprintf(text, REASON_SIZE, "its container was removed by somebody else");
  else if (look->word == WORD_SEEN && seen->out_of_memory)
    snprintf(text, REASON_SIZE, "its container ran out of memory, and its keeper was killed");
  else if (look->word == WORD_SEEN && seen->state == CONTAINER_ENDED && seen->exit_code == 128 + SIGKILL)
    snprintf(text, REASON_SIZE, "its container was killed by somebody else");
  else if (look->word == WORD_SEEN && seen->state == CONTAINER_ENDED)
    snprintf(text, REASON_SIZE, "its container ended (exit code %d) and left no record", seen->exit_code);
  else
    snprintf(text, REASON_SIZE, "its keeper was killed");
}

static bool read_outputs(const struct known *known, struct evidence *evidence, struct error *error)
{
  const struct docker *docker = known->docker;
  return evidence->outputs ||
         evidence_read_outputs(docker->attempts_fd, docker->attempts_path, known->name, evidence, error);
}

static void tell_dead(struct look *look, struct evidence *evidence)
{
  char reason[REASON_SIZE] = "";
  struct error error;
  if (!read_outputs(look->known, evidence, &error)) {
    tell_unknown(look, error.message);
    return;
  }
  if (!evidence->recorded)
    reason_of_death(look, evidence, reason);
  tell(look, PRESENCE_DEAD, evidence, 0, reason);
}

static void tell_alive(struct look *look, enum presence presence, const struct evidence *evidence)
{
  struct known *known = look->known;
  if (known->watch < 0) {
    known_watch(known);
    if (known->watch >= 0)
      docker_hint(known->docker, known->name); /* it may have ended before its directory was watched */
  }
  tell(look, presence, evidence, 0, 0);
}

/* Asking Docker. */

static void conclude(struct look *look);

static void on_inspected(void *context, const struct engine_answer *inspected)
{
  struct look *look = context;
  struct known *known = look->known;
  struct error error;
  look->call = 0;
  look->fetched = false;
  snprintf(look->trouble, sizeof look->trouble, "%s", inspected->message);
  look->word = WORD_ERROR;
  if (inspected->outcome == ENGINE_ABSENT) {
    look->word = WORD_ABSENT;
  } else if (inspected->outcome == ENGINE_DONE) {
    if (container_inspect(inspected->body, known->docker->instance, known->name, &look->seen, &error))
      look->word = (known->ours = look->seen.ours) ? WORD_SEEN : WORD_STRANGER;
    else
      snprintf(look->trouble, sizeof look->trouble, "%.200s", error.message);
  }
  conclude(look);
}

static void ask_docker(void *context)
{
  struct look *look = context;
  const struct known *known = look->known;
  if (look->word == WORD_NONE)
    look->asked_at = mono_now();
  look->call = engine_inspect_container(known->docker->engine, known->name.text, on_inspected, look);
}

static bool asked_a_moment_ago(const struct look *look)
{
  return mono_now().us < mono_add_ms(look->asked_at, MOMENT_MS).us;
}

static void ask_again(struct look *look)
{
  if (!look->retry)
    look->retry = timer_make(look->known->docker->loop, ask_docker, look);
  timer_set(look->retry, RETRY_MS);
}

/* Fetching. */

static bool worth_fetching(const struct look *look, const struct evidence *evidence)
{
  const struct docker *docker = look->known->docker;
  if (look->fetched)
    return false;
  if (look->word == WORD_ABSENT)
    return docker->remote || (docker->volumes_used && evidence->found);
  return look->word == WORD_SEEN && look->seen.in_volume && look->seen.state != CONTAINER_LEAVING;
}

static void on_fetched(void *context, enum fetch_result result, const char *message)
{
  struct look *look = context;
  look->fetch = 0;
  look->fetched = true;
  if (result == FETCH_ERROR) {
    look->word = WORD_ERROR;
    snprintf(look->trouble, sizeof look->trouble, "its evidence cannot be fetched: %.200s", message);
  }
  conclude(look);
}

static void on_start_marker(void *context, enum fetch_result result, const char *message)
{
  struct look *look = context;
  look->known->started = result == FETCH_DONE;
  on_fetched(look, result, message);
}

static void fetch(struct look *look)
{
  const struct known *known = look->known;
  struct docker *docker = known->docker;
  if (look->word == WORD_ABSENT)
    look->fetch = fetch_from_volume(docker, known->name, on_fetched, look);
  else if (look->seen.state != CONTAINER_RUNNING)
    look->fetch = fetch_from_container(docker, known->name, on_fetched, look);
  else if (!known->started)
    look->fetch = fetch_start_marker(docker, known->name, on_start_marker, look);
  else
    on_fetched(look, FETCH_DONE, 0);
}

/* A container that ended before its program was started: the next launch needs its name. */

static void on_removed(void *context, const struct engine_answer *removed)
{
  struct look *look = context;
  look->call = 0;
  if (removed->outcome == ENGINE_DONE || removed->outcome == ENGINE_ABSENT)
    tell(look, PRESENCE_ABSENT, &(struct evidence){0}, 0, look->known->reason);
  else
    tell_unknown(look, removed->message);
}

static void remove_failed(struct look *look)
{
  struct known *known = look->known;
  char reason[REASON_SIZE];
  attempt_failure(known->docker->attempts_fd, known->name, reason);
  if (!reason[0] && look->seen.error[0])
    snprintf(reason, sizeof reason, "Docker could not start its container: %.180s", look->seen.error);
  else if (!reason[0])
    snprintf(reason, sizeof reason, "its container ended (exit code %d) before the program was started",
             look->seen.exit_code);
  known_failed(known, reason);
  look->call = engine_remove_container(known->docker->engine, known->name.text, false, on_removed, look);
}

/* Concluding. */

static void conclude_unstarted(struct look *look, const struct evidence *evidence)
{
  const struct known *known = look->known;
  char text[REASON_SIZE];
  switch (look->word) {
  case WORD_NONE:
    if (images_progress(known->docker->images, known->name, text))
      tell(look, PRESENCE_PENDING, evidence, text, 0);
    else
      ask_docker(look);
    return;
  case WORD_ERROR:
    tell_unknown(look, look->trouble);
    return;
  case WORD_ABSENT:
    tell(look, PRESENCE_ABSENT, evidence, 0, known->reason);
    return;
  case WORD_STRANGER:
    tell(look, PRESENCE_ABSENT, evidence, 0, "its name is taken by a container that is not ours");
    return;
  case WORD_SEEN:
    break;
  }
  switch (look->seen.state) {
  case CONTAINER_CREATED:
    tell(look, PRESENCE_ABSENT, evidence, 0, known->reason);
    break;
  case CONTAINER_RUNNING:
    if (look->seen.in_volume && asked_a_moment_ago(look))
      ask_again(look); /* nothing else would tell of the start */
    else
      tell_alive(look, PRESENCE_PENDING, evidence);
    break;
  case CONTAINER_LEAVING:
    tell_unknown(look, "its container is being removed");
    break;
  case CONTAINER_ENDED:
    remove_failed(look);
    break;
  }
}

/* There is a start marker, but no socket: somebody has removed it, or there never is one here. Docker alone can tell, and
 * its word for death is good enough only where it says how it ended. */
static void conclude_unseen(struct look *look, struct evidence *evidence)
{
  bool seen = look->word == WORD_SEEN;
  if (look->word == WORD_NONE)
    ask_docker(look);
  else if (look->word == WORD_ABSENT || (seen && look->seen.state == CONTAINER_ENDED))
    tell_dead(look, evidence);
  else if (seen && look->seen.state == CONTAINER_RUNNING)
    tell_alive(look, PRESENCE_RUNNING, evidence);
  else
    tell_unknown(look, look->trouble);
}

/* It is dead; asks for the reason, where Docker can still give one. */
static bool ask_for_reason(struct look *look)
{
  bool unaware = look->word == WORD_SEEN && look->seen.state != CONTAINER_ENDED && asked_a_moment_ago(look);
  if (!engine_here(look->known->docker->engine) || look->known->reason[0] || (look->word != WORD_NONE && !unaware))
    return false;
  if (look->word == WORD_NONE)
    ask_docker(look);
  else
    ask_again(look);
  return true;
}

static void conclude_started(struct look *look, struct view *view)
{
  struct evidence *evidence = &view->evidence;
  if (evidence->marked && evidence->doubtful) {
    tell_dead(look, evidence);
    return;
  }
  switch (view->keeper) {
  case KEEPER_ALIVE:
    tell_alive(look, PRESENCE_RUNNING, evidence);
    break;
  case KEEPER_DEAD:
    if (!ask_for_reason(look))
      tell_dead(look, evidence);
    break;
  case KEEPER_UNSEEN:
    conclude_unseen(look, evidence);
    break;
  case KEEPER_UNKNOWN:
    tell_unknown(look, "its keeper cannot be asked");
    break;
  }
}

/* False where it cannot be told. A record is read with its outputs, because only then it shows whether it is damaged: and
 * then it is no record, and tells of no end either. */
static bool view_attempt(struct known *known, struct view *view, struct error *error)
{
  const struct docker *docker = known->docker;
  view->keeper = known_keeper(known);
  if (!evidence_read(docker->attempts_fd, known->name, &view->evidence, error))
    return false;
  if (!docker->volumes_used) /* of what may have run on another host it cannot be told */
    evidence_doubt_after_reboot(&view->evidence);
  view->evidence.started = view->evidence.started || known->started;
  return (!view->evidence.recorded || read_outputs(known, &view->evidence, error));
}

static void conclude(struct look *look)
{
  struct view view = {0};
  struct error error;
  if (!view_attempt(look->known, &view, &error))
    tell_unknown(look, error.message);
  else if (view.evidence.recorded)
    tell_dead(look, &view.evidence);
  else if (worth_fetching(look, &view.evidence))
    fetch(look);
  else if (view.evidence.started)
    conclude_started(look, &view);
  else if (view.keeper == KEEPER_ALIVE)
    tell_alive(look, PRESENCE_PENDING, &view.evidence);
  else if (view.keeper == KEEPER_UNKNOWN)
    tell_unknown(look, "its keeper cannot be asked");
  else
    conclude_unstarted(look, &view.evidence);
  evidence_release(&view.evidence);
}

void docker_look(struct docker *docker, struct name name)
{
  struct known *known = known_get(docker, name);
  if (known->look) { /* what it saw may be older than the question */
    known->look->again = true;
    return;
  }
  struct look *look = known->look = xcalloc(1, sizeof *look);
  look->known = known;
  conclude(look);
}
