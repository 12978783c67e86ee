#pragma once

/*
 * How an attempt stands, by what Kubernetes says of it and what is known here. Pure: no call, no clock, no file, so that
 * it is one table, and so that the simulator lies to it (tests/sim).
 *
 * A look asks for one thing after another (observe.c), and decides after each: on what to ask for next, or on how it
 * stands.
 *
 *   record                                  it has ended: nobody is asked
 *   pod   waits, and is not granted yet     it is: of the pods that Kubernetes may make for a Job, one starts the program
 *         runs                              it runs
 *         ended                             its log is read; dead, with or without a record
 *         runs, and is deleted by force     the same, where its node says nothing more for a minute
 *         waits                             pending; for too long: withdrawn, and then absent (the request's fault,
 *                                           which the next launch says) or dead (the platform's)
 *         unstarted, or deleted in time     dead: nothing was started
 *   no pod   Job                            pending: Kubernetes is about to make one; or not, as with one that waits
 *            Job failed or deleted          dead, if there is still no pod: it may have come behind the list
 *            no Job                         absent: no pod was granted, and it may be launched; or dead: one may have run
 *   anything else                           unknown
 *
 * A pod that a watch has told of need not be asked for, as long as nothing is ended on its word alone.
 *
 * Only the pod tells that its container has ended. A Job's conditions may come before that (FailureTarget and
 * SuccessCriteriaMet do), and after its pod is gone. The log is not believed but for its frames, and the record not
 * without its seal.
 */

#include "base/clock.h"
#include "base/limits.h"
#include "core/verdict.h"

#include <stdbool.h>

/* What a cluster says of a pod and of a Job (seen.h): as much of it as is worth anything beside the evidence. */

enum { UID_SIZE = 64, POD_NAME_SIZE = 254, POD_TIME_SIZE = 32 };

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
  char job_uid[UID_SIZE];      /* of the Job that it is for; "" */
  char made_at[POD_TIME_SIZE]; /* RFC 3339, of which two of one form sort as texts; "" */
  enum pod_state state;
  enum pod_wait waits_for;
  bool scheduled;         /* a node has it */
  bool deleted;           /* somebody wants it away; our finalizer keeps the object */
  bool node_done;         /* and the kubelet has let go of it, or was passed over */
  bool failed;            /* phase Failed */
  bool killed;            /* the kubelet says that the program's container was killed for memory */
  bool ours_alone;        /* it has our finalizer */
  bool granted;           /* it may start its program: see below */
  int exit_code;          /* ENDED */
  char reason[64];        /* of the pod's status or its condition: "Evicted", "NodeLost", "Preempting"; "" */
  char text[REASON_SIZE]; /* in the cluster's words, printable: why it waits, or has ended so; "" */
  char *message;          /* ENDED, UNSTARTED: the container's termination message; or NULL */
};

struct job_seen {
  char uid[UID_SIZE];
  bool deleted;
  bool finalizer; /* ours */
  bool complete, failed;
  char text[REASON_SIZE]; /* why it failed; "" */
};

/* Of two pods of one attempt, of which none is granted yet, whether this one counts: one that may run before one that never will; of
 * two such, the older. */
bool pod_outweighs(const struct pod_seen *pod, const struct pod_seen *other);

/* What is known when it is decided. */

enum kube_word {
  KUBE_NOT_ASKED,
  KUBE_ERROR, /* or nonsense: says nothing */
  KUBE_ABSENT,
  KUBE_SEEN,
};

/* What is remembered of an attempt from one look to the next; nothing but `ran` and `granted` has to be. */
struct kube_memory {
  bool ran;               /* its program's container was seen running: it is never launched again */
  char granted[UID_SIZE]; /* the pod that may start it, and may have done so: there will be no other; "": none yet */
  bool given_up;          /* it waited too long, by the platform's fault */
  struct mono made;       /* when its Job was; 0: not known */
  enum pod_wait waits_for;
  struct mono waiting_since; /* for the same thing; 0: it does not */
  struct mono deleted_since; /* its pod was seen deleted before it ran, or by force; 0: it was not */
};
/* What it waits for, from now on; WAITS_NORMALLY ends it. */
void kube_memory_waits(struct kube_memory *memory, enum pod_wait waits_for, struct mono now);
/* Whether a pod is one of those of which one may count: once a pod is granted, it is the only one. */
bool kube_memory_considers(const struct kube_memory *memory, const struct pod_seen *pod);

/* The log of a container that has ended. */
struct kube_log {
  bool message_read;   /* the termination message of the pod that was seen was, in which all of it may stand */
  unsigned tries;      /* how often it was read in this look */
  bool out_of_reach;   /* the last time nobody could read it */
  bool absent;         /* the last time there was none */
  bool recorded;       /* the record was in it, or the termination message had it */
  bool forged;         /* what is no record of this attempt's keeper was */
  const char *failure; /* why the keeper started nothing; "" */
  bool sealed;         /* it is evidence now, of as much as there was */
};

struct kube_view {
  struct mono now, begun; /* the look */
  unsigned schedule_ms_max, pull_ms_max;
  bool recorded;      /* the evidence here has the record: the log was read to its end before */
  bool withdrawn;     /* it is being taken out of the cluster */
  bool followed;      /* its log is read as it comes, and may bring all of it in a moment */
  const char *reason; /* why the platform failed it before, as far as is remembered; "" */
  struct kube_memory memory;
  enum kube_word pods, job, events;
  enum kube_word grant; /* SEEN: the pod has it now */
  bool told;            /* pods SEEN: by a watch, which may lag behind, and not by a list */
  bool untold;          /* no watch has told of any pod of it yet */
  bool pods_again;      /* the pods were listed once more after the Job was seen */
  const char *trouble;  /* of an ERROR, in words */
  struct pod_seen pod;  /* pods SEEN: the one that counts. `message` is not the view's */
  struct job_seen job_seen;
  char event[REASON_SIZE]; /* events SEEN: what the cluster said of its Job last; "" */
  struct kube_log log;
};

enum kube_step {
  KUBE_TELL,
  KUBE_ASK_PODS,
  KUBE_ASK_JOB,
  KUBE_ASK_EVENTS,
  KUBE_GRANT,        /* remember `granted` for ever, and then give it to the pod */
  KUBE_READ_MESSAGE, /* of the container that has ended: the log, perhaps */
  KUBE_READ_LOG,     /* from its beginning */
  KUBE_SEAL_LOG,     /* no more of it will be had */
  KUBE_LOOK_AGAIN,   /* with nothing asked */
  KUBE_WITHDRAW,     /* take it out of the cluster, and tell PENDING meanwhile */
};

struct kube_decision {
  enum kube_step step;
  unsigned delay_ms;      /* before READ_LOG, LOOK_AGAIN */
  enum presence presence; /* TELL */
  bool refused;           /* WITHDRAW: it will never be launched, by the request's fault */
  char text[REASON_SIZE]; /* TELL, WITHDRAW, for a person: how far it has come (PENDING), or what is known of why; "" */
  struct kube_memory memory;
};
void kube_decide(const struct kube_view *view, struct kube_decision *ret);
/* Whether what a look has found is not to be told, where another was asked for since it was begun: without a record a verdict
 * may hang on it, and what the other finds is newer. */
bool kube_is_outdated(enum presence presence, bool recorded);

/* A keeper in a pod knows no more than that somebody wanted the end (wire/pod.h): where that was us, we know why; and `end` is
 * what the cluster had said of its end before, where we only made sure of that. "": nothing. */
void kube_say_who_stopped_it(struct record *record, enum kill_reason reason, const char *end,
                             const struct pod_seen *pod);
