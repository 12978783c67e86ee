/*
 * Docker, as the Docker backend asks it: a look goes from one question to the next, each answered from the truth of that moment
 * or by a lie, and the backend's own table (backend/docker/decide.h) says what is asked next and what it comes to.
 *
 * The keeper answers on its socket, and its evidence is read, where they are on this host; of what lies in a volume all comes
 * through the engine.
 */

#include "sim.h"

#include "backend/docker/decide.h"
#include "base/memory.h"

enum { ASK_AGAIN_US = 100000 };

struct look {
  struct attempt *attempt;
  struct seen seen;
  struct docker_view view;
};

static bool in_volume(const struct sim *sim)
{
  return sim->backend.kind == BACKEND_VOLUME;
}

/* From the moment at which it is there to answer. */
static enum keeper_life keeper_of(struct sim *sim, const struct attempt *attempt)
{
  if (in_volume(sim))
    return KEEPER_UNSEEN;
  if (backend_is_frozen(sim, attempt) && sim_coin(sim))
    return KEEPER_UNKNOWN;
  switch (attempt->presence) {
  case PRESENCE_RUNNING:
    return KEEPER_ALIVE;
  case PRESENCE_PENDING:
    return sim_coin(sim) ? KEEPER_ALIVE : KEEPER_UNSEEN;
  default:
    return attempt->evidence && attempt->starts ? KEEPER_DEAD : KEEPER_UNSEEN;
  }
}

/* What can be told without the engine. */
static void view_attempt(struct sim *sim, const struct attempt *attempt, struct look *look)
{
  struct docker_view *view = &look->view;
  struct seen *seen = &look->seen;
  view->now = (struct mono){sim->now_us};
  view->keeper = keeper_of(sim, attempt);
  backend_read_evidence(attempt, seen);
  if (in_volume(sim)) {
    seen->recorded = seen->recorded && attempt->fetched;
    seen->started = seen->started && (attempt->start_seen || attempt->fetched);
  }
  view->found = attempt->presence != PRESENCE_ABSENT || attempt->evidence;
  view->started = seen->started;
  view->recorded = seen->recorded;
  view->rebooted = attempt->rebooted && !in_volume(sim);
  view->volumes_used = in_volume(sim);
  view->here = true;
  view->fetching = attempt->fetching ? "fetching" : 0;
  view->trouble = view->reason = "";
}

/* ---- the engine's word ---- */

static void lie(struct sim *sim, struct attempt *attempt, struct docker_view *view)
{
  const bool alive = backend_is_alive(attempt), about_to_start = attempt->presence == PRESENCE_PENDING;
  const bool only_word = about_to_start || in_volume(sim); /* nobody else tells that it lives */
  struct container_seen *container = &view->container;
  if (alive && sim_strikes(sim, TROUBLE_SAYS_CREATED)) {
    view->word = sim_coin(sim) ? DOCKER_SEEN : DOCKER_ABSENT;
    container->state = CONTAINER_CREATED;
    attempt->failed |= only_word;
    attempt->buried |= about_to_start;
  } else if (alive && sim_strikes(sim, TROUBLE_SAYS_ENDED)) {
    container->state = CONTAINER_ENDED;
    container->exit_code = sim_coin(sim) ? 137 : 0;
    attempt->failed |= only_word;
    attempt->delayed = true;
  } else if (!alive && view->word == DOCKER_SEEN && sim_strikes(sim, TROUBLE_SAYS_RUNNING)) {
    container->state = CONTAINER_RUNNING;
    attempt->delayed = true;
  } else if (sim_strikes(sim, TROUBLE_OBSERVE_FAILS)) {
    view->word = DOCKER_ERROR;
    attempt->delayed = true;
  }
}

static void inspect(struct sim *sim, struct attempt *attempt, struct docker_view *view)
{
  view->fetched = false;
  view->word = attempt->presence == PRESENCE_ABSENT ? DOCKER_ABSENT : DOCKER_SEEN;
  view->container.state = backend_is_alive(attempt) ? CONTAINER_RUNNING : CONTAINER_ENDED;
  view->container.in_volume = in_volume(sim);
  view->container.exit_code = 0;
  lie(sim, attempt, view);
}

/* ---- a look ---- */

static void go_on(struct sim *sim, struct event *event);

static struct event *next(struct sim *sim, struct event *event, uint64_t delay_us,
                          void (*run)(struct sim *sim, struct event *event))
{
  struct event *later = sim_after(sim, delay_us, EVENT_TO_DAEMON, run);
  later->name = event->name;
  later->owned = TAKE_PTR(event->owned);
  return later;
}

static void engine_answers(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  look->view.started_before = look->view.started;
  inspect(sim, look->attempt, &look->view);
  next(sim, event, backend_call_delay(sim), go_on);
}

/* Out of the volume: all of it where its container has ended or is gone, else whether it has started. */
static void engine_hands_out(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  struct attempt *attempt = look->attempt;
  look->view.fetched = true;
  attempt->start_seen = attempt->evidence && attempt->starts;
  if (look->view.word == DOCKER_ABSENT || look->view.container.state != CONTAINER_RUNNING)
    attempt->fetched = attempt->fetched || (attempt->evidence && attempt->recorded);
  if (sim_strikes(sim, TROUBLE_OBSERVE_FAILS)) {
    look->view.word = DOCKER_ERROR;
    attempt->delayed = true;
  }
  next(sim, event, backend_call_delay(sim), go_on);
}

static void tell(struct sim *sim, struct name name, struct look *look, enum presence presence)
{
  struct seen *seen = &look->seen;
  seen->presence = presence;
  seen->outputs = seen->started && (seen->recorded || presence == PRESENCE_DEAD);
  backend_tell(sim, name, seen);
}

/* Not by force: an engine does not remove what runs. */
static void engine_removes(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  struct attempt *attempt = look->attempt;
  if (!backend_is_alive(attempt))
    backend_forget(sim, attempt);
  tell(sim, event->name, look, attempt->presence == PRESENCE_ABSENT ? PRESENCE_ABSENT : PRESENCE_UNKNOWN);
}

static void go_on(struct sim *sim, struct event *event)
{
  struct look *look = event->owned;
  struct docker_decision decision;
  view_attempt(sim, look->attempt, look);
  docker_decide(&look->view, &decision);
  switch (decision.step) {
  case DOCKER_TELL:
    look->seen.progress = decision.presence == PRESENCE_PENDING ? look->view.fetching : 0;
    tell(sim, event->name, look, decision.presence);
    break;
  case DOCKER_ASK:
    look->view.asked_at.us = sim->now_us;
    next(sim, event, sim_between_us(sim, 10, 1000), engine_answers);
    break;
  case DOCKER_ASK_AGAIN:
    next(sim, event, ASK_AGAIN_US, engine_answers);
    break;
  case DOCKER_FETCH:
    next(sim, event, sim_between_us(sim, 10, 1000), engine_hands_out);
    break;
  case DOCKER_REMOVE:
    next(sim, event, sim_between_us(sim, 10, 1000), engine_removes);
    break;
  }
}

void sim_docker_look(struct sim *sim, struct name name, uint64_t request)
{
  struct attempt *attempt = backend_find(sim, name);
  if (!attempt) {
    backend_tell(sim, name, &(struct seen){.request = request, .presence = PRESENCE_ABSENT});
    return;
  }
  struct look *look = xcalloc(1, sizeof *look);
  look->attempt = attempt;
  look->seen.request = request;
  struct event *event = sim_after(sim, sim_between_us(sim, 10, 1000), EVENT_TO_DAEMON, go_on);
  event->name = name;
  event->owned = look;
}
