#pragma once

/* What a cluster says of a Job and of its pods, checked: as much of it as is worth anything beside the evidence. Pure. */

#include "backend/kubernetes/object.h"
#include "base/error.h"
#include "base/limits.h"

#include <stdbool.h>

enum { UID_SIZE = 64, RESOURCE_VERSION_SIZE = 64, POD_NAME_SIZE = 254 };

enum pod_state {
  POD_WAITING,  /* the program's container has not begun to run: see `waits_for` */
  POD_RUNNING,  /* it runs, as far as the kubelet has said */
  POD_ENDED,    /* it ran, and has ended */
  POD_UNSTARTED /* it will never run: the pod is over, or the init container failed */
};

/* What keeps a pod that waits, where that is known to be more than a moment. */
enum pod_wait {
  WAITS_NORMALLY,
  WAITS_FOR_NODE,         /* no node takes it */
  WAITS_FOR_IMAGE,        /* the program's image cannot be had */
  WAITS_FOR_KEEPER_IMAGE, /* the keeper's cannot be had */
  WAITS_FOR_CONTAINER,    /* the container cannot be made */
};

struct pod_seen {
  char name[POD_NAME_SIZE], uid[UID_SIZE];
  enum pod_state state;
  enum pod_wait waits_for;
  bool scheduled;         /* a node has it */
  bool deleted;           /* somebody wants it away; our finalizer keeps the object */
  bool node_done;         /* and the kubelet has let go of it, or was passed over */
  bool failed;            /* phase Failed */
  bool killed;            /* the kubelet says that the program's container was killed for memory */
  bool ours_alone;        /* it has our finalizer */
  int exit_code;          /* ENDED */
  char reason[64];        /* of the pod's status or its condition: "Evicted", "NodeLost", "Preempting"; "" */
  char text[REASON_SIZE]; /* in the cluster's words, printable: why it waits, or has ended so; "" */
  char *message;          /* ENDED, UNSTARTED: the container's termination message; or NULL */
};
void pod_seen_release(struct pod_seen *pod);

struct job_seen {
  char uid[UID_SIZE];
  bool deleted;
  bool finalizer; /* ours */
  bool complete, failed;
  char text[REASON_SIZE]; /* why it failed; "" */
};

/* One pod or Job. `ret` is untouched on failure. */
bool pod_inspect(const json_t *pod, struct pod_seen *ret, struct error *error);
bool job_inspect(const json_t *job, struct job_seen *ret, struct error *error);

/*
 * Of an attempt's pods (a PodList), the one that counts: one that ran or runs, before one that never did; the oldest of these.
 * `ret_count` is of all of them. False where the list makes no sense; where it is empty, `ret` is untouched.
 */
bool pods_choose(const json_t *list, struct pod_seen *ret, unsigned *ret_count, struct error *error);

/* What of a pod or Job makes it worth looking: two that differ in nothing that matters have the same number. */
uint64_t pod_fingerprint(const json_t *pod);
uint64_t job_fingerprint(const json_t *job);

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
