/*
 * The log of a pod that runs, as it comes: for whoever reads along, and for what is killed, because the log of a deleted pod is
 * gone with its containers. Where it breaks off nothing is lost: it is followed again, or a look reads the log once more.
 */

#include "backend/kubernetes/kubernetes_impl.h"

#include <stdlib.h>

enum { REST_MS = 1000 }; /* before one that has ended is followed again */

struct follow {
  struct known *known;
  struct log_evidence *log;
  struct cluster_call *call; /* NULL: it has ended, and rests */
  struct timer *rest;
  bool open; /* something has come */
};

void kube_follow_abandon(struct follow *follow)
{
  if (!follow)
    return;
  cluster_call_cancel(follow->call);
  timer_destroy(follow->rest);
  log_evidence_close(follow->log);
  follow->known->follow = 0;
  free(follow);
}

bool kube_follow_is_open(const struct follow *follow)
{
  return follow && follow->open;
}

bool kube_follow_goes_on(const struct follow *follow)
{
  return follow && follow->call;
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct follow *follow = context;
  follow->open = true;
  return log_evidence_feed(follow->log, bytes, size, 0);
}

static void on_rested(void *context)
{
  struct follow *follow = context;
  struct known *known = follow->known;
  kube_follow_abandon(follow);
  kubernetes_hint(known->kubernetes, known->name);
  kube_known_let_go(known);
}

static void on_end(void *context, const struct cluster_answer *answer)
{
  struct follow *follow = context;
  const struct known *known = follow->known;
  (void)answer;
  follow->call = 0;
  timer_set(follow->rest, REST_MS);
  kubernetes_hint(known->kubernetes, known->name);
}

void kube_follow_begin(struct known *known, const char *pod)
{
  if (kube_follow_goes_on(known->follow))
    return;
  kube_follow_abandon(known->follow);
  struct log_evidence *log = kubernetes_open_log(known->kubernetes, known->name, 0);
  if (!log)
    return;
  struct follow *follow = known->follow = xcalloc(1, sizeof *follow);
  follow->known = known;
  follow->log = log;
  follow->rest = timer_make(known->kubernetes->loop, on_rested, follow);
  follow->call = call_read_log(known->kubernetes, pod, true, on_data, on_end, follow);
}

void kube_follow_along(struct known *known, const char *pod)
{
  if (known->read_along && !known->follow)
    kube_follow_begin(known, pod);
}
