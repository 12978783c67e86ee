#include "backend/docker/reconcile.h"

#include "backend/directory.h"
#include "backend/docker/docker_impl.h"
#include "backend/docker/inspect.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A container in the engine's list. */
struct sighting {
  struct name name;
  struct mono first; /* time that it was in the list */
};

struct sightings {
  struct sighting *items;
  size_t count;
};

struct reconciler {
  struct docker *docker;
  unsigned grace_ms;
  struct engine_call *call;
  struct timer *timer;
  bool again;
  struct sightings seen; /* in the last list */
  struct sightings list; /* while one is read */
};

static const struct sighting *find(const struct sightings *sightings, struct name name)
{
  for (size_t i = 0; i < sightings->count; i++)
    if (names_equal(sightings->items[i].name, name))
      return &sightings->items[i];
  return 0;
}

static void add(struct sightings *sightings, struct sighting sighting)
{
  sightings->items = xrealloc(sightings->items, (sightings->count + 1) * sizeof *sightings->items);
  sightings->items[sightings->count++] = sighting;
}

static void tell_found(struct docker *docker, struct name name)
{
  answers_add(docker->answers, ANSWER_FOUND, name, LAUNCH_UNKNOWN, 0);
}

/* What this process is busy with is no leftover. */
static void on_container(void *context, struct name name, enum container_state state)
{
  struct reconciler *reconciler = context;
  struct docker *docker = reconciler->docker;
  const struct sighting *before = find(&reconciler->seen, name);
  struct mono now = mono_now();
  struct sighting sighting = {name, before ? before->first : now};
  (void)state;
  add(&reconciler->list, sighting);
  if (now.us >= mono_add_ms(sighting.first, reconciler->grace_ms).us && !known_find(docker, name))
    tell_found(docker, name);
  else
    docker_hint(docker, name);
}

static void on_directory(void *context, struct name name)
{
  struct reconciler *reconciler = context;
  if (!find(&reconciler->seen, name) && !known_find(reconciler->docker, name))
    tell_found(reconciler->docker, name);
}

static void read_list(struct reconciler *reconciler, const json_t *body)
{
  struct docker *docker = reconciler->docker;
  struct error error;
  reconciler->list = (struct sightings){0};
  if (!container_list(body, docker->instance, on_container, reconciler, &error)) {
    log_warning(0, "docker: %s", error.message);
    return;
  }
  free(reconciler->seen.items);
  reconciler->seen = reconciler->list;
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
  free(reconciler->seen.items);
  free(reconciler);
}
