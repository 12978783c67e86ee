/* What a cluster says, where it is said to be, and what a plugin prints: the same bytes, taken as a pod, a list of them, a Job, a
 * line of a watch, a kubeconfig, and a credential. */

#include "backend/kubernetes/exec_credential.h"
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

/* A token goes into a header: nothing may end that. */
static void check_credential(const char *text, size_t size)
{
  struct exec_credential answer;
  struct error error = {0};
  if (!exec_credential_decode(text, size, "client.authentication.k8s.io/v1", &answer, &error)) {
    ASSERT(*error.message);
    return;
  }
  ASSERT(*answer.token && !strpbrk(answer.token, " "));
  check_text(answer.token);
  exec_credential_release(&answer);
}

static void check_config(struct kubeconfig *config)
{
  const struct kubeconfig_plugin *plugin = config->plugin;
  ASSERT(config->server && config->namespace_);
  ASSERT((config->token != 0) + (config->token_path != 0) + (plugin != 0) <= 1);
  ASSERT(!plugin || (plugin->command[0] && plugin->name && plugin->api_version));
  for (char **variable = plugin ? plugin->variables : 0; variable && *variable; variable++)
    ASSERT(**variable != '=' && strchr(*variable, '='));
  kubeconfig_release(config);
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
  check_credential((const char *)data, size);
  json_t *json = json_bounds_check((const char *)data, size, &error)
                   ? json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, 0)
                   : 0;
  if (!json)
    return 0;
  if (pod_inspect(json, &pod, &error))
    check_pod(&pod);
  if (pods_choose(json, 0, &pod, &count, &error) && count)
    check_pod(&pod);
  if (job_inspect(json, &job, &error))
    check_text(job.text);
  (void)object_is_ours(json, "0123456789abcdef", &name);
  (void)pod_fingerprint(json);
  watch_event_read(json, &event);
  ASSERT(event.kind != WATCH_CHANGED || event.object);
  if (kubeconfig_decode(json, "/etc/config", 0, &config, &error))
    check_config(&config);
  json_decref(json);
  return 0;
}
