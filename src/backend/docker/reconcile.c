#include "backend/docker/reconcile.h"

#include "backend/directory.h"
#include "backend/docker/docker_impl.h"
#include "backend/docker/inspect.h"
#include "backend/sightings.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reconciler {
  struct docker *docker;
  unsigned grace_ms;
  struct engine_call *call;
  struct timer *timer;
  bool again;
  struct sightings seen; /* in the last list */
  struct sightings list; /* while one is read */
};

static void tell_found(struct docker *docker, struct name name)
{
  answers_tell(docker->answers, ANSWER_FOUND, name);
}

/* What this process is busy with is no leftover. */
static void on_container(void *context, struct name name, enum container_state state)
{
  struct reconciler *reconciler = context;
  struct docker *docker = reconciler->docker;
  const struct mono now = mono_now(), first = sightings_add(&reconciler->list, &reconciler->seen, name, now);
  (void)state;
  if (now.us >= mono_add_ms(first, reconciler->grace_ms).us && !known_find(docker, name))
    tell_found(docker, name);
  else
    docker_hint(docker, name);
}

static void on_directory(void *context, struct name name)
{
  struct reconciler *reconciler = context;
  if (!sightings_have(&reconciler->seen, name) && !known_find(reconciler->docker, name))
    tell_found(reconciler->docker, name);
}

static void read_list(struct reconciler *reconciler, const json_t *body)
{
  struct docker *docker = reconciler->docker;
  struct error error;
  if (!container_list(body, docker->instance, on_container, reconciler, &error)) {
    log_warning(0, "docker: %s", error.message);
    sightings_clear(&reconciler->list);
    return;
  }
  sightings_end_list(&reconciler->list, &reconciler->seen);
  /* A list that is cut off does not tell which directories have no container. */
  if (json_array_size(body) < ENGINE_LIST_MAX)
    (void)directory_each_attempt(docker->attempts_fd, on_directory, reconciler);
}

static void on_listed(void *context, const struct engine_answer *listed)
{
  struct reconciler *reconciler = context;
  bool again = reconciler->again;
  reconciler->call = 0;
  reconciler->again = false;
  if (listed->outcome == ENGINE_DONE)
    read_list(reconciler, listed->body);
  timer_set(reconciler->timer, RECONCILE_MS);
  if (again)
    reconcile(reconciler);
}

void reconcile(struct reconciler *reconciler)
{
  struct docker *docker = reconciler->docker;
  if (reconciler->call)
    reconciler->again = true;
  else if (engine_here(docker->engine))
    reconciler->call = engine_list_containers(docker->engine, docker->label, on_listed, reconciler);
}

static void on_timer(void *context)
{
  reconcile(context);
}

struct reconciler *reconciler_create(struct docker *docker, unsigned grace_ms)
{
  struct reconciler *reconciler = xcalloc(1, sizeof *reconciler);
  reconciler->docker = docker;
  reconciler->grace_ms = grace_ms;
  reconciler->timer = timer_make(docker->loop, on_timer, reconciler);
  return reconciler;
}

void reconciler_destroy(struct reconciler *reconciler)
{
  if (!reconciler)
    return;
  engine_call_cancel(reconciler->call);
  timer_destroy(reconciler->timer);
  sightings_clear(&reconciler->seen);
  free(reconciler);
}
