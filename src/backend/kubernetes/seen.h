#pragma once

/* What a cluster says of a Job and of its pods, checked: as much of it as is worth anything beside the evidence
 * (decide.h). Pure. */

#include "backend/kubernetes/decide.h"
#include "backend/kubernetes/object.h"
#include "base/error.h"
#include "base/limits.h"

#include <stdbool.h>

enum { RESOURCE_VERSION_SIZE = 64 };

void pod_seen_release(struct pod_seen *pod);

/* One pod or Job. `ret` is untouched on failure. */
bool pod_inspect(const json_t *pod, struct pod_seen *ret, struct error *error);
bool job_inspect(const json_t *job, struct job_seen *ret, struct error *error);

/*
 * Of an attempt's pods (a PodList), the one that counts: of those that `memory` considers (NULL: all), the weightiest
 * (pod_outweighs()).
 * `ret_count` is of those too. False where the list makes no sense; where it is empty, `ret` is untouched.
 */
bool pods_choose(const json_t *list, const struct kube_memory *memory, struct pod_seen *ret, unsigned *ret_count,
                 struct error *error);

/* What of a pod makes it worth looking: two that differ in nothing that matters have the same number. */
uint64_t pod_fingerprint(const json_t *pod);

/* One line of a watch stream. */
enum watch_kind {
  WATCH_CHANGED, /* ADDED, MODIFIED, DELETED */
  WATCH_BOOKMARK,
  WATCH_EXPIRED, /* ERROR with 410: list anew */
  WATCH_ERROR,   /* another ERROR */
  WATCH_NONSENSE,
};
struct watch_event {
  enum watch_kind kind;
  const json_t *object;                /* CHANGED; borrowed from the line's JSON */
  bool gone;                           /* DELETED */
  char version[RESOURCE_VERSION_SIZE]; /* CHANGED, BOOKMARK; "" */
};
void watch_event_read(const json_t *line, struct watch_event *ret);
/* Of a list. False where it has none. */
bool list_version(const json_t *list, char ret[static RESOURCE_VERSION_SIZE]);
