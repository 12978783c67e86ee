/*
 * Launching: the attempt's directory with the plan, the image, the container, its start. Each step finds what an earlier
 * try, or an earlier daemon, has done already, and goes on from there; that it starts once is the start marker's affair.
 *
 * A try that fails is remembered with its reason, and the next one is put off, longer each time: the core asks again as
 * long as there is neither a start marker nor a container that lives, until its own deadline.
 */

#include "backend/docker/archive.h"
#include "backend/docker/container.h"
#include "backend/docker/docker_impl.h"
#include "backend/docker/fetch.h"
#include "backend/docker/images.h"
#include "backend/docker/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond all deadlines that the core has for it: whoever cleans up by the label alone takes nothing that is alive. */
enum { DEADLINE_MARGIN_MS = 3600 * 1000 };

struct launch {
  struct known *known;
  struct blob *plan_bytes;
  struct plan plan;        /* decoded: points into `plan_bytes` */
  struct timer *delay;     /* after a failed try */
  struct image_want *want; /* each NULL while there is none */
  struct engine_call *call;
  bool counted;           /* among docker->launching */
  bool image_was_missing; /* once, when the container was to be made */
  bool in_volume;         /* the container that is made */
};

/* Ending. */

/* The engine is done with it; somebody may have been told to wait for that. */
static void make_room(struct launch *launch)
{
  struct docker *docker = launch->known->docker;
  if (!launch->counted)
    return;
  docker->launching--;
  if (docker->was_refused)
    docker_capacity_changed(docker);
}

void launch_abandon(struct launch *launch)
{
  if (!launch)
    return;
  make_room(launch);
  timer_destroy(launch->delay);
  image_want_cancel(launch->want);
  engine_call_cancel(launch->call);
  plan_release(&launch->plan);
  blob_unref(launch->plan_bytes);
  launch->known->launch = 0;
  free(launch);
}

static void answer(struct launch *launch, enum launch_result result, const char *reason)
{
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  if (result == LAUNCH_BUSY)
    docker->was_refused = true;
  answers_tell_launched(docker->answers, known->name, result, reason);
  launch_abandon(launch);
  known_let_go(known);
}

static void fail(struct launch *launch, const char *what, const char *why)
{
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "%s: %.180s", what, why);
  known_failed(launch->known, reason);
  answer(launch, LAUNCH_UNKNOWN, reason);
}

/* The start. */

static void on_unstartable_removed(void *context, const struct engine_answer *removed)
{
  struct launch *launch = context;
  (void)removed; /* what is left of it is found again */
  launch->call = 0;
  answer(launch, LAUNCH_UNKNOWN, launch->known->reason);
}

/* Docker could not start it, or says so. Whatever it has left goes, unless the program was started all the same; without
 * force, so that one that runs after all stays. */
static void start_failed(struct launch *launch, const char *why)
{
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "Docker cannot start its container: %.180s", why);
  known_failed(known, reason);
  if (evidence_started(docker->attempts_fd, known->name) == 0)
    launch->call = engine_remove_container(docker->engine, known->name.text, false, on_unstartable_removed, launch);
  else
    answer(launch, LAUNCH_UNKNOWN, reason);
}

static void on_started(void *context, const struct engine_answer *started)
{
  struct launch *launch = context;
  launch->call = 0;
  switch (started->outcome) {
  case ENGINE_DONE:
    answer(launch, LAUNCH_ACCEPTED, 0);
    break;
  case ENGINE_NOT_SENT:
    answer(launch, LAUNCH_BUSY, started->message);
    break;
  case ENGINE_UNKNOWN: /* it may run: whoever wants to know looks */
    answer(launch, LAUNCH_UNKNOWN, started->message);
    break;
  case ENGINE_ABSENT: /* somebody has removed it */
    fail(launch, "its container vanished before it was started", started->message);
    break;
  case ENGINE_CONFLICT:
  case ENGINE_REFUSED:
  case ENGINE_FAILED:
    start_failed(launch, started->message);
    break;
  }
}

static void start(struct launch *launch)
{
  struct known *known = launch->known;
  launch->call = engine_start_container(known->docker->engine, known->name.text, on_started, launch);
}

/* What an engine that does not see our files needs: the keeper and the plan. */

static void on_put(void *context, const struct engine_answer *put)
{
  struct launch *launch = context;
  launch->call = 0;
  if (put->outcome == ENGINE_DONE)
    start(launch);
  else if (put->outcome == ENGINE_NOT_SENT)
    answer(launch, LAUNCH_BUSY, put->message);
  else
    fail(launch, "the plan cannot be put into its container", put->message);
}

/* Also into a container that was found: an earlier try may have come no further than making it. */
static void equip(struct launch *launch)
{
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  struct error error;
  CLEANUP_BLOB struct blob *archive = archive_make(docker->keeper, launch->plan_bytes, &error);
  if (archive)
    launch->call = engine_put_archive(docker->engine, known->name.text, VOLUME_PATH, archive, on_put, launch);
  else
    answer(launch, LAUNCH_BUSY, error.message);
}

/* The container. */

static void want_image(struct launch *launch);

/* The name was taken. */
static void on_inspected(void *context, const struct engine_answer *inspected)
{
  struct launch *launch = context;
  struct known *known = launch->known;
  launch->call = 0;
  struct container_seen seen;
  struct error error;
  if (inspected->outcome == ENGINE_NOT_SENT)
    answer(launch, LAUNCH_BUSY, inspected->message);
  else if (inspected->outcome == ENGINE_ABSENT)
    fail(launch, "Docker cannot make its container", "its name is taken, and nobody has it");
  else if (inspected->outcome != ENGINE_DONE)
    fail(launch, "Docker does not say who has its name", inspected->message);
  else if (!container_inspect(inspected->body, known->docker->instance, known->name, &seen, &error))
    fail(launch, "Docker's word on its container makes no sense", error.message);
  else if (!(known->ours = seen.ours))
    fail(launch, "its name is taken", "a container that is not ours has it");
  else if (seen.state == CONTAINER_CREATED)
    (seen.in_volume ? equip : start)(launch);
  else if (seen.state == CONTAINER_RUNNING)
    answer(launch, LAUNCH_ACCEPTED, 0);
  else /* a look tells what became of it */
    answer(launch, LAUNCH_UNKNOWN, "it has ended already");
}

static void on_created(void *context, const struct engine_answer *created)
{
  struct launch *launch = context;
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  launch->call = 0;
  switch (created->outcome) {
  case ENGINE_DONE:
    known->ours = true;
    (launch->in_volume ? equip : start)(launch);
    break;
  case ENGINE_CONFLICT:
    launch->call = engine_inspect_container(docker->engine, known->name.text, on_inspected, launch);
    break;
  case ENGINE_ABSENT: /* the image, which was there a moment ago */
    if (launch->image_was_missing) {
      fail(launch, "Docker cannot make its container", created->message);
      break;
    }
    launch->image_was_missing = true;
    images_missing(docker->images, launch->plan.image);
    want_image(launch);
    break;
  case ENGINE_NOT_SENT:
    answer(launch, LAUNCH_BUSY, created->message);
    break;
  case ENGINE_UNKNOWN:
    answer(launch, LAUNCH_UNKNOWN, created->message);
    break;
  case ENGINE_REFUSED:
  case ENGINE_FAILED:
    fail(launch, "Docker cannot make its container", created->message);
    break;
  }
}

static struct wall deadline_of(const struct plan *plan)
{
  uint64_t ms =
    STARTING_MS_MAX + 2 * plan->limits.wall_time_ms + RUNNING_GRACE_MS + SEALING_MS_MAX + DEADLINE_MARGIN_MS;
  return (struct wall){wall_now().ms + (int64_t)ms};
}

static struct blob *encode_container(const struct launch *launch, const struct image_answer *image, struct error *error)
{
  struct docker *docker = launch->known->docker;
  CLEANUP_FREE char *attempt_path = xasprintf("%s/%s", docker->attempts_path, launch->known->name.text);
  CLEANUP_BUFFER struct buffer body = {0};
  struct container_settings settings = {
    .image = image->canonical,
    .instance = docker->instance,
    .deadline = deadline_of(&launch->plan),
    .facts = engine_facts(docker->engine),
    .keeper_path = launch->in_volume ? 0 : docker->keeper_path,
    .attempt_path = launch->in_volume ? 0 : attempt_path,
    .volume = launch->in_volume ? launch->known->name.text : 0,
    .cpus_milli = docker->cpus_milli,
    .image_volumes = image->volumes,
  };
  if (!container_encode(&launch->plan, launch->known->name, &settings, &body, error))
    return 0;
  return blob_create(body.data, body.size);
}

static void create(struct launch *launch, const struct image_answer *image)
{
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  struct error error;
  launch->in_volume = docker->remote;
  CLEANUP_BLOB struct blob *body = encode_container(launch, image, &error);
  if (!body) {
    answer(launch, LAUNCH_REFUSED, error.message);
    return;
  }
  bool made = attempt_make(docker->attempts_fd, known->name, launch->plan_bytes, &error) &&
              (!launch->in_volume || docker_use_volumes(docker, &error));
  if (!made) {
    answer(launch, LAUNCH_BUSY, error.message);
    return;
  }
  known_watch(known); /* before it can start */
  launch->call = engine_create_container(docker->engine, known->name.text, body, on_created, launch);
}

static void on_image(void *context, const struct image_answer *image)
{
  struct launch *launch = context;
  launch->want = 0;
  switch (image->result) {
  case IMAGE_HERE:
    create(launch, image);
    break;
  case IMAGE_COMING:
    answer(launch, LAUNCH_PREPARING, 0);
    break;
  case IMAGE_REFUSED:
    answer(launch, LAUNCH_REFUSED, image->message);
    break;
  case IMAGE_NOT_SENT:
    answer(launch, LAUNCH_BUSY, image->message);
    break;
  case IMAGE_UNKNOWN:
    fail(launch, "Docker does not say whether it has the image", image->message);
    break;
  }
}

/* What is asked for may be answered from inside, and then the launch is gone already. */
static void want_image(struct launch *launch)
{
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  struct image_want *want = images_want(docker->images, launch->plan.image, known->name, on_image, launch);
  if (want)
    launch->want = want;
}

/* Beginning. */

static void take(struct launch *launch)
{
  launch->counted = true;
  launch->known->docker->launching++;
  want_image(launch);
}

static void begin(void *context)
{
  struct launch *launch = context;
  struct known *known = launch->known;
  struct docker *docker = known->docker;
  const char *why;
  int started = evidence_started(docker->attempts_fd, known->name);
  if (started < 0)
    answer(launch, LAUNCH_UNKNOWN, strerror(-started));
  else if (started)
    answer(launch, LAUNCH_ACCEPTED, 0);
  else if (!docker_has_room(docker, &why))
    answer(launch, LAUNCH_BUSY, why);
  else
    take(launch);
}

void launch_give_up(struct launch *launch)
{
  if (launch && timer_pending(launch->delay))
    answer(launch, LAUNCH_UNKNOWN, launch->known->reason);
}

void docker_launch(struct backend *backend, struct name name, struct blob *plan)
{
  struct docker *docker = (struct docker *)backend;
  struct known *known = known_get(docker, name);
  if (known->launch)
    return; /* its answer is the answer to both */
  struct launch *launch = known->launch = xcalloc(1, sizeof *launch);
  launch->known = known;
  launch->plan_bytes = blob_ref(plan);
  launch->delay = timer_make(docker->loop, begin, launch);
  struct error error;
  if (!plan_decode_for_container(plan->data, plan->size, &launch->plan, &error)) {
    answer(launch, LAUNCH_REFUSED, error.message);
    return;
  }
  struct mono now = mono_now();
  if (known->not_before.us > now.us)
    timer_set(launch->delay, (known->not_before.us - now.us) / 1000 + 1);
  else
    begin(launch);
}
