/*
 * Killing: the keeper is asked first, because only the keeper can write a true record. What does not react is killed with
 * its container, and then there is none.
 *
 *   keeper alive    KILL over its socket; alive still after 2 s: SIGKILL, by its pid and by Docker, and unpaused;
 *                   unpaused first, and waited for once more, where a client wants the end
 *   keeper dead     nothing is left to be killed
 *   no keeper       Docker says what there is. What was not started loses its plan, so that a start that is late has
 *                   nothing to run, and its container is removed. One that runs will have a keeper in a moment: it is
 *                   looked for again, for 2 s, and then the container is removed all the same. Where the keeper is in a
 *                   volume of the engine's, a signal stands for the socket
 *
 * That it worked is learnt by looking.
 */

#include "backend/docker/docker_impl.h"
#include "backend/docker/inspect.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 2000, RETRY_MS = 50 };

struct killing {
  struct known *known;
  enum kill_reason reason;
  struct mono deadline; /* of patience with what has not started anything */
  bool asked;           /* the keeper, by its socket or a signal */
  bool thawed;          /* its container was paused, and is no more */
  struct timer *timer;
  struct engine_call *call;
};

void killing_abandon(struct killing *killing)
{
  if (!killing)
    return;
  timer_destroy(killing->timer);
  engine_call_cancel(killing->call);
  killing->known->killing = 0;
  free(killing);
}

static void end_killing(struct killing *killing)
{
  struct known *known = killing->known;
  docker_hint(known->docker, known->name);
  killing_abandon(killing);
  known_let_go(known);
}

static bool patient(const struct killing *killing)
{
  return mono_now().us < killing->deadline.us;
}

/* It does not react. */

static void on_unpaused(void *context, const struct engine_answer *unpaused)
{
  struct killing *killing = context;
  (void)unpaused; /* mostly it was not paused */
  killing->call = 0;
  end_killing(killing);
}

/* A frozen process dies only when it thaws (cgroup v1). */
static void on_killed(void *context, const struct engine_answer *killed)
{
  struct killing *killing = context;
  const struct known *known = killing->known;
  (void)killed;
  killing->call = engine_unpause_container(known->docker->engine, known->name.text, on_unpaused, killing);
}

static void wait_for_keeper(struct killing *killing)
{
  killing->asked = true;
  timer_set(killing->timer, PATIENCE_MS);
}

static void on_thawed(void *context, const struct engine_answer *unpaused)
{
  struct killing *killing = context;
  (void)unpaused;
  killing->call = 0;
  wait_for_keeper(killing);
}

/* For a client who cancelled, a keeper that was merely frozen may still do what it was asked. (Not for a deadline: there
 * it would find its own limit of time exceeded, and say so of a program that was not running.) */
static void thaw(struct killing *killing)
{
  const struct known *known = killing->known;
  killing->thawed = true;
  killing->call = engine_unpause_container(known->docker->engine, known->name.text, on_thawed, killing);
}

static void kill_container(struct killing *killing, bool paused)
{
  struct known *known = killing->known;
  if (paused || killing->asked)
    snprintf(known->reason, sizeof known->reason, "%s",
             paused ? "its container was paused" : "its keeper did not react and had to be killed");
  known_kill_keeper(known);
  if (known->ours)
    killing->call = engine_kill_container(known->docker->engine, known->name.text, SIGKILL, on_killed, killing);
  else
    end_killing(killing);
}

static void kill_by_force(struct killing *killing, const struct container_seen *seen)
{
  bool paused = seen && seen->paused;
  if (paused && killing->reason == KILLED_CANCELLED && !killing->thawed)
    thaw(killing);
  else
    kill_container(killing, paused);
}

/* No keeper to be seen. */

static void on_removed(void *context, const struct engine_answer *removed)
{
  struct killing *killing = context;
  killing->call = 0;
  bool gone = removed->outcome == ENGINE_DONE || removed->outcome == ENGINE_ABSENT;
  if (gone || !patient(killing))
    end_killing(killing);
  else
    timer_set(killing->timer, RETRY_MS);
}

/* Without force as long as one that has just begun to run may still be asked. */
static void remove_container(struct killing *killing)
{
  const struct known *known = killing->known;
  killing->call =
    engine_remove_container(known->docker->engine, known->name.text, !patient(killing), on_removed, killing);
}

static void on_signalled(void *context, const struct engine_answer *signalled)
{
  struct killing *killing = context;
  (void)signalled;
  killing->call = 0;
  wait_for_keeper(killing);
}

static void signal_keeper(struct killing *killing)
{
  const struct known *known = killing->known;
  int signal = killing->reason == KILLED_CANCELLED ? CONTAINER_SIGNAL_CANCEL : CONTAINER_SIGNAL_DEADLINE;
  killing->call = engine_kill_container(known->docker->engine, known->name.text, signal, on_signalled, killing);
}

/* Or it cannot be told. */
static bool was_started(const struct known *known)
{
  CLEANUP_EVIDENCE struct evidence evidence = {0};
  return !evidence_read(known->docker->attempts_fd, known->name, &evidence, 0) || evidence.started;
}

static void kill_running(struct killing *killing, const struct container_seen *seen)
{
  if (killing->asked || (!seen->in_volume && was_started(killing->known)))
    kill_by_force(killing, seen);
  else if (seen->in_volume)
    signal_keeper(killing);
  else if (patient(killing))
    timer_set(killing->timer, RETRY_MS);
  else
    remove_container(killing);
}

/* One that is not ours is left alone, whatever its name. */
static void kill_as_seen(struct killing *killing, const struct container_seen *seen)
{
  if (seen->ours && seen->state == CONTAINER_RUNNING)
    kill_running(killing, seen);
  else if (seen->ours && seen->state == CONTAINER_CREATED)
    remove_container(killing);
  else
    end_killing(killing);
}

static void ask_keeper(struct killing *killing)
{
  const struct known *known = killing->known;
  attempt_kill(known->docker->attempts_fd, known->name, killing->reason);
  wait_for_keeper(killing);
}

static void on_inspected(void *context, const struct engine_answer *inspected)
{
  struct killing *killing = context;
  struct known *known = killing->known;
  struct container_seen seen;
  killing->call = 0;
  bool told = inspected->outcome == ENGINE_DONE &&
              container_inspect(inspected->body, known->docker->instance, known->name, &seen, 0);
  if (told)
    known->ours = seen.ours;
  bool alive = known_keeper(known) == KEEPER_ALIVE;
  if (alive && !killing->asked) /* it has come meanwhile */
    ask_keeper(killing);
  else if (alive) /* it did not react, and Docker's word is only for the reason */
    kill_by_force(killing, told ? &seen : 0);
  else if (told)
    kill_as_seen(killing, &seen);
  else if (inspected->outcome == ENGINE_ABSENT || !patient(killing))
    end_killing(killing);
  else
    timer_set(killing->timer, RETRY_MS);
}

static void ask_docker(struct killing *killing)
{
  const struct known *known = killing->known;
  killing->call = engine_inspect_container(known->docker->engine, known->name.text, on_inspected, killing);
}

static void proceed(void *context)
{
  struct killing *killing = context;
  struct known *known = killing->known;
  switch (known_keeper(known)) {
  case KEEPER_ALIVE:
    (killing->asked ? ask_docker : ask_keeper)(killing);
    break;
  case KEEPER_DEAD:
    end_killing(killing);
    break;
  case KEEPER_UNSEEN:
  case KEEPER_UNKNOWN:
    if (!was_started(known))
      attempt_revoke(known->docker->attempts_fd, known->name);
    ask_docker(killing);
    break;
  }
}

void docker_kill(struct backend *backend, struct name name, enum kill_reason reason)
{
  struct docker *docker = (struct docker *)backend;
  struct known *known = known_get(docker, name);
  if (known->killing || known->removal)
    return;
  struct killing *killing = known->killing = xcalloc(1, sizeof *killing);
  killing->known = known;
  killing->reason = reason;
  killing->deadline = mono_add_ms(mono_now(), PATIENCE_MS);
  killing->timer = timer_make(docker->loop, proceed, killing);
  timer_set(killing->timer, 0);
  launch_give_up(known->launch);
}
