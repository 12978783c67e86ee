/*
 * Taking an attempt out of the cluster: Secrets, Job, pods, each with our finalizer, until there is nothing left; and then,
 * once its verdict is durable, the directory here. A few at a time: there are launches to do, which are waited for.
 *
 * Where a watch has told of one pod that has ended, and of no other, nobody is asked which there are: should there be another
 * one all the same, the lists of all that is left over find it (watches.c).
 */

#include "backend/backoff.h"
#include "backend/directory.h"
#include "backend/kubernetes/kubernetes_impl.h"

#include <stdlib.h>

enum {
  ACTIVE_MAX = 16,
  PODS_MAX = 50,        /* of one attempt; more than one is rare */
  DELAY_MS_FIRST = 100, /* before it is tried again */
  DELAY_MS_MAX = 8000,
};

struct removal {
  struct known *known;
  bool keeps_directory; /* it is withdrawn, and may be launched again */
  bool waits;           /* in the queue for its turn */
  struct cluster_call *call;
  struct timer *timer;
  struct pod_seen pod; /* the one that is being removed */
  bool told;           /* it is the only one, by all that a watch has told */
  unsigned delay_ms;
  struct removal *next; /* that waits */
};

static void take_out(struct removals *removals, struct removal *removal)
{
  struct removal **link = &removals->first;
  while (*link != removal)
    link = &(*link)->next;
  *link = removal->next;
  removals->last = &removals->first;
  while (*removals->last)
    removals->last = &(*removals->last)->next;
}

void kube_removal_abandon(struct removal *removal)
{
  if (!removal)
    return;
  if (removal->waits)
    take_out(&removal->known->kubernetes->removals, removal);
  timer_destroy(removal->timer);
  cluster_call_cancel(removal->call);
  pod_seen_release(&removal->pod);
  removal->known->removal = 0;
  free(removal);
}

static void put_in_queue(struct removal *removal)
{
  struct removals *removals = &removal->known->kubernetes->removals;
  removal->waits = true;
  removal->next = 0;
  *removals->last = removal;
  removals->last = &removal->next;
}

static void retry_later(struct removal *removal)
{
  struct kubernetes *kubernetes = removal->known->kubernetes;
  kubernetes->removals.active--;
  timer_set(removal->timer, removal->delay_ms);
  removal->delay_ms = backoff_longer(removal->delay_ms, DELAY_MS_MAX);
  kube_removals_resume(kubernetes);
}

static void finish(struct removal *removal)
{
  struct known *known = removal->known;
  struct kubernetes *kubernetes = known->kubernetes;
  bool withdrawn = removal->keeps_directory;
  kubernetes->removals.active--;
  kubernetes->removals.count--;
  kube_removal_abandon(removal);
  if (!withdrawn) {
    kube_known_forget(known);
  } else {
    kube_known_forget_grant(known);
    kubernetes_hint(kubernetes, known->name);
  }
  kubernetes_capacity_changed(kubernetes);
  kube_removals_resume(kubernetes);
}

/* As long as it is there, the attempt is found and removed by whoever comes after us. */
static void remove_directory(struct removal *removal)
{
  const struct known *known = removal->known;
  if (removal->keeps_directory ||
      directory_remove(known->kubernetes->attempts_fd, known->name.text, DIRECTORY_OF_FILES))
    finish(removal);
  else
    retry_later(removal);
}

static bool goes_on(struct removal *removal, const struct cluster_answer *answer)
{
  removal->call = 0;
  if (answer->outcome == CLUSTER_DONE || answer->outcome == CLUSTER_ABSENT)
    return true;
  retry_later(removal);
  return false;
}

/* Secrets. */

static void delete_secrets(struct removal *removal, cluster_done *done)
{
  const struct known *known = removal->known;
  removal->call = call_delete_secrets(known->kubernetes, known->name, known->secrets.count, done, removal);
}

static void on_last_secrets_deleted(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  if (goes_on(removal, answer))
    remove_directory(removal);
}

/* That there are no more Secrets may have been answered meanwhile. */
static void end_with_secrets(struct removal *removal)
{
  if (removal->known->secrets.gone)
    remove_directory(removal);
  else
    delete_secrets(removal, on_last_secrets_deleted);
}

/* Pods and Job. */

static void list_pods(struct removal *removal);
static void release_job(struct removal *removal);

static void on_pod_deleted(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  if (!goes_on(removal, answer))
    return;
  if (removal->told)
    release_job(removal);
  else
    list_pods(removal);
}

/* Passing the kubelet over, where it may take its time: the container has ended, or never began. */
static void on_pod_released(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  const struct known *known = removal->known;
  if (!goes_on(removal, answer))
    return;
  int grace_s = removal->pod.state == POD_RUNNING ? -1 : 0;
  removal->call = call_delete_pod(known->kubernetes, &removal->pod, grace_s, on_pod_deleted, removal);
}

static void release_pod(struct removal *removal)
{
  const struct known *known = removal->known;
  removal->call = call_release_pod(known->kubernetes, removal->pod.name, on_pod_released, removal);
}

static void on_pods(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  unsigned count = 0;
  if (!goes_on(removal, answer))
    return;
  pod_seen_release(&removal->pod);
  bool told = pods_choose(answer->body, 0, &removal->pod, &count, 0);
  bool ending = told && count && removal->pod.deleted && !removal->pod.ours_alone && removal->pod.state == POD_RUNNING;
  if (!told || ending)
    retry_later(removal);
  else if (count == 0)
    end_with_secrets(removal);
  else
    release_pod(removal);
}

static void list_pods(struct removal *removal)
{
  const struct known *known = removal->known;
  removal->call = call_list_pods(known->kubernetes, known->name, false, on_pods, removal);
}

static void on_job_released(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  if (!goes_on(removal, answer))
    return;
  if (removal->told)
    end_with_secrets(removal);
  else
    list_pods(removal);
}

static void release_job(struct removal *removal)
{
  const struct known *known = removal->known;
  removal->call = call_release_job(known->kubernetes, known->name, on_job_released, removal);
}

/* The pod before the Job: then Kubernetes has nothing to collect behind it. */
static bool take_told_pod(struct removal *removal)
{
  const struct known *known = removal->known;
  removal->told = kube_known_has_told_pod(known) && known->told.pod.state == POD_ENDED;
  if (!removal->told)
    return false;
  pod_seen_release(&removal->pod);
  removal->pod = known->told.pod;
  removal->pod.message = 0;
  return true;
}

static void on_job_deleted(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  if (!goes_on(removal, answer))
    return;
  if (take_told_pod(removal))
    release_pod(removal);
  else if (answer->outcome == CLUSTER_ABSENT)
    list_pods(removal);
  else
    release_job(removal);
}

static void delete_job(struct removal *removal)
{
  const struct known *known = removal->known;
  removal->call = call_delete_job(known->kubernetes, known->name, on_job_deleted, removal);
}

static void on_secrets_deleted(void *context, const struct cluster_answer *answer)
{
  struct removal *removal = context;
  if (!goes_on(removal, answer))
    return;
  kube_known_revoked(removal->known, answer);
  delete_job(removal);
}

static void begin(struct removal *removal)
{
  const struct known *known = removal->known;
  known->kubernetes->removals.active++;
  if (known->secrets.revoked)
    delete_job(removal);
  else
    delete_secrets(removal, on_secrets_deleted);
}

void kube_removals_resume(struct kubernetes *kubernetes)
{
  struct removals *removals = &kubernetes->removals;
  while (removals->first && removals->active < ACTIVE_MAX && cluster_here(kubernetes->cluster)) {
    struct removal *removal = removals->first;
    take_out(removals, removal);
    removal->waits = false;
    begin(removal);
  }
}

static void on_timer(void *context)
{
  struct removal *removal = context;
  put_in_queue(removal);
  kube_removals_resume(removal->known->kubernetes);
}

static void enqueue(struct known *known, bool keeps_directory)
{
  struct kubernetes *kubernetes = known->kubernetes;
  if (known->removal) {
    known->removal->keeps_directory = known->removal->keeps_directory && keeps_directory;
    return;
  }
  kube_launch_abandon(known->launch);
  kube_killing_abandon(known->killing);
  kube_follow_abandon(known->follow);
  struct removal *removal = known->removal = xcalloc(1, sizeof *removal);
  removal->known = known;
  removal->keeps_directory = keeps_directory;
  removal->delay_ms = DELAY_MS_FIRST;
  removal->timer = timer_make(kubernetes->loop, on_timer, removal);
  kubernetes->removals.count++;
  put_in_queue(removal);
  kube_removals_resume(kubernetes);
}

void kube_withdraw(struct known *known)
{
  enqueue(known, true);
}

/* Its verdict stands: whatever else is done for it counts no more. */
void kubernetes_remove(struct backend *backend, struct name name)
{
  enqueue(kube_known_get((struct kubernetes *)backend, name), false);
}
