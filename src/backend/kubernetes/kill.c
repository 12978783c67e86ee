/*
 * Killing: the pod is deleted, and its keeper gets SIGTERM, kills the program and writes its record; the log is followed
 * before, because it is gone with the containers. The Job is deleted first, so that Kubernetes makes no other pod for it, and
 * the Secrets, so that no other has a plan. Our finalizer keeps Job and pod, and so the record in the pod's status.
 *
 * That it worked is learnt by looking.
 */

#include "backend/kubernetes/kubernetes_impl.h"

#include <stdlib.h>

enum { OPENING_MS_MAX = 1000, RETRY_MS = 50, TRIES_MAX = 3, TRY_AGAIN_MS = 500 };

struct killing {
  struct known *known;
  enum kill_reason reason;
  struct cluster_call *call;
  struct timer *timer;
  struct pod_seen pod;
  struct mono patience; /* with the log that is being opened */
  unsigned tries;
};

void kube_killing_abandon(struct killing *killing)
{
  if (!killing)
    return;
  cluster_call_cancel(killing->call);
  timer_destroy(killing->timer);
  pod_seen_release(&killing->pod);
  killing->known->killing = 0;
  free(killing);
}

static void end_killing(struct killing *killing)
{
  struct known *known = killing->known;
  kubernetes_hint(known->kubernetes, known->name);
  kube_killing_abandon(killing);
  kube_known_let_go(known);
}

static void begin(void *context);

static void set_timer(struct killing *killing, void (*ring)(void *context), unsigned ms)
{
  timer_destroy(killing->timer);
  killing->timer = timer_make(killing->known->kubernetes->loop, ring, killing);
  timer_set(killing->timer, ms);
}

/* Not done, or not known to be: again, a few times; then the core will ask again. */
static bool goes_on(struct killing *killing, const struct cluster_answer *answer)
{
  if (answer->outcome == CLUSTER_DONE || answer->outcome == CLUSTER_ABSENT)
    return true;
  if (++killing->tries < TRIES_MAX)
    set_timer(killing, begin, TRY_AGAIN_MS);
  else
    end_killing(killing);
  return false;
}

static void on_deleted(void *context, const struct cluster_answer *answer)
{
  struct killing *killing = context;
  killing->call = 0;
  if (answer->outcome == CLUSTER_CONFLICT || goes_on(killing, answer)) /* CONFLICT: it is another pod by now */
    end_killing(killing);
}

static void delete_pod(struct killing *killing)
{
  struct kubernetes *kubernetes = killing->known->kubernetes;
  if (!killing->pod.deleted) /* one that waits, too: its node may be about to start it */
    kube_known_killed(killing->known, killing->reason);
  killing->call = call_delete_pod(kubernetes, &killing->pod, -1, on_deleted, killing);
}

static void wait_for_log(void *context)
{
  struct killing *killing = context;
  bool opening = kube_follow_goes_on(killing->known->follow) && !kube_follow_is_open(killing->known->follow);
  if (opening && mono_now().us < killing->patience.us)
    set_timer(killing, wait_for_log, RETRY_MS);
  else
    delete_pod(killing);
}

static void on_pods(void *context, const struct cluster_answer *answer)
{
  struct killing *killing = context;
  struct error error;
  unsigned count;
  killing->call = 0;
  pod_seen_release(&killing->pod);
  if (!goes_on(killing, answer))
    return;
  if (!pods_choose(answer->body, &killing->known->memory, &killing->pod, &count, &error) || count == 0 ||
      killing->pod.state == POD_ENDED) {
    end_killing(killing);
    return;
  }
  if (killing->pod.state == POD_RUNNING)
    kube_follow_begin(killing->known, killing->pod.name);
  killing->patience = mono_add_ms(mono_now(), OPENING_MS_MAX);
  wait_for_log(killing);
}

static void on_job_deleted(void *context, const struct cluster_answer *answer)
{
  struct killing *killing = context;
  const struct known *known = killing->known;
  killing->call = 0;
  if (goes_on(killing, answer))
    killing->call = call_list_pods(known->kubernetes, known->name, true, on_pods, killing);
}

static void on_secrets_deleted(void *context, const struct cluster_answer *answer)
{
  struct killing *killing = context;
  struct known *known = killing->known;
  killing->call = 0;
  if (!goes_on(killing, answer))
    return;
  kube_known_revoked(known, answer);
  killing->call = call_delete_job(known->kubernetes, known->name, on_job_deleted, killing);
}

static void begin(void *context)
{
  struct killing *killing = context;
  const struct known *known = killing->known;
  killing->call =
    call_delete_secrets(known->kubernetes, known->name, known->secrets.count, on_secrets_deleted, killing);
}

void kubernetes_kill(struct backend *backend, struct name name, enum kill_reason reason)
{
  struct kubernetes *kubernetes = (struct kubernetes *)backend;
  struct known *known = kube_known_get(kubernetes, name);
  if (known->killing || known->removal)
    return;
  struct killing *killing = known->killing = xcalloc(1, sizeof *killing);
  killing->known = known;
  killing->reason = reason;
  kube_launch_give_up(known->launch);
  begin(killing);
}
