#include "backend/kubernetes/seen.h"

#include "base/memory.h"
#include "base/printable.h"
#include "wire/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TERMINATION_BYTES_MAX = 16 * 1024 };

static const json_t *member(const json_t *object, const char *key)
{
  return json_object_get(object, key);
}

static const char *text_at(const json_t *object, const char *key)
{
  return json_string_value(json_object_get(object, key));
}

static bool text_is(const char *text, const char *other)
{
  return text && !strcmp(text, other);
}

/* "Reason: message", or what of it there is. */
static void put_reason(char text[static REASON_SIZE], const char *reason, const char *message)
{
  char both[2 * REASON_SIZE];
  snprintf(both, sizeof both, "%.100s%s%.300s", reason ? reason : "", reason && message ? ": " : "",
           message ? message : "");
  printable_copy(text, REASON_SIZE, both);
}

/* A name or uid as Kubernetes makes them, so that it can stand in a path. */
static bool copy_word(char *to, size_t size, const char *from)
{
  if (!from || !*from || strlen(from) >= size || strspn(from, "abcdefghijklmnopqrstuvwxyz0123456789-.") != strlen(from))
    return false;
  snprintf(to, size, "%s", from);
  return true;
}

void pod_seen_release(struct pod_seen *pod)
{
  free(TAKE_PTR(pod->message));
}

static bool has_finalizer(const json_t *metadata)
{
  const json_t *finalizers = member(metadata, "finalizers");
  for (size_t i = 0; i < json_array_size(finalizers); i++)
    if (text_is(json_string_value(json_array_get(finalizers, i)), OBJECT_FINALIZER))
      return true;
  return false;
}

/* Of the Job that made it and counts it as its own; or NULL. */
static const char *job_uid_of(const json_t *metadata)
{
  const json_t *owners = member(metadata, "ownerReferences");
  for (size_t i = 0; i < json_array_size(owners); i++)
    if (text_is(text_at(json_array_get(owners, i), "kind"), "Job"))
      return text_at(json_array_get(owners, i), "uid");
  return 0;
}

static const json_t *find_condition(const json_t *status, const char *type)
{
  const json_t *conditions = member(status, "conditions");
  for (size_t i = 0; i < json_array_size(conditions); i++)
    if (text_is(text_at(json_array_get(conditions, i), "type"), type))
      return json_array_get(conditions, i);
  return 0;
}

static bool condition_is(const json_t *status, const char *type, const char *value)
{
  return text_is(text_at(find_condition(status, type), "status"), value);
}

/* The state of a container of the pod: {"waiting": …}, {"running": …} or {"terminated": …}. */
static const json_t *container_state(const json_t *status, const char *list, const char *name)
{
  const json_t *containers = member(status, list);
  for (size_t i = 0; i < json_array_size(containers); i++)
    if (text_is(text_at(json_array_get(containers, i), "name"), name))
      return member(json_array_get(containers, i), "state");
  return 0;
}

/* Reasons of a container that waits, beside those that pass by themselves (ContainerCreating, PodInitializing). */
static enum pod_wait wait_of(const char *reason, enum pod_wait image)
{
  static const char *const images[] = {"ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",
                                       "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError"};
  static const char *const containers[] = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
                                           "CrashLoopBackOff"};
  for (size_t i = 0; i < sizeof images / sizeof *images; i++)
    if (text_is(reason, images[i]))
      return image;
  for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
    if (text_is(reason, containers[i]))
      return WAITS_FOR_CONTAINER;
  return WAITS_NORMALLY;
}

static void see_waiting(const json_t *status, const json_t *install, const json_t *program, struct pod_seen *seen)
{
  const json_t *scheduled = find_condition(status, "PodScheduled");
  const json_t *waits[] = {member(install, "waiting"), member(program, "waiting")};
  static const enum pod_wait images[] = {WAITS_FOR_KEEPER_IMAGE, WAITS_FOR_IMAGE};
  if (text_is(text_at(scheduled, "status"), "False")) {
    seen->waits_for = WAITS_FOR_NODE;
    put_reason(seen->text, text_at(scheduled, "reason"), text_at(scheduled, "message"));
    return;
  }
  for (int i = 0; i < 2; i++) {
    seen->waits_for = wait_of(text_at(waits[i], "reason"), images[i]);
    if (seen->waits_for != WAITS_NORMALLY) {
      put_reason(seen->text, text_at(waits[i], "reason"), text_at(waits[i], "message"));
      return;
    }
  }
}

static void see_terminated(const json_t *terminated, struct pod_seen *seen)
{
  const char *message = text_at(terminated, "message");
  seen->exit_code = (int)json_integer_value(member(terminated, "exitCode"));
  seen->killed = text_is(text_at(terminated, "reason"), "OOMKilled");
  seen->message = message ? xstrndup(message, strnlen(message, TERMINATION_BYTES_MAX)) : 0;
}

/* A pod that is over without a word of its containers, as one that was evicted or whose node was lost, may have run. */
static void see_state(const json_t *status, struct pod_seen *seen)
{
  const json_t *install = container_state(status, "initContainerStatuses", CONTAINER_INSTALL);
  const json_t *program = container_state(status, "containerStatuses", CONTAINER_PROGRAM);
  const json_t *installed = member(install, "terminated"), *ended = member(program, "terminated");
  const char *phase = text_at(status, "phase");
  bool over = text_is(phase, "Failed") || text_is(phase, "Succeeded");
  put_reason(seen->text, text_at(status, "reason"), text_at(status, "message"));
  if (ended) {
    seen->state = POD_ENDED;
    see_terminated(ended, seen);
  } else if (member(program, "running") && !over) {
    seen->state = POD_RUNNING;
  } else if (over && (!installed || json_integer_value(member(installed, "exitCode")) != 0)) {
    seen->state = POD_UNSTARTED;
    see_terminated(installed, seen);
  } else if (over) {
    seen->state = POD_ENDED;
  } else {
    seen->state = POD_WAITING;
    see_waiting(status, install, program, seen);
  }
}

bool pod_inspect(const json_t *pod, struct pod_seen *ret, struct error *error)
{
  const json_t *metadata = member(pod, "metadata"), *status = member(pod, "status"), *spec = member(pod, "spec");
  struct pod_seen seen = {
    .scheduled = text_at(spec, "nodeName") != 0,
    .deleted = text_at(metadata, "deletionTimestamp") != 0,
    .failed = text_is(text_at(status, "phase"), "Failed"),
    .ours_alone = has_finalizer(metadata),
    .granted = text_at(member(metadata, "annotations"), ANNOTATION_GRANTED) != 0,
  };
  const json_t *grace = member(metadata, "deletionGracePeriodSeconds");
  seen.node_done = seen.deleted && json_is_integer(grace) && json_integer_value(grace) == 0;
  if (!copy_word(seen.name, sizeof seen.name, text_at(metadata, "name")) ||
      !copy_word(seen.uid, sizeof seen.uid, text_at(metadata, "uid")) || !json_is_object(status))
    return error_set(error, ERROR_INTERNAL, 0, "the cluster's word on a pod makes no sense");
  (void)copy_word(seen.job_uid, sizeof seen.job_uid, job_uid_of(metadata));
  printable_copy(seen.made_at, sizeof seen.made_at, text_at(metadata, "creationTimestamp"));
  printable_copy(seen.reason, sizeof seen.reason, text_at(status, "reason"));
  see_state(status, &seen);
  *ret = seen;
  return true;
}

bool job_inspect(const json_t *job, struct job_seen *ret, struct error *error)
{
  const json_t *metadata = member(job, "metadata"), *status = member(job, "status");
  struct job_seen seen = {
    .deleted = text_at(metadata, "deletionTimestamp") != 0,
    .finalizer = has_finalizer(metadata),
    .complete = condition_is(status, "Complete", "True"),
    .failed = condition_is(status, "Failed", "True"),
  };
  if (!copy_word(seen.uid, sizeof seen.uid, text_at(metadata, "uid")))
    return error_set(error, ERROR_INTERNAL, 0, "the cluster's word on a Job makes no sense");
  const json_t *condition = find_condition(status, "Failed");
  put_reason(seen.text, text_at(condition, "reason"), text_at(condition, "message"));
  *ret = seen;
  return true;
}

bool pods_choose(const json_t *list, const struct kube_memory *memory, struct pod_seen *ret, unsigned *ret_count,
                 struct error *error)
{
  const json_t *items = member(list, "items");
  struct pod_seen chosen = {0}, seen;
  unsigned count = 0;
  if (!json_is_array(items))
    return error_set(error, ERROR_INTERNAL, 0, "the cluster's list of pods is no list");
  for (size_t i = 0; i < json_array_size(items); i++) {
    if (!pod_inspect(json_array_get(items, i), &seen, error)) {
      pod_seen_release(&chosen);
      return false;
    }
    const bool considered = !memory || kube_memory_considers(memory, &seen);
    if (considered && (count == 0 || pod_outweighs(&seen, &chosen))) {
      struct pod_seen other = chosen;
      chosen = seen;
      seen = other;
    }
    count += considered;
    pod_seen_release(&seen);
  }
  *ret_count = count;
  if (count)
    *ret = chosen;
  return true;
}

uint64_t pod_fingerprint(const json_t *pod)
{
  struct pod_seen seen;
  struct {
    unsigned char state, waits_for, flags;
    char text[REASON_SIZE];
  } print;
  memset(&print, 0, sizeof print);
  if (!pod_inspect(pod, &seen, 0))
    return 0;
  print.state = (unsigned char)seen.state;
  print.waits_for = (unsigned char)seen.waits_for;
  print.flags = (unsigned char)(seen.deleted | seen.node_done << 1 | seen.failed << 2);
  snprintf(print.text, sizeof print.text, "%s %s", seen.uid, seen.reason);
  pod_seen_release(&seen);
  return digest_bytes(&print, sizeof print);
}

/* Watching. */

static bool copy_version(const json_t *object, char ret[static RESOURCE_VERSION_SIZE])
{
  return copy_word(ret, RESOURCE_VERSION_SIZE, text_at(member(object, "metadata"), "resourceVersion"));
}

bool list_version(const json_t *list, char ret[static RESOURCE_VERSION_SIZE])
{
  return copy_version(list, ret);
}

void watch_event_read(const json_t *line, struct watch_event *ret)
{
  const char *type = text_at(line, "type");
  const json_t *object = member(line, "object");
  *ret = (struct watch_event){.kind = WATCH_NONSENSE};
  if (!type || !json_is_object(object))
    return;
  if (!strcmp(type, "ERROR")) {
    ret->kind = json_integer_value(member(object, "code")) == 410 ? WATCH_EXPIRED : WATCH_ERROR;
    return;
  }
  if (!copy_version(object, ret->version))
    return;
  if (!strcmp(type, "BOOKMARK")) {
    ret->kind = WATCH_BOOKMARK;
  } else if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED") || !strcmp(type, "DELETED")) {
    ret->kind = WATCH_CHANGED;
    ret->gone = *type == 'D';
    ret->object = object;
  }
}
