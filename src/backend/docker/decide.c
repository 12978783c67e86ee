#include "backend/docker/decide.h"

#include "backend/evidence/evidence_read.h"

#include <signal.h>
#include <stdio.h>

/* Docker hears of an end a moment later than we do, and a program is started a moment later than its container: so long
 * Docker is asked again, at most. */
enum { MOMENT_MS = 1000 };

static void tell(struct docker_decision *decision, enum presence presence, const char *text)
{
  decision->step = DOCKER_TELL;
  decision->presence = presence;
  if (text && *text)
    snprintf(decision->text, sizeof decision->text, "%s", text);
}

static void tell_alive(struct docker_decision *decision, enum presence presence)
{
  tell(decision, presence, 0);
  decision->has_container = true;
}

static bool asked_a_moment_ago(const struct docker_view *view)
{
  return view->now.us < mono_add_ms(view->asked_at, MOMENT_MS).us;
}

static bool seen_as(const struct docker_view *view, enum container_state state)
{
  return view->word == DOCKER_SEEN && view->container.state == state;
}

/* Dead, and why there is no record. */
static void tell_dead(const struct docker_view *view, struct docker_decision *decision)
{
  const struct container_seen *container = &view->container;
  tell(decision, PRESENCE_DEAD, 0);
  if (view->rebooted)
    snprintf(decision->text, sizeof decision->text, "%s", EVIDENCE_REBOOTED);
  else if (view->reason[0])
    snprintf(decision->text, sizeof decision->text, "%s", view->reason);
  else if (view->word == DOCKER_ABSENT || seen_as(view, CONTAINER_LEAVING))
    snprintf(decision->text, sizeof decision->text, "its container was removed by somebody else");
  else if (view->word == DOCKER_SEEN && container->out_of_memory)
    snprintf(decision->text, sizeof decision->text, "its container ran out of memory, and its keeper was killed");
  else if (seen_as(view, CONTAINER_ENDED) && container->exit_code == 128 + SIGKILL)
    snprintf(decision->text, sizeof decision->text, "its container was killed by somebody else");
  else if (seen_as(view, CONTAINER_ENDED))
    snprintf(decision->text, sizeof decision->text, "its container ended (exit code %d) and left no record",
             container->exit_code);
  else
    snprintf(decision->text, sizeof decision->text, "its keeper was killed");
}

static bool worth_fetching(const struct docker_view *view)
{
  if (view->fetched)
    return false;
  if (view->word == DOCKER_ABSENT)
    return view->remote || (view->volumes_used && view->found);
  return view->word == DOCKER_SEEN && view->container.in_volume && view->container.state != CONTAINER_LEAVING;
}

/* Nothing tells of a start. */

static void decide_by_container(const struct docker_view *view, struct docker_decision *decision)
{
  switch (view->container.state) {
  case CONTAINER_CREATED:
    tell(decision, PRESENCE_ABSENT, view->reason);
    break;
  case CONTAINER_RUNNING:
    if (view->container.in_volume && asked_a_moment_ago(view))
      decision->step = DOCKER_ASK_AGAIN; /* nothing else would tell of the start */
    else
      tell_alive(decision, PRESENCE_PENDING);
    break;
  case CONTAINER_LEAVING:
    tell(decision, PRESENCE_UNKNOWN, "its container is being removed");
    break;
  case CONTAINER_ENDED:
    decision->step = DOCKER_REMOVE;
    break;
  }
}

static void decide_unstarted(const struct docker_view *view, struct docker_decision *decision)
{
  switch (view->word) {
  case DOCKER_NOT_ASKED:
    if (view->fetching)
      tell(decision, PRESENCE_PENDING, view->fetching);
    else
      decision->step = DOCKER_ASK;
    break;
  case DOCKER_ERROR:
    tell(decision, PRESENCE_UNKNOWN, view->trouble);
    break;
  case DOCKER_ABSENT:
    tell(decision, PRESENCE_ABSENT, view->reason);
    break;
  case DOCKER_STRANGER:
    tell(decision, PRESENCE_ABSENT, "its name is taken by a container that is not ours");
    break;
  case DOCKER_SEEN:
    decide_by_container(view, decision);
    break;
  }
}

/* There is a start marker. */

/* But no socket: somebody has removed it, or there never is one here. Docker alone can tell, and its word for death is good
 * enough only where it says how it ended. */
static void decide_unseen(const struct docker_view *view, struct docker_decision *decision)
{
  const bool over = view->word == DOCKER_ABSENT || seen_as(view, CONTAINER_ENDED);
  if (view->word == DOCKER_NOT_ASKED)
    decision->step = DOCKER_ASK;
  else if (over && !view->started_before)
    decision->step = DOCKER_ASK_AGAIN;
  else if (over)
    tell_dead(view, decision);
  else if (seen_as(view, CONTAINER_RUNNING))
    tell_alive(decision, PRESENCE_RUNNING);
  else
    tell(decision, PRESENCE_UNKNOWN, view->trouble);
}

/* It is dead, and Docker is asked for the reason, where it can still give one. */
static void decide_dead(const struct docker_view *view, struct docker_decision *decision)
{
  const bool unaware =
    view->word == DOCKER_SEEN && view->container.state != CONTAINER_ENDED && asked_a_moment_ago(view);
  if (!view->here || view->reason[0] || (view->word != DOCKER_NOT_ASKED && !unaware))
    tell_dead(view, decision);
  else
    decision->step = view->word == DOCKER_NOT_ASKED ? DOCKER_ASK : DOCKER_ASK_AGAIN;
}

static void decide_started(const struct docker_view *view, struct docker_decision *decision)
{
  switch (view->keeper) {
  case KEEPER_ALIVE:
    tell_alive(decision, PRESENCE_RUNNING);
    break;
  case KEEPER_DEAD:
    decide_dead(view, decision);
    break;
  case KEEPER_UNSEEN:
    decide_unseen(view, decision);
    break;
  case KEEPER_UNKNOWN:
    tell(decision, PRESENCE_UNKNOWN, "its keeper cannot be asked");
    break;
  }
}

void docker_decide(const struct docker_view *view, struct docker_decision *ret)
{
  ret->has_container = false;
  ret->text[0] = 0;
  if (view->recorded)
    tell(ret, PRESENCE_DEAD, 0);
  else if (worth_fetching(view))
    ret->step = DOCKER_FETCH;
  else if (view->started && view->rebooted)
    tell_dead(view, ret);
  else if (view->started)
    decide_started(view, ret);
  else if (view->keeper == KEEPER_ALIVE)
    tell_alive(ret, PRESENCE_PENDING);
  else if (view->keeper == KEEPER_UNKNOWN)
    tell(ret, PRESENCE_UNKNOWN, "its keeper cannot be asked");
  else
    decide_unstarted(view, ret);
}
