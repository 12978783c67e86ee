/*
 * Looking at an attempt: the keeper first, the evidence second, and Docker where these two cannot tell (law 4). What is
 * asked next, and what it comes to, is decided in decide.h.
 */

#include "backend/docker/docker_impl.h"
#include "backend/docker/fetch.h"
#include "backend/docker/images.h"
#include "backend/docker/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 100 };

struct look {
  struct known *known;
  struct engine_call *call;
  struct fetch *fetch;
  struct timer *retry;
  struct docker_view view; /* what was said so far */
  char trouble[REASON_SIZE], progress[REASON_SIZE];
  bool again; /* it was asked for once more meanwhile */
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
    answers_tell(docker->answers, ANSWER_OBSERVED, name);
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

static bool read_outputs(const struct known *known, struct evidence *evidence, struct error *error)
{
  const struct docker *docker = known->docker;
  return evidence->outputs ||
         evidence_read_outputs(docker->attempts_fd, docker->attempts_path, known->name, evidence, error);
}

static void tell_dead(struct look *look, struct evidence *evidence, const char *reason)
{
  struct error error;
  if (read_outputs(look->known, evidence, &error))
    tell(look, PRESENCE_DEAD, evidence, 0, evidence->problem[0] ? evidence->problem : reason);
  else
    tell_unknown(look, error.message);
}

/* A container of it is there: its end, at the latest, is a hint. */
static void listen_for_hints(struct known *known)
{
  if (known->watch >= 0)
    return;
  known_watch(known);
  if (known->watch >= 0)
    docker_hint(known->docker, known->name); /* it may have ended before its directory was watched */
}

static void tell_decided(struct look *look, struct evidence *evidence, const struct docker_decision *decision)
{
  if (decision->has_container)
    listen_for_hints(look->known);
  if (decision->presence == PRESENCE_DEAD)
    tell_dead(look, evidence, decision->text);
  else if (decision->presence == PRESENCE_PENDING)
    tell(look, PRESENCE_PENDING, evidence, decision->text[0] ? decision->text : 0, 0);
  else if (decision->presence == PRESENCE_UNKNOWN)
    tell_unknown(look, decision->text);
  else
    tell(look, decision->presence, evidence, 0, decision->text);
}

/* Asking Docker. */

static void conclude(struct look *look);

static void set_trouble(struct look *look, const char *what, const char *text)
{
  snprintf(look->trouble, sizeof look->trouble, "%s%.200s", what, text);
}

static void on_inspected(void *context, const struct engine_answer *inspected)
{
  struct look *look = context;
  struct known *known = look->known;
  struct docker_view *view = &look->view;
  struct error error;
  look->call = 0;
  view->fetched = false;
  view->word = DOCKER_ERROR;
  set_trouble(look, "", inspected->message);
  if (inspected->outcome == ENGINE_ABSENT) {
    view->word = DOCKER_ABSENT;
  } else if (inspected->outcome == ENGINE_DONE) {
    if (container_inspect(inspected->body, known->docker->instance, known->name, &view->container, &error))
      view->word = (known->ours = view->container.ours) ? DOCKER_SEEN : DOCKER_STRANGER;
    else
      set_trouble(look, "", error.message);
  }
  conclude(look);
}

static void ask_docker(void *context)
{
  struct look *look = context;
  const struct known *known = look->known;
  if (look->view.word == DOCKER_NOT_ASKED)
    look->view.asked_at = mono_now();
  look->view.started_before = look->view.started;
  look->call = engine_inspect_container(known->docker->engine, known->name.text, on_inspected, look);
}

static void ask_again(struct look *look)
{
  if (!look->retry)
    look->retry = timer_make(look->known->docker->loop, ask_docker, look);
  timer_set(look->retry, RETRY_MS);
}

/* Fetching. */

static void on_fetched(void *context, enum fetch_result result, const char *message)
{
  struct look *look = context;
  look->fetch = 0;
  look->view.fetched = true;
  if (result == FETCH_ERROR) {
    look->view.word = DOCKER_ERROR;
    set_trouble(look, "its evidence cannot be fetched: ", message);
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
  if (look->view.word == DOCKER_ABSENT)
    look->fetch = fetch_from_volume(docker, known->name, on_fetched, look);
  else if (look->view.container.state != CONTAINER_RUNNING)
    look->fetch = fetch_from_container(docker, known->name, on_fetched, look);
  else if (!known->started)
    look->fetch = fetch_start_marker(docker, known->name, on_start_marker, look);
  else
    on_fetched(look, FETCH_DONE, "");
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
  if (!reason[0] && look->view.container.error[0])
    snprintf(reason, sizeof reason, "Docker could not start its container: %.180s", look->view.container.error);
  else if (!reason[0])
    snprintf(reason, sizeof reason, "its container ended (exit code %d) before the program was started",
             look->view.container.exit_code);
  known_failed(known, reason);
  look->call = engine_remove_container(known->docker->engine, known->name.text, false, on_removed, look);
}

/* Concluding. */

/* False where it cannot be told. A record is read with its outputs, because only then it shows whether it is damaged: and
 * then it is no record, and tells of no end either. */
static bool view_attempt(struct look *look, struct evidence *evidence, struct error *error)
{
  struct known *known = look->known;
  const struct docker *docker = known->docker;
  struct docker_view *view = &look->view;
  view->keeper = known_keeper(known);
  if (!evidence_read(docker->attempts_fd, known->name, evidence, error))
    return false;
  if (!docker->volumes_used) /* of what may have run on another host it cannot be told */
    evidence_doubt_after_reboot(evidence);
  evidence->started = evidence->started || known->started;
  if (evidence->recorded && !read_outputs(known, evidence, error))
    return false;
  view->found = evidence->found;
  view->started = evidence->started;
  view->recorded = evidence->recorded;
  view->rebooted = evidence->marked && evidence->doubtful;
  view->now = mono_now();
  view->here = engine_here(docker->engine);
  view->remote = docker->remote;
  view->volumes_used = docker->volumes_used;
  view->fetching = images_progress(docker->images, known->name, look->progress) ? look->progress : 0;
  view->reason = known->reason;
  return true;
}

static void conclude(struct look *look)
{
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  struct docker_decision decision;
  struct error error;
  if (!view_attempt(look, &evidence, &error)) {
    tell_unknown(look, error.message);
    return;
  }
  docker_decide(&look->view, &decision);
  switch (decision.step) {
  case DOCKER_TELL:
    tell_decided(look, &evidence, &decision);
    break;
  case DOCKER_ASK:
    ask_docker(look);
    break;
  case DOCKER_ASK_AGAIN:
    ask_again(look);
    break;
  case DOCKER_FETCH:
    fetch(look);
    break;
  case DOCKER_REMOVE:
    remove_failed(look);
    break;
  }
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
  look->view.trouble = look->trouble;
  conclude(look);
}
