#include "backend/kubernetes/object.h"

#include "base/base64.h"
#include "wire/pod.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody waits so long: past all deadlines of the core, the pod ends by itself. Kubernetes counts from the pod's start. */
enum { LAST_RESORT_MARGIN_S = 3600 };
enum { QUANTITY_SIZE = 32 };
#define INSTALL_MEMORY_BYTES MIB(64)

struct name_text object_name(struct name name)
{
  struct name_text object;
  static_assert(sizeof object.text == sizeof name.text, "a name is as long as the other");
  memcpy(object.text, name.text, sizeof object.text);
  for (char *c = object.text; *c; c++)
    if (*c == '_')
      *c = '-';
  return object;
}

void secret_name(struct name name, unsigned part, char text[static SECRET_NAME_SIZE])
{
  struct name_text object = object_name(name);
  if (part)
    snprintf(text, SECRET_NAME_SIZE, "%s.%u", object.text, part);
  else
    snprintf(text, SECRET_NAME_SIZE, "%s", object.text);
}

unsigned secret_count(size_t plan_size)
{
  return plan_size ? (unsigned)((plan_size + SECRET_PLAN_BYTES_MAX - 1) / SECRET_PLAN_BYTES_MAX) : 1;
}

bool object_is_ours(const json_t *object, const char *instance, struct name *ret)
{
  const json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
  const char *made_by = json_string_value(json_object_get(labels, LABEL_INSTANCE));
  const char *id = json_string_value(json_object_get(labels, LABEL_EVALUATION));
  const char *attempt = json_string_value(json_object_get(labels, LABEL_ATTEMPT));
  if (!made_by || !id || !attempt || strcmp(made_by, instance) != 0 || strlen(id) >= ID_SIZE || strlen(attempt) > 3)
    return false;
  CLEANUP_FREE char *text = xasprintf("assay-%s-%s", id, attempt);
  char parsed[ID_SIZE];
  unsigned number;
  if (!name_parse(text, parsed, &number))
    return false;
  *ret = name_make(parsed, number);
  return true;
}

/* JSON, piece by piece. What is packed is our own, or was checked to be UTF-8. */

static json_t *packed(json_t *value)
{
  ASSERT(value);
  return value;
}

static void set_text(json_t *object, const char *key, const char *text)
{
  if (text)
    json_object_set_new(object, key, packed(json_string(text)));
}

static json_t *labels(struct name name, const char *instance)
{
  char id[ID_SIZE], number[16];
  unsigned attempt;
  ASSERT(name_parse(name.text, id, &attempt));
  snprintf(number, sizeof number, "%u", attempt);
  return packed(json_pack("{s:s, s:s, s:s, s:s}", "app.kubernetes.io/managed-by", "assay", LABEL_INSTANCE, instance,
                          LABEL_EVALUATION, id, LABEL_ATTEMPT, number));
}

static struct blob *dump(json_t *object)
{
  char *text = json_dumps(object, JSON_COMPACT);
  json_decref(object);
  ASSERT(text);
  struct blob *blob = blob_create(text, strlen(text));
  free(text);
  return blob;
}

/* Secrets. */

static json_t *encoded(const void *bytes, size_t size)
{
  CLEANUP_BUFFER struct buffer text = {0};
  base64_encode(bytes, size, &text);
  return packed(json_stringn(text.data, text.size));
}

struct blob *secret_encode(struct name name, const char *instance, unsigned part, const struct blob *plan,
                           const unsigned char key[static SEAL_KEY_BYTES])
{
  char text[SECRET_NAME_SIZE], item[32];
  size_t begin = part * SECRET_PLAN_BYTES_MAX, rest = plan->size - begin;
  secret_name(name, part, text);
  snprintf(item, sizeof item, POD_PLAN_PART, part);
  json_t *data = packed(json_object());
  json_object_set_new(data, item,
                      encoded(plan->data + begin, rest < SECRET_PLAN_BYTES_MAX ? rest : SECRET_PLAN_BYTES_MAX));
  if (part == 0)
    json_object_set_new(data, POD_KEY, encoded(key, SEAL_KEY_BYTES));
  return dump(packed(json_pack("{s:s, s:s, s:s, s:{s:s, s:o}, s:o}", "apiVersion", "v1", "kind", "Secret", "type",
                               "Opaque", "metadata", "name", text, "labels", labels(name, instance), "data", data)));
}

/* The pod. */

static json_t *bytes_quantity(uint64_t bytes)
{
  char text[QUANTITY_SIZE];
  snprintf(text, sizeof text, "%llu", (unsigned long long)bytes);
  return packed(json_string(text));
}

static json_t *amounts(uint64_t memory_bytes, unsigned cpus_milli)
{
  json_t *amounts = packed(json_pack("{s:o}", "memory", bytes_quantity(memory_bytes)));
  char text[QUANTITY_SIZE];
  snprintf(text, sizeof text, "%um", cpus_milli);
  if (cpus_milli)
    set_text(amounts, "cpu", text);
  return amounts;
}

/* Requests equal limits, so that a pod is given what it may take, and is among the last to be evicted. */
static json_t *resources(uint64_t memory_bytes, unsigned cpus_milli)
{
  return packed(json_pack("{s:o, s:o}", "requests", amounts(memory_bytes, cpus_milli), "limits",
                          amounts(memory_bytes, cpus_milli)));
}

/* The user id is the containers' and not the pod's, which would give it to its pause container too: one process more that
 * counts for the program's limit. */
static json_t *container_rights(struct name name)
{
  const json_int_t id = pod_uid(name);
  return packed(json_pack("{s:b, s:b, s:b, s:b, s:I, s:I, s:{s:[s]}}", "privileged", 0, "allowPrivilegeEscalation", 0,
                          "readOnlyRootFilesystem", 1, "runAsNonRoot", 1, "runAsUser", id, "runAsGroup", id,
                          "capabilities", "drop", "ALL"));
}

static json_t *mount(const char *volume, const char *path, const char *sub_path)
{
  json_t *mount = packed(json_pack("{s:s, s:s}", "name", volume, "mountPath", path));
  set_text(mount, "subPath", sub_path);
  return mount;
}

static json_t *install_container(struct name name, const struct object_settings *settings)
{
  json_t *container =
    packed(json_pack("{s:s, s:s, s:[s,s,s,s,s], s:o, s:o, s:s, s:[o,o]}", "name", CONTAINER_INSTALL, "image",
                     settings->keeper_image, "command", "/assay-keeper", "--install", POD_DIRECTORY, "--from",
                     POD_PLAN_DIRECTORY, "resources", resources(INSTALL_MEMORY_BYTES, settings->cpus_milli),
                     "securityContext", container_rights(name), "terminationMessagePolicy", "FallbackToLogsOnError",
                     "volumeMounts", mount("assay", POD_DIRECTORY, 0), mount("plan", POD_PLAN_DIRECTORY, 0)));
  set_text(container, "imagePullPolicy", settings->keeper_image_pull);
  return container;
}

static json_t *program_container(struct name name, const struct plan *plan, const struct object_settings *settings)
{
  json_t *mounts = packed(json_pack("[o,o,o,o]", mount("assay", POD_DIRECTORY, 0), mount("box", "/box", "box"),
                                    mount("box", "/tmp", "tmp"), mount("box", "/dev/shm", "shm")));
  json_t *container =
    packed(json_pack("{s:s, s:s, s:[s,s,s,s,s], s:s, s:o, s:o, s:s, s:s, s:o}", "name", CONTAINER_PROGRAM, "image",
                     plan->image, "command", POD_DIRECTORY "/" POD_KEEPER, "--pod", POD_DIRECTORY, "--name", name.text,
                     "workingDir", "/", "resources", resources(pod_memory_bytes(&plan->limits), settings->cpus_milli),
                     "securityContext", container_rights(name), "terminationMessagePath", POD_TERMINATION_PATH,
                     "terminationMessagePolicy", "File", "volumeMounts", mounts));
  set_text(container, "imagePullPolicy", settings->image_pull);
  return container;
}

/* The parts of the plan in one directory, and whether this pod is granted. The parts are optional, so that a pod that comes too
 * late, when they have been taken away, starts nothing instead of waiting for ever. */
static json_t *plan_volume(struct name name, size_t plan_size)
{
  json_t *sources = packed(json_array());
  for (unsigned part = 0; part < secret_count(plan_size); part++) {
    char text[SECRET_NAME_SIZE];
    secret_name(name, part, text);
    json_array_append_new(sources, packed(json_pack("{s:{s:s, s:b}}", "secret", "name", text, "optional", 1)));
  }
  json_array_append_new(sources,
                        packed(json_pack("{s:{s:[{s:s, s:{s:s}}]}}", "downwardAPI", "items", "path", POD_GRANT,
                                         "fieldRef", "fieldPath", "metadata.annotations['" ANNOTATION_GRANTED "']")));
  return packed(json_pack("{s:s, s:{s:i, s:o}}", "name", "plan", "projected", "defaultMode", 0444, "sources", sources));
}

static json_t *volumes(struct name name, const struct plan *plan, size_t plan_size)
{
  return packed(json_pack("[{s:s, s:{s:o}}, {s:s, s:{s:s, s:o}}, o]", "name", "assay", "emptyDir", "sizeLimit",
                          bytes_quantity(pod_exchange_bytes(plan_size)), "name", "box", "emptyDir", "medium", "Memory",
                          "sizeLimit", bytes_quantity(plan->limits.disk_bytes), plan_volume(name, plan_size)));
}

static json_t *pod_rights(void)
{
  return packed(json_pack("{s:b, s:{s:s}}", "runAsNonRoot", 1, "seccompProfile", "type", "RuntimeDefault"));
}

static json_t *node_selector(const char *const *pairs)
{
  json_t *selector = packed(json_object());
  for (; *pairs; pairs++) {
    const char *equals = strchr(*pairs, '=');
    CLEANUP_FREE char *key = xstrndup(*pairs, equals ? (size_t)(equals - *pairs) : strlen(*pairs));
    set_text(selector, key, equals ? equals + 1 : "");
  }
  return selector;
}

static json_t *toleration(const char *text)
{
  size_t key_length = strcspn(text, "=:");
  const char *effect = strrchr(text, ':');
  const char *value = text[key_length] == '=' ? text + key_length + 1 : 0;
  json_t *toleration = packed(json_pack("{s:s}", "operator", value ? "Equal" : "Exists"));
  if (key_length)
    json_object_set_new(toleration, "key", packed(json_stringn(text, key_length)));
  if (value)
    json_object_set_new(toleration, "value", packed(json_stringn(value, strcspn(value, ":"))));
  set_text(toleration, "effect", effect ? effect + 1 : 0);
  return toleration;
}

static void set_placement(json_t *spec, const struct object_settings *settings)
{
  set_text(spec, "runtimeClassName", settings->runtime_class);
  set_text(spec, "priorityClassName", settings->priority_class);
  set_text(spec, "serviceAccountName", settings->service_account);
  if (settings->node_selector && *settings->node_selector)
    json_object_set_new(spec, "nodeSelector", node_selector(settings->node_selector));
  json_t *tolerations = packed(json_array()), *secrets = packed(json_array());
  for (const char *const *text = settings->tolerations; text && *text; text++)
    json_array_append_new(tolerations, toleration(*text));
  for (const char *const *text = settings->pull_secrets; text && *text; text++)
    json_array_append_new(secrets, packed(json_pack("{s:s}", "name", *text)));
  json_object_set_new(spec, "tolerations", tolerations);
  json_object_set_new(spec, "imagePullSecrets", secrets);
}

static uint64_t last_resort_s(const struct plan *plan)
{
  return (PREPARING_MS_MAX + STARTING_MS_MAX + 2 * plan->limits.wall_time_ms + RUNNING_GRACE_MS + SEALING_MS_MAX) /
           1000 +
         LAST_RESORT_MARGIN_S;
}

static json_t *pod_spec(struct name name, const struct plan *plan, size_t plan_size,
                        const struct object_settings *settings)
{
  json_t *spec = packed(
    json_pack("{s:s, s:I, s:i, s:b, s:b, s:b, s:s, s:o, s:[o], s:[o], s:o}", "restartPolicy", "Never",
              "activeDeadlineSeconds", (json_int_t)last_resort_s(plan), "terminationGracePeriodSeconds", OBJECT_GRACE_S,
              "automountServiceAccountToken", 0, "enableServiceLinks", 0, "shareProcessNamespace", 0, "dnsPolicy",
              "Default", "securityContext", pod_rights(), "initContainers", install_container(name, settings),
              "containers", program_container(name, plan, settings), "volumes", volumes(name, plan, plan_size)));
  set_placement(spec, settings);
  return spec;
}

static bool all_utf8(const struct plan *plan, const struct object_settings *settings, struct error *error)
{
  const char *const texts[] = {plan->image,
                               settings->keeper_image,
                               settings->keeper_image_pull,
                               settings->image_pull,
                               settings->runtime_class,
                               settings->priority_class,
                               settings->service_account};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    json_t *text = texts[i] ? json_string(texts[i]) : 0;
    if (texts[i] && !text)
      return error_set(error, ERROR_INVALID, 0, "a name or image for the pod is not UTF-8");
    json_decref(text);
  }
  return true;
}

/* What is evicted, preempted or on a node that goes has failed at once, and no other pod is made for it, not even before it
 * has ended. A server that is older than these (1.26, 1.29) leaves them out. */
static json_t *job_spec(json_t *template)
{
  return packed(json_pack("{s:i, s:i, s:i, s:{s:[{s:s, s:[{s:s, s:s}]}]}, s:s, s:o}", "backoffLimit", 0, "completions",
                          1, "parallelism", 1, "podFailurePolicy", "rules", "action", "FailJob", "onPodConditions",
                          "type", "DisruptionTarget", "status", "True", "podReplacementPolicy", "Failed", "template",
                          template));
}

struct blob *job_encode(struct name name, const struct plan *plan, size_t plan_size,
                        const struct object_settings *settings, struct error *error)
{
  if (!all_utf8(plan, settings, error))
    return 0;
  json_t *template =
    packed(json_pack("{s:{s:o, s:[s]}, s:o}", "metadata", "labels", labels(name, settings->instance), "finalizers",
                     OBJECT_FINALIZER, "spec", pod_spec(name, plan, plan_size, settings)));
  return dump(packed(json_pack("{s:s, s:s, s:{s:s, s:o, s:[s]}, s:o}", "apiVersion", "batch/v1", "kind", "Job",
                               "metadata", "name", object_name(name).text, "labels", labels(name, settings->instance),
                               "finalizers", OBJECT_FINALIZER, "spec", job_spec(template))));
}
