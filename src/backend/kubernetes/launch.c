/*
 * Launching: the attempt's directory, the Secrets with the plan, the Job. Each step finds what an earlier try, or an earlier
 * daemon, has done already, and goes on from there. What has run is never launched again, and its Secrets are gone.
 *
 * A try that fails is remembered with its reason, and the next one is put off, longer each time: the core asks again as
 * long as there is neither a sign of a start nor a Job, until its own deadline.
 */

#include "backend/kubernetes/kubernetes_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct launch {
  struct known *known;
  struct blob *plan_bytes;
  struct plan plan;    /* decoded: points into `plan_bytes` */
  struct timer *delay; /* after a failed try */
  struct cluster_call *call;
  unsigned part; /* the Secret that is being made */
  bool counted;  /* among kubernetes->launching */
};

static void make_room(struct launch *launch)
{
  struct kubernetes *kubernetes = launch->known->kubernetes;
  if (!launch->counted)
    return;
  kubernetes->launching--;
  if (kubernetes->was_refused)
    kubernetes_capacity_changed(kubernetes);
}

void kube_launch_abandon(struct launch *launch)
{
  if (!launch)
    return;
  make_room(launch);
  timer_destroy(launch->delay);
  cluster_call_cancel(launch->call);
  plan_release(&launch->plan);
  blob_unref(launch->plan_bytes);
  launch->known->launch = 0;
  free(launch);
}

static void answer(struct launch *launch, enum launch_result result, const char *reason)
{
  struct known *known = launch->known;
  struct kubernetes *kubernetes = known->kubernetes;
  if (result == LAUNCH_BUSY)
    kubernetes->was_refused = true;
  if (result == LAUNCH_BUSY || result == LAUNCH_REFUSED)
    kube_known_occupies(known, false);
  answers_tell_launched(kubernetes->answers, known->name, result, reason);
  kube_launch_abandon(launch);
  kube_known_let_go(known);
}

static void fail(struct launch *launch, const char *what, const char *why)
{
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "%s: %.180s", what, why);
  kube_known_failed(launch->known, reason);
  answer(launch, LAUNCH_UNKNOWN, reason);
}

/* Words by which an admission controller says that it will never take this, as opposed to a right that is missing or a quota
 * that is used up, which are the platform's. */
static bool refused_by_admission(const char *message)
{
  return strstr(message, "admission webhook") || strstr(message, "violates PodSecurity") ||
         strstr(message, "ValidatingAdmissionPolicy");
}

/* What was made. False: it was answered. */
static bool is_made(struct launch *launch, const char *what, const struct cluster_answer *made)
{
  char reason[REASON_SIZE];
  snprintf(reason, sizeof reason, "Kubernetes refuses its %s: %.180s", what, made->message);
  switch (made->outcome) {
  case CLUSTER_DONE:
  case CLUSTER_CONFLICT:
    return true;
  case CLUSTER_NOT_SENT:
    answer(launch, LAUNCH_BUSY, made->message);
    break;
  case CLUSTER_UNKNOWN:
    answer(launch, LAUNCH_UNKNOWN, made->message);
    break;
  case CLUSTER_REFUSED:
    answer(launch, LAUNCH_REFUSED, reason);
    break;
  case CLUSTER_FORBIDDEN:
    if (refused_by_admission(made->message))
      answer(launch, LAUNCH_REFUSED, reason);
    else
      fail(launch, "Kubernetes does not allow it", made->message);
    break;
  case CLUSTER_ABSENT:
  case CLUSTER_GONE:
  case CLUSTER_FAILED:
    fail(launch, "Kubernetes cannot make it", made->message);
    break;
  }
  return false;
}

/* The Job. */

static void end_with_job(struct launch *launch, const struct job_seen *job)
{
  kube_known_has_job(launch->known, job->uid);
  answer(launch, LAUNCH_ACCEPTED, 0);
}

static void on_job_found(void *context, const struct cluster_answer *found)
{
  struct launch *launch = context;
  const struct kubernetes *kubernetes = launch->known->kubernetes;
  struct name name;
  struct job_seen job;
  launch->call = 0;
  if (found->outcome == CLUSTER_NOT_SENT)
    answer(launch, LAUNCH_BUSY, found->message);
  else if (found->outcome != CLUSTER_DONE)
    fail(launch, "Kubernetes does not say who has its name", found->message);
  else if (!object_is_ours(found->body, kubernetes->instance, &name) || !names_equal(name, launch->known->name))
    fail(launch, "its name is taken", "a Job that is not ours has it");
  else if (!job_inspect(found->body, &job, 0) || job.deleted || job.complete || job.failed)
    answer(launch, LAUNCH_UNKNOWN, "it has ended already"); /* a look tells what became of it */
  else
    end_with_job(launch, &job);
}

static void on_job(void *context, const struct cluster_answer *made)
{
  struct launch *launch = context;
  struct known *known = launch->known;
  struct job_seen job = {0};
  launch->call = 0;
  if (!is_made(launch, "Job", made))
    return;
  if (made->outcome == CLUSTER_CONFLICT) {
    launch->call = call_get_job(known->kubernetes, known->name, false, on_job_found, launch);
  } else {
    (void)job_inspect(made->body, &job, 0);
    kube_known_made_job(known);
    end_with_job(launch, &job);
  }
}

static void make_job(struct launch *launch)
{
  struct kubernetes *kubernetes = launch->known->kubernetes;
  struct error error;
  CLEANUP_BLOB struct blob *body =
    job_encode(launch->known->name, &launch->plan, launch->plan_bytes->size, &kubernetes->settings, &error);
  if (body)
    launch->call = call_make_job(kubernetes, body, on_job, launch);
  else
    answer(launch, LAUNCH_REFUSED, error.message);
}

/* The Secrets. */

static void make_secret(struct launch *launch);

static void on_secret(void *context, const struct cluster_answer *made)
{
  struct launch *launch = context;
  launch->call = 0;
  if (made->outcome != CLUSTER_UNKNOWN && made->outcome != CLUSTER_FAILED)
    launch->known->secrets.in_doubt--;
  if (!is_made(launch, "plan", made))
    return;
  launch->part++;
  if (launch->part < secret_count(launch->plan_bytes->size))
    make_secret(launch);
  else
    make_job(launch);
}

static void make_secret(struct launch *launch)
{
  struct known *known = launch->known;
  known->secrets =
    (struct secrets){.count = secret_count(launch->plan_bytes->size), .in_doubt = known->secrets.in_doubt + 1};
  launch->call = call_make_secret(known->kubernetes, known->name, launch->part, launch->plan_bytes, on_secret, launch);
}

/* Beginning. */

/* As long as the directory is there, what is left of the attempt is found by whoever comes after us: it is made first. */
static void take(struct launch *launch)
{
  struct known *known = launch->known;
  launch->counted = true;
  known->kubernetes->launching++;
  kube_known_occupies(known, true);
  if (mkdirat(known->kubernetes->attempts_fd, known->name.text, 0700) < 0 && errno != EEXIST)
    answer(launch, LAUNCH_BUSY, strerror(errno));
  else
    make_secret(launch);
}

static void begin(void *context)
{
  struct launch *launch = context;
  const struct known *known = launch->known;
  const char *why;
  if (known->refusal[0])
    answer(launch, LAUNCH_REFUSED, known->refusal);
  else if (known->memory.ran || known->memory.granted[0])
    answer(launch, LAUNCH_ACCEPTED, 0);
  else if (known->removal || known->killing)
    answer(launch, LAUNCH_UNKNOWN, "it is being withdrawn");
  else if (!kubernetes_has_room(known->kubernetes, known, &why))
    answer(launch, LAUNCH_BUSY, why);
  else
    take(launch);
}

void kube_launch_give_up(struct launch *launch)
{
  if (launch && timer_pending(launch->delay))
    answer(launch, LAUNCH_UNKNOWN, launch->known->reason);
}

void kubernetes_launch(struct backend *backend, struct name name, struct blob *plan)
{
  struct kubernetes *kubernetes = (struct kubernetes *)backend;
  struct known *known = kube_known_get(kubernetes, name);
  if (known->launch)
    return; /* its answer is the answer to both */
  struct launch *launch = known->launch = xcalloc(1, sizeof *launch);
  launch->known = known;
  launch->plan_bytes = blob_ref(plan);
  launch->delay = timer_make(kubernetes->loop, begin, launch);
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
