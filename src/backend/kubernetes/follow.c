/*
 * The log of a pod that runs, as it comes: for whoever reads along, and for what is killed, because the log of a deleted pod is
 * gone with its containers. Where it breaks off nothing is lost: a look reads the log once more.
 */

#include "backend/kubernetes/kubernetes_impl.h"

#include <stdlib.h>

struct follow {
  struct known *known;
  struct log_evidence *log;
  struct cluster_call *call;
  bool open; /* something has come */
};

void kube_follow_abandon(struct follow *follow)
{
  if (!follow)
    return;
  cluster_call_cancel(follow->call);
  log_evidence_close(follow->log);
  follow->known->follow = 0;
  free(follow);
}

bool kube_follow_is_open(const struct follow *follow)
{
  return follow && follow->open;
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct follow *follow = context;
  follow->open = true;
  return log_evidence_feed(follow->log, bytes, size, 0);
}

static void on_end(void *context, const struct cluster_answer *answer)
{
  struct follow *follow = context;
  struct known *known = follow->known;
  (void)answer;
  follow->call = 0;
  kube_follow_abandon(follow);
  kubernetes_hint(known->kubernetes, known->name);
  kube_known_let_go(known);
}

void kube_follow_begin(struct known *known, const char *pod)
{
  if (known->follow)
    return;
  struct log_evidence *log = kubernetes_open_log(known->kubernetes, known->name, 0);
  if (!log)
    return;
  struct follow *follow = known->follow = xcalloc(1, sizeof *follow);
  follow->known = known;
  follow->log = log;
  follow->call = call_read_log(known->kubernetes, pod, true, on_data, on_end, follow);
}
