/*
 * Removing what is left of an attempt whose verdict is durable: the container first, because it may still run, then its
 * volume, where there is one, and at last the directory; each until it is gone. A few at a time: the engine has launches
 * to do, which are waited for.
 */

#include "backend/backoff.h"
#include "backend/directory.h"
#include "backend/docker/docker_impl.h"
#include "backend/docker/fetch.h"
#include "backend/docker/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  ACTIVE_MIN = 4,       /* as many as may always be under way at a time */
  DELAY_MS_FIRST = 100, /* before it is tried again */
  DELAY_MS_MAX = 8000,
};

struct removal {
  struct known *known;
  bool waits; /* in the queue for its turn */
  struct engine_call *call;
  struct timer *timer;
  unsigned delay_ms;
  struct removal *next; /* that waits */
};

void removal_abandon(struct removal *removal)
{
  if (!removal)
    return;
  timer_destroy(removal->timer);
  engine_call_cancel(removal->call);
  removal->known->removal = 0;
  free(removal);
}

static void put_in_queue(struct removal *removal)
{
  struct removals *removals = &removal->known->docker->removals;
  removal->waits = true;
  removal->next = 0;
  *removals->last = removal;
  removals->last = &removal->next;
}

static struct removal *take_from_queue(struct removals *removals)
{
  struct removal *removal = removals->first;
  removals->first = removal->next;
  if (!removals->first)
    removals->last = &removals->first;
  removal->waits = false;
  return removal;
}

/* It is not done: its turn comes again when some time has passed. */
static void retry_later(struct removal *removal)
{
  struct docker *docker = removal->known->docker;
  docker->removals.active--;
  timer_set(removal->timer, removal->delay_ms);
  removal->delay_ms = backoff_longer(removal->delay_ms, DELAY_MS_MAX);
  removals_resume(docker);
}

static void finish(struct removal *removal)
{
  struct known *known = removal->known;
  struct docker *docker = known->docker;
  docker->removals.active--;
  docker->removals.count--;
  removal_abandon(removal);
  known_forget(known);
  docker_capacity_changed(docker);
  removals_resume(docker);
}

static bool gone(const struct engine_answer *removed)
{
  return removed->outcome == ENGINE_DONE || removed->outcome == ENGINE_ABSENT;
}

/* The directory stays to the end: as long as it is there, the attempt is found and removed by whoever comes after us. */
static void remove_directory(struct removal *removal)
{
  const struct known *known = removal->known;
  if (directory_remove(known->docker->attempts_fd, known->name.text, DIRECTORY_OF_FILES))
    finish(removal);
  else
    retry_later(removal);
}

static void on_volume_removed(void *context, const struct engine_answer *removed)
{
  struct removal *removal = context;
  removal->call = 0;
  (gone(removed) ? remove_directory : retry_later)(removal);
}

static void on_reader_removed(void *context, const struct engine_answer *removed)
{
  struct removal *removal = context;
  const struct known *known = removal->known;
  removal->call = 0;
  if (gone(removed))
    removal->call = engine_remove_volume(known->docker->engine, known->name.text, on_volume_removed, removal);
  else
    retry_later(removal);
}

static void remove_volume(struct removal *removal)
{
  const struct known *known = removal->known;
  char reader[READER_NAME_SIZE];
  reader_name(known->name, reader);
  removal->call = engine_remove_container(known->docker->engine, reader, true, on_reader_removed, removal);
}

static void container_is_gone(struct removal *removal)
{
  (removal->known->docker->volumes_used ? remove_volume : remove_directory)(removal);
}

static void on_removed(void *context, const struct engine_answer *removed)
{
  struct removal *removal = context;
  removal->call = 0;
  (gone(removed) ? container_is_gone : retry_later)(removal);
}

static void remove_container(struct removal *removal)
{
  const struct known *known = removal->known;
  removal->call = engine_remove_container(known->docker->engine, known->name.text, true, on_removed, removal);
}

static void on_inspected(void *context, const struct engine_answer *inspected)
{
  struct removal *removal = context;
  struct known *known = removal->known;
  struct container_seen seen;
  removal->call = 0;
  bool told = inspected->outcome == ENGINE_DONE &&
              container_inspect(inspected->body, known->docker->instance, known->name, &seen, 0);
  known->ours = told && seen.ours;
  if (known->ours)
    remove_container(removal);
  else if (told || inspected->outcome == ENGINE_ABSENT) /* a stranger of the same name is left alone */
    container_is_gone(removal);
  else
    retry_later(removal);
}

static void begin(struct removal *removal)
{
  struct known *known = removal->known;
  struct docker *docker = known->docker;
  docker->removals.active++;
  if (known->ours)
    remove_container(removal);
  else
    removal->call = engine_inspect_container(docker->engine, known->name.text, on_inspected, removal);
}

static unsigned active_max(const struct docker *docker)
{
  return docker->slots / 2 > ACTIVE_MIN ? docker->slots / 2 : ACTIVE_MIN;
}

/* While the engine is away none is tried: each would only make its delay longer. */
void removals_resume(struct docker *docker)
{
  struct removals *removals = &docker->removals;
  while (removals->first && removals->active < active_max(docker) && engine_here(docker->engine))
    begin(take_from_queue(removals));
}

static void on_timer(void *context)
{
  struct removal *removal = context;
  put_in_queue(removal);
  removals_resume(removal->known->docker);
}

/* Its verdict stands: whatever else is done for it counts no more. */
void docker_remove(struct backend *backend, struct name name)
{
  struct docker *docker = (struct docker *)backend;
  struct known *known = known_get(docker, name);
  if (known->removal)
    return;
  launch_abandon(known->launch);
  killing_abandon(known->killing);
  attempt_revoke(docker->attempts_fd, name);
  struct removal *removal = known->removal = xcalloc(1, sizeof *removal);
  removal->known = known;
  removal->delay_ms = DELAY_MS_FIRST;
  removal->timer = timer_make(docker->loop, on_timer, removal);
  docker->removals.count++;
  put_in_queue(removal);
  removals_resume(docker);
}
