#pragma once

/*
 * Inside the Kubernetes backend. kubernetes.c makes and ends it and tells how it works; known.c holds what is known of attempts;
 * launch.c, observe.c, follow.c, kill.c and remove.c do one thing each for one attempt; decide.c says what a look comes to;
 * watches.c learns what there is; calls.c knows the calls that there are.
 */

#include "backend/answers.h"
#include "backend/backend_impl.h"
#include "backend/evidence/evidence_read.h"
#include "backend/instance.h"
#include "backend/kubernetes/cluster.h"
#include "backend/kubernetes/decide.h"
#include "backend/kubernetes/kubeconfig.h"
#include "backend/kubernetes/kubernetes.h"
#include "backend/kubernetes/log_evidence.h"
#include "backend/kubernetes/object.h"
#include "backend/kubernetes/seen.h"
#include "loop/timer.h"

#include <string.h>

/* What the watch has told last of the pod of its Job. Which of several counts only a list can tell. */
struct told {
  char job_uid[UID_SIZE]; /* "": not known yet; a pod of another Job is not its own */
  struct pod_seen pod;    /* without a name: nothing yet */
  bool anew;              /* no look has begun since */
  bool several;           /* there is, or was, another one */
};

/* That its plan is made of. */
struct secrets {
  unsigned count;                  /* 0: not known, as they were made before our time */
  unsigned in_doubt;               /* calls to make one that were not answered, and may be done yet */
  struct cluster_call *revocation; /* or NULL */
  bool revoked;                    /* they were to be deleted, as it was seen running or is to be killed */
  bool gone;                       /* for certain */
};

/*
 * What is known of one attempt while something is done for it, or worth being remembered. All but `memory.ran` and
 * `memory.granted` is a matter of speed, or of words; and these are files in the attempt's directory too.
 */
struct known {
  struct kubernetes *kubernetes;
  struct name name;
  struct launch *launch; /* each NULL while none is under way */
  struct look *look;
  struct follow *follow;
  struct killing *killing;
  struct removal *removal;
  struct kube_memory memory; /* changed in known.c alone */
  struct told told;
  struct secrets secrets;
  bool occupies;             /* it has a pod that has not ended, or will have one */
  bool read_along;           /* somebody wants to see what it writes while it runs */
  uint64_t pod_print;        /* of what the last hint was for */
  char reason[REASON_SIZE];  /* why the platform failed it, as far as is known; "" */
  char refusal[REASON_SIZE]; /* why it will never be launched; "" */
  char end[REASON_SIZE];     /* what was said of its end when there was no record; "" */
  struct mono not_before;    /* of the next launch, after a failed one */
  unsigned delay_ms;         /* that the next failure adds */
  struct known *next, *previous;
};

struct kubernetes {
  struct backend backend; /* first: see backend_impl.h */
  uv_loop_t *loop;
  struct answers *answers;
  struct kubeconfig kubeconfig;
  struct cluster *cluster;
  char *namespace_;
  char *attempts_path;
  int kubernetes_fd, attempts_fd;
  char instance[INSTANCE_SIZE];
  unsigned char secret[SEAL_KEY_BYTES]; /* of which the attempts' keys are derived */
  struct object_settings settings;
  unsigned slots, pull_ms_max, schedule_ms_max;
  bool strict;
  uint32_t isolation_found; /* by the last keeper whose record was read; 0: by none yet */

  struct known *known;
  struct watches *watches;

  struct removals {
    struct removal *first, **last; /* that wait */
    unsigned count, active;        /* all of them; of these, under way */
  } removals;

  unsigned launching;
  unsigned occupied;    /* attempts that have, or will have, a pod that has not ended */
  unsigned unscheduled; /* pods that no node takes */
  unsigned capacity;    /* as last told */
  bool was_refused;     /* somebody was told that there is no room, and wants to know when there is */
};

/* kubernetes.c */
void kubernetes_hint(struct kubernetes *kubernetes, struct name name);
void kubernetes_capacity_changed(struct kubernetes *kubernetes); /* told on the next turn, where it has */
/* For this attempt, or, where it is NULL, for any. */
bool kubernetes_has_room(const struct kubernetes *kubernetes, const struct known *known, const char **ret_why);
struct log_evidence *kubernetes_open_log(struct kubernetes *kubernetes, struct name name, struct error *error);

/* known.c */
struct known *kube_known_get(struct kubernetes *kubernetes, struct name name);        /* found or made */
struct known *kube_known_find(const struct kubernetes *kubernetes, struct name name); /* or NULL */
void kube_known_let_go(struct known *known); /* forgets it where nothing is left to be known; accepts NULL */
void kube_known_forget(struct known *known); /* nothing is left of the attempt */
void kube_known_failed(struct known *known, const char *reason);
/* Whether it counts as one of the pods that there may be at the same time: as many as there are slots. */
void kube_known_occupies(struct known *known, bool occupies);
/* What a look has decided to remember. That it runs, or has run, is remembered for who comes after us too, and its
 * Secrets are taken away. */
void kube_known_remember(struct known *known, const struct kube_memory *memory);
/* Which pod is granted, for who comes after us too: durable, or false with an error. */
bool kube_known_grant(const struct known *known, struct error *error);
/* No pod is left, and none has run: another may be granted. */
void kube_known_forget_grant(struct known *known);
/* We delete its pod for this, which its keeper cannot know: remembered as well. The first reason stands. */
void kube_known_killed(const struct known *known, enum kill_reason reason);
/* How an attempt to delete its Secrets was answered. */
void kube_known_revoked(struct known *known, const struct cluster_answer *answer);
/* Its Job is there. What was told of the pod of another one of this name before is forgotten. */
void kube_known_has_job(struct known *known, const char *uid);
void kube_known_made_job(struct known *known); /* just now: its pod may take a moment */
/* The watch has told of a pod of its, as JSON. */
void kube_known_told(struct known *known, const json_t *pod);
bool kube_known_has_told_pod(const struct known *known);            /* and of no other */
enum kill_reason kube_known_kill_reason(const struct known *known); /* KILLED_NONE: we did not */

/* calls.c: the calls that there are. */
struct cluster_call *call_make_secret(struct kubernetes *kubernetes, struct name name, unsigned part,
                                      const struct blob *plan, cluster_done *done, void *context);
struct cluster_call *call_make_job(struct kubernetes *kubernetes, struct blob *body, cluster_done *done, void *context);
struct cluster_call *call_get_job(struct kubernetes *kubernetes, struct name name, bool urgent, cluster_done *done,
                                  void *context);
struct cluster_call *call_get_pod(struct kubernetes *kubernetes, const char *pod, cluster_done *done, void *context);
struct cluster_call *call_list_pods(struct kubernetes *kubernetes, struct name name, bool urgent, cluster_done *done,
                                    void *context);
struct cluster_call *call_list_events(struct kubernetes *kubernetes, struct name name, cluster_done *done,
                                      void *context);
struct cluster_call *call_read_log(struct kubernetes *kubernetes, const char *pod, bool follow, cluster_data *data,
                                   cluster_done *done, void *context);
/* `count`: how many there are; 0: not known. */
struct cluster_call *call_delete_secrets(struct kubernetes *kubernetes, struct name name, unsigned count,
                                         cluster_done *done, void *context);
struct cluster_call *call_delete_job(struct kubernetes *kubernetes, struct name name, cluster_done *done,
                                     void *context);
/* Of exactly this pod; `grace_s` < 0: its own. */
struct cluster_call *call_delete_pod(struct kubernetes *kubernetes, const struct pod_seen *pod, int grace_s,
                                     cluster_done *done, void *context);
struct cluster_call *call_grant_pod(struct kubernetes *kubernetes, const struct pod_seen *pod, cluster_done *done,
                                    void *context);
struct cluster_call *call_release_job(struct kubernetes *kubernetes, struct name name, cluster_done *done,
                                      void *context);
struct cluster_call *call_release_pod(struct kubernetes *kubernetes, const char *pod, cluster_done *done,
                                      void *context);
/* `kind`: "jobs" or "pods"; all of this instance. */
struct cluster_call *call_list_all(struct kubernetes *kubernetes, const char *kind, const char *from,
                                   cluster_done *done, void *context);
struct cluster_call *call_watch_pods(struct kubernetes *kubernetes, const char *version, cluster_data *data,
                                     cluster_done *done, void *context);

/* watches.c */
struct watches *watches_create(struct kubernetes *kubernetes, unsigned grace_ms);
void watches_destroy(struct watches *watches); /* accepts NULL */
void watches_begin(struct watches *watches);   /* the cluster is here */
void watches_list(struct watches *watches);    /* tell all that there is, once more */

/* follow.c: the log as it comes, of a pod that runs. */
void kube_follow_begin(struct known *known, const char *pod);
void kube_follow_along(struct known *known, const char *pod); /* where somebody reads along */
void kube_follow_abandon(struct follow *follow);              /* accepts NULL */
bool kube_follow_is_open(const struct follow *follow);        /* something has come; false for NULL */
bool kube_follow_goes_on(const struct follow *follow);        /* more may come; false for NULL */

/* The operations, and what ends them when the backend does. */
void kubernetes_launch(struct backend *backend, struct name name, struct blob *plan);
void kube_launch_abandon(struct launch *launch);
void kube_launch_give_up(struct launch *launch);
void kubernetes_look(struct kubernetes *kubernetes, struct name name);
void kube_look_abandon(struct look *look);
void kubernetes_kill(struct backend *backend, struct name name, enum kill_reason reason);
void kube_killing_abandon(struct killing *killing);
void kubernetes_remove(struct backend *backend, struct name name);
/* Takes all of it out of the cluster, and keeps what is known here; a hint comes when that is done. */
void kube_withdraw(struct known *known);
void kube_removal_abandon(struct removal *removal);
void kube_removals_resume(struct kubernetes *kubernetes);
