/*
 * The Kubernetes backend, theory of operation.
 *
 *   assayd ── kubernetes ── cluster ══ HTTPS ══ API server ── etcd, controllers, scheduler
 *                                                    │
 *                                                 kubelet ── container: assay-keeper (process 1) ── program
 *
 * Each attempt is a Job of one pod, named after the attempt and labelled as this daemon's; Secrets hold its plan and its key. An
 * init container puts keeper and plan into the pod, and the program's container is the keeper's sandbox (wire/pod.h). What
 * the keeper has to say comes out in the container's log, in frames, and the record once more, sealed with the key, in the
 * pod's status. It is copied into the attempt's directory here (log_evidence.h), where it is evidence as any other.
 *
 * Kubernetes is asked to make, delete and show, and is believed where nothing better is to be had, never against the
 * evidence (decide.h). Its errors say nothing. Each call can be repeated: the names see to it that there is one Job; that it
 * starts once, although Kubernetes may make several pods for a Job, is seen to by a grant: one pod has it, durably, for
 * ever, and the init container of any other waits for it. The Secrets are taken away as soon as the program is seen
 * running. A finalizer of ours keeps Job and pod, whoever deletes them, until the verdict is durable.
 *
 * Hints come from two watches (watches.c). Each only makes the core look; what a watch has told of the pod, the look that follows need
 * not ask for again, as long as nothing is ended for it (decide.h).
 *
 * What is kept in memory (struct known) is what is under way, and for how long a failure is not repeated. A daemon that
 * starts again knows nothing, and needs nothing: directories and labels tell all.
 *
 *   STATE/kubernetes/instance    a random name for this state directory, in the labels
 *   STATE/kubernetes/secret      of which the keys of all attempts are derived
 *   STATE/kubernetes/attempts/   a directory for each attempt, made before anything in the cluster
 *
 * While the cluster is away (cluster.h) there are no slots: evaluations wait in the queue instead of failing.
 */

#include "backend/kubernetes/kubernetes_impl.h"

#include "backend/kubernetes/doctor.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
  LAUNCHING_MAX = 32,
  REMOVALS_PER_SLOT = 2,
  UNSCHEDULED_MAX = 8, /* pods that no node takes: no more are made meanwhile */
  CONNECTIONS_SPARE = 32,
  GRACE_MS = 60 * 1000,
  PATIENCE_MS =
    60 * 1000, /* a control plane that is restarted, or has too much to do, is no reason to give up what runs */
};

void kubernetes_hint(struct kubernetes *kubernetes, struct name name)
{
  answers_tell(kubernetes->answers, ANSWER_HINT, name);
}

void kubernetes_capacity_changed(struct kubernetes *kubernetes)
{
  answers_tell(kubernetes->answers, ANSWER_SLOTS, (struct name){0});
}

struct log_evidence *kubernetes_open_log(struct kubernetes *kubernetes, struct name name, struct error *error)
{
  unsigned char key[SEAL_KEY_BYTES];
  seal_key_derive(kubernetes->secret, sizeof kubernetes->secret, name, key);
  struct log_evidence *log = log_evidence_open(kubernetes->attempts_fd, name, key, error);
  explicit_bzero(key, sizeof key);
  return log;
}

/* What is asked of every cluster. The network is cut off by a NetworkPolicy only, of which nothing is known here; and the
 * nodes before Kubernetes 1.22 do not hold a volume in memory to its size. */
static const uint32_t isolation_asked_for = ISOLATION_NAMESPACES | ISOLATION_ROOT | ISOLATION_UID |
                                            ISOLATION_CAPABILITIES | ISOLATION_SECCOMP | ISOLATION_MEMORY |
                                            ISOLATION_PROCESSES | ISOLATION_CPU;

static uint32_t operation_isolation(const struct backend *backend)
{
  const struct kubernetes *kubernetes = (const struct kubernetes *)backend;
  return kubernetes->isolation_found ? kubernetes->isolation_found : isolation_asked_for;
}

static bool strict_enough(const struct kubernetes *kubernetes)
{
  return !kubernetes->strict || isolation_level(operation_isolation(&kubernetes->backend)) == ISOLATION_LEVEL_FULL;
}

/* What is being prepared holds no slot of the core's, and will be a program that runs all the same. */
static bool all_occupied(const struct kubernetes *kubernetes, const struct known *known)
{
  return !(known && known->occupies) && kubernetes->occupied >= kubernetes->slots;
}

bool kubernetes_has_room(const struct kubernetes *kubernetes, const struct known *known, const char **ret_why)
{
  if (!cluster_here(kubernetes->cluster))
    *ret_why = cluster_trouble(kubernetes->cluster);
  else if (!strict_enough(kubernetes))
    *ret_why = "a cluster cannot be known to isolate fully";
  else if (kubernetes->removals.count > REMOVALS_PER_SLOT * kubernetes->slots)
    *ret_why = "Jobs that have ended have to be removed first";
  else if (kubernetes->launching >= LAUNCHING_MAX)
    *ret_why = "other Jobs have to be made first";
  else if (all_occupied(kubernetes, known))
    *ret_why = "other pods have to end first";
  else if (kubernetes->unscheduled >= UNSCHEDULED_MAX)
    *ret_why = "the cluster has no room for other pods";
  else
    return true;
  return false;
}

/* The turn. */

static void settle_slots(struct kubernetes *kubernetes)
{
  const char *why;
  bool room = kubernetes_has_room(kubernetes, 0, &why);
  unsigned capacity = cluster_here(kubernetes->cluster) && strict_enough(kubernetes) ? kubernetes->slots : 0;
  if (capacity == kubernetes->capacity && !(kubernetes->was_refused && room))
    return;
  kubernetes->capacity = capacity;
  kubernetes->was_refused = kubernetes->was_refused && !room;
  kubernetes->backend.events.capacity(kubernetes->backend.events.context, kubernetes->backend.name, capacity);
}

static void deliver(void *context, const struct answer *answer)
{
  struct kubernetes *kubernetes = context;
  const struct backend_events *events = &kubernetes->backend.events;
  switch (answer->kind) {
  case ANSWER_LAUNCHED:
    kubernetes->was_refused = kubernetes->was_refused || answer->result == LAUNCH_BUSY;
    events->launched(events->context, answer->name, answer->result, answer->reason);
    break;
  case ANSWER_OBSERVED:
    kubernetes_look(kubernetes, answer->name);
    break;
  case ANSWER_HINT:
    events->hint(events->context, answer->name);
    break;
  case ANSWER_SLOTS:
    settle_slots(kubernetes);
    break;
  case ANSWER_FOUND:
    events->found(events->context, kubernetes->backend.name, answer->name);
    break;
  }
}

/* The cluster comes and goes. */

static void on_here(void *context)
{
  struct kubernetes *kubernetes = context;
  log_info(0, "kubernetes: version %s is here", cluster_version(kubernetes->cluster));
  if (!strict_enough(kubernetes))
    log_error(0, "kubernetes: a cluster cannot be known to isolate fully, so nothing is run there");
  kubernetes_capacity_changed(kubernetes);
  watches_begin(kubernetes->watches);
  kube_removals_resume(kubernetes);
}

static void on_away(void *context, const char *why)
{
  struct kubernetes *kubernetes = context;
  log_warning(0, "kubernetes: the cluster cannot be reached, so what waits has to wait: %s", why);
  kubernetes_capacity_changed(kubernetes);
}

/* Operations that are not long enough for a file of their own. */

static void operation_observe(struct backend *backend, struct name name)
{
  answers_tell(((struct kubernetes *)backend)->answers, ANSWER_OBSERVED, name);
}

static void operation_list(struct backend *backend)
{
  watches_list(((struct kubernetes *)backend)->watches);
}

/* Nobody copies a log for its own sake: that somebody reads along is what makes the next look follow it. */
static int operation_evidence(struct backend *backend, struct name name)
{
  struct kubernetes *kubernetes = (struct kubernetes *)backend;
  struct known *known = kube_known_get(kubernetes, name);
  if (!known->read_along)
    kubernetes_hint(kubernetes, name);
  known->read_along = true;
  return evidence_open(kubernetes->attempts_fd, name);
}

static void operation_doctor(const struct backend *backend, struct doctor_report *ret)
{
  static_assert(+KUBERNETES_CHECK_COUNT <= +DOCTOR_CHECKS_MAX, "every check finds its place in the report");
  const struct kubernetes *kubernetes = (const struct kubernetes *)backend;
  kubernetes_doctor(&(struct kubernetes_subject){.config = &kubernetes->kubeconfig,
                                                 .namespace_ = kubernetes->namespace_,
                                                 .version = cluster_version(kubernetes->cluster),
                                                 .trouble = cluster_here(kubernetes->cluster)
                                                              ? 0
                                                              : cluster_trouble(kubernetes->cluster),
                                                 .keeper_image = kubernetes->settings.keeper_image,
                                                 .isolation = operation_isolation(backend),
                                                 .isolation_is_found = kubernetes->isolation_found != 0},
                    ret->checks);
  ret->count = KUBERNETES_CHECK_COUNT;
}

static void operation_destroy(struct backend *backend);

static const struct backend_operations operations = {
  .launch = kubernetes_launch,
  .observe = operation_observe,
  .kill = kubernetes_kill,
  .remove = kubernetes_remove,
  .list = operation_list,
  .evidence = operation_evidence,
  .isolation = operation_isolation,
  .doctor = operation_doctor,
  .destroy = operation_destroy,
};

/* The state directory's kubernetes/. */

static bool find_secret(struct kubernetes *kubernetes, struct error *error)
{
  CLEANUP_BLOB struct blob *secret = file_read(kubernetes->kubernetes_fd, "secret", SEAL_KEY_BYTES, 0);
  if (secret && secret->size == SEAL_KEY_BYTES) {
    memcpy(kubernetes->secret, secret->data, SEAL_KEY_BYTES);
    return true;
  }
  if (getrandom(kubernetes->secret, SEAL_KEY_BYTES, 0) != SEAL_KEY_BYTES)
    return error_errno(error, "cannot make a secret");
  return replace_state_file(kubernetes->kubernetes_fd, "secret", 0600, kubernetes->secret, SEAL_KEY_BYTES, error);
}

static bool open_state(struct kubernetes *kubernetes, const struct kubernetes_config *config, struct error *error)
{
  CLEANUP_FREE char *path = xasprintf("%s/kubernetes", config->state_dir);
  if (!make_state_directory(path, error) || !make_state_directory(kubernetes->attempts_path, error))
    return false;
  kubernetes->kubernetes_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  kubernetes->attempts_fd = open(kubernetes->attempts_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (kubernetes->kubernetes_fd < 0 || kubernetes->attempts_fd < 0)
    return error_errno(error, "cannot open %s", path);
  return find_instance(kubernetes->kubernetes_fd, kubernetes->instance, error) && find_secret(kubernetes, error);
}

/* Making it. */

static struct kubernetes *allocate(uv_loop_t *loop, const struct kubernetes_config *config,
                                   const struct backend_events *events)
{
  struct kubernetes *kubernetes = xcalloc(1, sizeof *kubernetes);
  kubernetes->backend =
    (struct backend){.name = "kubernetes", .patience_ms = PATIENCE_MS, .operations = &operations, .events = *events};
  kubernetes->loop = loop;
  kubernetes->slots = config->slots;
  kubernetes->strict = config->strict;
  kubernetes->pull_ms_max = config->pull_ms_max;
  kubernetes->schedule_ms_max = config->schedule_ms_max;
  kubernetes->settings = (struct object_settings){
    .instance = kubernetes->instance,
    .keeper_image = config->keeper_image,
    .keeper_image_pull = config->keeper_image_pull,
    .image_pull = config->image_pull,
    .cpus_milli = config->cpus_milli,
    .runtime_class = config->runtime_class,
    .priority_class = config->priority_class,
    .service_account = config->service_account,
    .pull_secrets = config->pull_secrets,
    .node_selector = config->node_selector,
    .tolerations = config->tolerations,
  };
  kubernetes->attempts_path = xasprintf("%s/kubernetes/attempts", config->state_dir);
  kubernetes->kubernetes_fd = kubernetes->attempts_fd = -1;
  kubernetes->removals.last = &kubernetes->removals.first;
  kubernetes->answers = answers_create(loop, deliver, kubernetes);
  kubernetes->watches = watches_create(kubernetes, config->grace_ms ? config->grace_ms : GRACE_MS);
  return kubernetes;
}

static bool find_cluster(struct kubernetes *kubernetes, const struct kubernetes_config *config, struct error *error)
{
  if (!kubeconfig_find(&kubeconfig_real_world, config->kubeconfig, config->context, &kubernetes->kubeconfig, error))
    return false;
  kubernetes->namespace_ = xstrdup(config->namespace_ ? config->namespace_ : kubernetes->kubeconfig.namespace_);
  kubernetes->cluster =
    cluster_create(kubernetes->loop, &kubernetes->kubeconfig, config->slots + CONNECTIONS_SPARE, config->calls_per_s,
                   &(struct cluster_events){kubernetes, on_here, on_away}, error);
  return kubernetes->cluster != 0;
}

struct backend *kubernetes_create(uv_loop_t *loop, const struct kubernetes_config *config,
                                  const struct backend_events *events, struct error *error)
{
  ASSERT(config->slots >= 1 && config->state_dir[0] == '/' && config->keeper_image);
  struct kubernetes *kubernetes = allocate(loop, config, events);
  if (!open_state(kubernetes, config, error) || !find_cluster(kubernetes, config, error)) {
    operation_destroy(&kubernetes->backend);
    return 0;
  }
  return &kubernetes->backend;
}

/* Ending it. */

static void abandon_all(struct kubernetes *kubernetes)
{
  for (struct known *known; (known = kubernetes->known);) {
    kube_launch_abandon(known->launch);
    kube_look_abandon(known->look);
    kube_killing_abandon(known->killing);
    kube_removal_abandon(known->removal);
    kube_known_forget(known);
  }
}

static void operation_destroy(struct backend *backend)
{
  struct kubernetes *kubernetes = (struct kubernetes *)backend;
  abandon_all(kubernetes);
  watches_destroy(kubernetes->watches);
  cluster_destroy(kubernetes->cluster);
  answers_destroy(kubernetes->answers);
  kubeconfig_release(&kubernetes->kubeconfig);
  explicit_bzero(kubernetes->secret, sizeof kubernetes->secret);
  fd_close(kubernetes->kubernetes_fd);
  fd_close(kubernetes->attempts_fd);
  free(kubernetes->namespace_);
  free(kubernetes->attempts_path);
  free(kubernetes);
}
