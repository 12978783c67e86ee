/* What a cluster says, and where it is said to be: the same bytes, taken as a pod, a list of them, a Job, a line of a watch, and
 * a kubeconfig. */

#include "backend/kubernetes/kubeconfig.h"
#include "backend/kubernetes/seen.h"
#include "base/json_bounds.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
  for (; *text; text++)
    ASSERT((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_pod(struct pod_seen *pod)
{
  ASSERT(pod->state <= POD_UNSTARTED && pod->waits_for <= WAITS_FOR_CONTAINER);
  ASSERT(*pod->name && !strpbrk(pod->name, "/?#\" ") && *pod->uid && !strpbrk(pod->uid, "\"\\"));
  check_text(pod->text);
  check_text(pod->reason);
  pod_seen_release(pod);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct error error = {0};
  struct pod_seen pod;
  struct job_seen job;
  struct watch_event event;
  struct kubeconfig config;
  struct name name;
  unsigned count = 0;
  json_t *json = json_bounds_check((const char *)data, size, &error)
                   ? json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, 0)
                   : 0;
  if (!json)
    return 0;
  if (pod_inspect(json, &pod, &error))
    check_pod(&pod);
  if (pods_choose(json, &pod, &count, &error) && count)
    check_pod(&pod);
  if (job_inspect(json, &job, &error))
    check_text(job.text);
  (void)object_is_ours(json, "0123456789abcdef", &name);
  (void)pod_fingerprint(json);
  watch_event_read(json, &event);
  ASSERT(event.kind != WATCH_CHANGED || event.object);
  if (kubeconfig_decode(json, "/etc/config", 0, &config, &error)) {
    ASSERT(config.server && config.namespace_);
    kubeconfig_release(&config);
  }
  json_decref(json);
  return 0;
}
