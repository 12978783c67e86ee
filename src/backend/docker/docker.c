/*
 * The Docker backend, theory of operation.
 *
 *   assayd ── docker ── engine ══ Unix socket or TCP ══ dockerd ── containerd ── shim
 *                │                                                                │
 *                └─ STATE/docker/attempts/<name>/{plan, control, start, stdout, …, exit} ── assay-keeper ── program
 *
 * Each attempt is one container, named as the attempt and labelled as this daemon's. Its first process is the keeper,
 * mounted into it, and the container is the keeper's sandbox. The attempt's directory is mounted too: the keeper reads
 * the plan there and leaves the evidence, so that neither the output nor the way in which it ended ever passes through
 * Docker, and both outlive the container, dockerd and assayd. A socket in the same directory tells, without Docker,
 * whether the keeper lives (attempt.c).
 *
 * Docker is asked to make, start, kill and remove, and is believed where nothing better is to be had, never against the
 * evidence (decide.h). Its errors say nothing. Each call can be repeated: the container's name sees to it that there is
 * one, and the keeper's start marker, made with O_EXCL, that the program is started once, whatever Docker does with the
 * container.
 *
 * Hints come from the attempt's directory (inotify: `start` made, `exit` moved there), from Docker's events (events.c),
 * and from a list of all our containers (reconcile.c). Each only makes the core look.
 *
 * What is kept in memory (struct known) is what is under way, and for how long a failure is not repeated. A daemon that
 * starts again knows nothing, and needs nothing: directories, sockets and labels tell all.
 *
 *   STATE/docker/instance    a random name for this state directory, in the labels; so that daemons on different hosts
 *                            that share an engine never take each other's containers for their own
 *   STATE/docker/keeper      a copy of assay-keeper, to be mounted: an upgrade replaces it, and what runs keeps the old
 *   STATE/docker/attempts/   a directory for each attempt
 *   STATE/docker/volumes-used
 *                            made with the first volume: attempts whose evidence lies there may be open, whatever the
 *                            present configuration says
 *
 * While the engine is away (engine.h) there are no slots: evaluations wait in the queue instead of failing.
 */

#include "backend/docker/container.h"
#include "backend/docker/docker_impl.h"
#include "backend/docker/doctor.h"
#include "backend/docker/images.h"
#include "backend/docker/reconcile.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAUNCHES_SPARE = 4, LAUNCHES_PER_CPU = 2, REMOVALS_PER_SLOT = 2, CONNECTIONS_SPARE = 32, GRACE_MS = 60 * 1000 };
#define KEEPER_BYTES_MAX MIB(64)

void docker_hint(struct docker *docker, struct name name)
{
  answers_tell(docker->answers, ANSWER_HINT, name);
}

void docker_capacity_changed(struct docker *docker)
{
  answers_tell(docker->answers, ANSWER_SLOTS, (struct name){0});
}

static uint32_t operation_isolation(const struct backend *backend)
{
  return engine_isolation(engine_facts(((const struct docker *)backend)->engine));
}

static bool strict_enough(const struct docker *docker)
{
  return !docker->strict || isolation_level(operation_isolation(&docker->backend)) == ISOLATION_LEVEL_FULL;
}

/*
 * So many containers may be started at once. An engine that is given more starts none of them sooner: their times add up, and
 * when it is short of processors those at the end would be overdue before it has begun with them.
 */
static unsigned launching_max(const struct docker *docker)
{
  return LAUNCHES_SPARE + LAUNCHES_PER_CPU * engine_facts(docker->engine)->cpus;
}

bool docker_has_room(const struct docker *docker, const char **ret_why)
{
  if (!engine_here(docker->engine))
    *ret_why = engine_trouble(docker->engine);
  else if (!strict_enough(docker))
    *ret_why = "this engine cannot isolate fully";
  else if (docker->removals.count > REMOVALS_PER_SLOT * docker->slots)
    *ret_why = "containers that have ended have to be removed first";
  else if (docker->launching >= launching_max(docker))
    *ret_why = "other containers have to be started first";
  else
    return true;
  return false;
}

/* The turn. */

static void settle_slots(struct docker *docker)
{
  const char *why;
  bool room = docker_has_room(docker, &why);
  unsigned capacity = engine_here(docker->engine) && strict_enough(docker) ? docker->slots : 0;
  if (capacity == docker->capacity && !(docker->was_refused && room))
    return;
  docker->capacity = capacity;
  docker->was_refused = docker->was_refused && !room;
  docker->backend.events.capacity(docker->backend.events.context, docker->backend.name, capacity);
}

static void deliver(void *context, const struct answer *answer)
{
  struct docker *docker = context;
  const struct backend_events *events = &docker->backend.events;
  switch (answer->kind) {
  case ANSWER_LAUNCHED:
    docker->was_refused = docker->was_refused || answer->result == LAUNCH_BUSY;
    events->launched(events->context, answer->name, answer->result, answer->reason);
    break;
  case ANSWER_OBSERVED:
    docker_look(docker, answer->name);
    break;
  case ANSWER_HINT:
    events->hint(events->context, answer->name);
    break;
  case ANSWER_SLOTS:
    settle_slots(docker);
    break;
  case ANSWER_FOUND:
    events->found(events->context, docker->backend.name, answer->name);
    break;
  }
}

/* The engine comes and goes. */

/* Whether what is launched from now on has a volume. A container's root that is somebody else outside may not write to a
 * directory of ours. */
static bool is_remote(const struct docker *docker)
{
  const struct engine_facts *facts = engine_facts(docker->engine);
  bool others = facts->rootless ? docker->privileged : facts->user_namespace;
  bool seen = docker->endpoint.http.unix_path && !others;
  return docker->evidence == DOCKER_EVIDENCE_VOLUME || (docker->evidence == DOCKER_EVIDENCE_AUTO && !seen);
}

static void on_here(void *context)
{
  struct docker *docker = context;
  docker->remote = is_remote(docker);
  log_info(0, "docker: version %s is here", engine_facts(docker->engine)->version);
  if (!strict_enough(docker))
    log_error(0, "docker: this engine cannot isolate fully, so nothing is run there");
  docker_capacity_changed(docker);
  event_watch_begin(docker->event_watch);
  removals_resume(docker);
}

static void on_away(void *context, const char *why)
{
  struct docker *docker = context;
  log_warning(0, "docker: the engine cannot be reached, so what waits has to wait: %s", why);
  docker_capacity_changed(docker);
}

static void on_image_hint(void *context, struct name name)
{
  docker_hint(context, name);
}

/* Operations that are not long enough for a file of their own. */

static void operation_observe(struct backend *backend, struct name name)
{
  answers_tell(((struct docker *)backend)->answers, ANSWER_OBSERVED, name);
}

static void operation_list(struct backend *backend)
{
  reconcile(((struct docker *)backend)->reconciler);
}

static void operation_doctor(const struct backend *backend, struct doctor_report *ret)
{
  static_assert(+DOCKER_CHECK_COUNT <= +DOCTOR_CHECKS_MAX, "every check finds its place in the report");
  const struct docker *docker = (const struct docker *)backend;
  bool here = engine_here(docker->engine);
  struct docker_subject subject = {
    .endpoint = &docker->endpoint,
    .facts = here ? engine_facts(docker->engine) : 0,
    .failure = here ? 0 : engine_trouble(docker->engine),
    .bind = !docker->remote,
    .privileged = docker->privileged,
  };
  docker_doctor(&subject, ret->checks);
  ret->count = DOCKER_CHECK_COUNT;
}

static void operation_destroy(struct backend *backend);

/* What is fetched from a volume comes file by file, and is not in order before all of it is there. */
static int operation_evidence(struct backend *backend, struct name name)
{
  const struct docker *docker = (const struct docker *)backend;
  return docker->remote || docker->volumes_used ? -1 : evidence_open(docker->attempts_fd, name);
}

static const struct backend_operations operations = {
  .launch = docker_launch,
  .observe = operation_observe,
  .kill = docker_kill,
  .remove = docker_remove,
  .list = operation_list,
  .evidence = operation_evidence,
  .isolation = operation_isolation,
  .doctor = operation_doctor,
  .destroy = operation_destroy,
};

/* The state directory's docker/. */

bool docker_use_volumes(struct docker *docker, struct error *error)
{
  docker->volumes_used =
    docker->volumes_used || replace_state_file(docker->docker_fd, "volumes-used", 0600, "", 0, error);
  return docker->volumes_used;
}

/* Replaced only where it differs, so that a restart does not touch what is mounted everywhere. */
static bool copy_keeper(struct docker *docker, const struct docker_config *config, struct error *error)
{
  int directory = docker->docker_fd;
  CLEANUP_BLOB struct blob *keeper = file_read(AT_FDCWD, config->keeper_path, KEEPER_BYTES_MAX, error);
  if (!keeper)
    return error_wrap(error, "assay-keeper");
  CLEANUP_BLOB struct blob *copy = file_read(directory, "keeper", KEEPER_BYTES_MAX, 0);
  docker->keeper = blob_ref(keeper);
  bool same = copy && copy->size == keeper->size && !memcmp(copy->data, keeper->data, copy->size);
  return same || replace_state_file(directory, "keeper", 0755, keeper->data, keeper->size, error);
}

static bool open_state(struct docker *docker, const struct docker_config *config, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/docker", config->state_dir);
  if (!make_state_directory(path, error) || !make_state_directory(docker->attempts_path, error))
    return false;
  docker->docker_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  docker->attempts_fd = open(docker->attempts_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (docker->docker_fd < 0 || docker->attempts_fd < 0)
    return error_errno(error, "cannot open %s", path);
  if (!find_instance(docker->docker_fd, docker->instance, error) || !copy_keeper(docker, config, error))
    return false;
  docker->volumes_used = faccessat(docker->docker_fd, "volumes-used", F_OK, 0) == 0;
  snprintf(docker->label, sizeof docker->label, LABEL_INSTANCE "=%s", docker->instance);
  return true;
}

/* Making it. */

static struct docker *allocate(uv_loop_t *loop, const struct docker_config *config, const struct backend_events *events)
{
  struct docker *docker = xcalloc(1, sizeof *docker);
  docker->backend = (struct backend){.name = "docker", .operations = &operations, .events = *events};
  docker->loop = loop;
  docker->slots = config->slots;
  docker->evidence = config->evidence;
  docker->strict = config->strict;
  docker->cpus_milli = config->cpus_milli;
  docker->privileged = geteuid() == 0;
  docker->keeper_path = xasprintf("%s/docker/keeper", config->state_dir);
  docker->attempts_path = xasprintf("%s/docker/attempts", config->state_dir);
  docker->docker_fd = docker->attempts_fd = -1;
  docker->removals.last = &docker->removals.first;
  docker->answers = answers_create(loop, deliver, docker);
  docker->directory_watch = directory_watch_create(docker);
  docker->event_watch = event_watch_create(docker);
  docker->reconciler = reconciler_create(docker, config->grace_ms ? config->grace_ms : GRACE_MS);
  return docker;
}

static bool meet_engine(struct docker *docker, const struct docker_config *config, struct error *error)
{
  if (!endpoint_find(&endpoint_real_world, config->host, config->tls_dir, &docker->endpoint, error))
    return false;
  docker->endpoint.http.connections_max = 2 * config->slots + CONNECTIONS_SPARE;
  docker->engine =
    engine_create(docker->loop, &docker->endpoint.http, &(struct engine_events){docker, on_here, on_away}, error);
  if (!docker->engine)
    return false;
  docker->images = images_create(docker->engine, &(struct images_config){
                                                   .pull = config->pull == DOCKER_PULL_MISSING,
                                                   .pull_ms_max = config->pull_ms_max,
                                                   .context = docker,
                                                   .hint = on_image_hint,
                                                 });
  return true;
}

struct backend *docker_create(uv_loop_t *loop, const struct docker_config *config, const struct backend_events *events,
                              struct error *error)
{
  ASSERT(config->slots >= 1 && config->state_dir[0] == '/');
  struct docker *docker = allocate(loop, config, events);
  if (!open_state(docker, config, error) || !meet_engine(docker, config, error)) {
    operation_destroy(&docker->backend);
    return 0;
  }
  return &docker->backend;
}

/* Ending it. */

static void abandon_all(struct docker *docker)
{
  for (struct known *known; (known = docker->known);) {
    launch_abandon(known->launch);
    look_abandon(known->look);
    killing_abandon(known->killing);
    removal_abandon(known->removal);
    known_forget(known);
  }
}

static void operation_destroy(struct backend *backend)
{
  struct docker *docker = (struct docker *)backend;
  abandon_all(docker);
  event_watch_destroy(docker->event_watch);
  reconciler_destroy(docker->reconciler);
  images_destroy(docker->images);
  engine_destroy(docker->engine);
  endpoint_release(&docker->endpoint);
  directory_watch_destroy(docker->directory_watch);
  answers_destroy(docker->answers);
  fd_close(docker->attempts_fd);
  fd_close(docker->docker_fd);
  blob_unref(docker->keeper);
  free(docker->keeper_path);
  free(docker->attempts_path);
  free(docker);
}
