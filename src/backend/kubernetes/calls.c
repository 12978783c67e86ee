/* The calls that there are: https://kubernetes.io/docs/reference/kubernetes-api/ (of 1.20 and later). */

#include "backend/kubernetes/kubernetes_impl.h"
#include "http/client.h"

#include <stdio.h>

/* How long each may take. A server with too little to run on takes many seconds for each, and gets none the faster by being
 * asked anew. */
enum {
  LOOK_MS_MAX = 15000,
  CHANGE_MS_MAX = 15000,
  KILL_MS_MAX = 15000,
  LIST_MS_MAX = 20000,
  LOG_IDLE_MS_MAX = 10 * 1000,
  LOG_MS_MAX = 120 * 1000,
  WATCH_S = 300,                /* then the server ends it */
  WATCH_IDLE_MS_MAX = 90 * 1000 /* bookmarks come every minute, where there are any */
};
#define SMALL_BYTES_MAX MIB(1)
#define LIST_BYTES_MAX MIB(16)
enum { LIST_PAGE = 500, EVENTS_MAX = 20 };

static void put_query(struct buffer *path, char separator, const char *key, const char *value)
{
  buffer_printf(path, "%c%s=", separator, key);
  http_encode_part(path, value);
}

/* The attempt's labels, as a selector in the query. */
static void put_selector(struct buffer *path, char separator, const struct kubernetes *kubernetes, struct name name)
{
  char id[ID_SIZE];
  unsigned attempt;
  ASSERT(name_parse(name.text, id, &attempt));
  CLEANUP_FREE char *selector =
    xasprintf(LABEL_INSTANCE "=%s," LABEL_EVALUATION "=%s," LABEL_ATTEMPT "=%u", kubernetes->instance, id, attempt);
  put_query(path, separator, "labelSelector", selector);
}

static void put_collection(struct buffer *path, const struct kubernetes *kubernetes, const char *kind)
{
  bool job = !strcmp(kind, "jobs");
  buffer_puts(path, job ? "/apis/batch/v1/namespaces/" : "/api/v1/namespaces/");
  http_encode_part(path, kubernetes->namespace_);
  buffer_printf(path, "/%s", kind);
}

static void put_object(struct buffer *path, const struct kubernetes *kubernetes, const char *kind, const char *object)
{
  put_collection(path, kubernetes, kind);
  buffer_printf(path, "/%s", object);
}

static struct cluster_call *ask(struct kubernetes *kubernetes, const char *method, const struct buffer *path,
                                const char *body, const char *body_type, unsigned total_ms, bool urgent,
                                cluster_done *done, void *context)
{
  CLEANUP_BLOB struct blob *bytes = body ? blob_create(body, strlen(body)) : 0;
  const bool reads = !strcmp(method, "GET");
  return cluster_send(kubernetes->cluster, &(struct cluster_request){.method = method,
                                                                     .path = path->data,
                                                                     .shape = reads ? CLUSTER_WHOLE : CLUSTER_METADATA,
                                                                     .body = bytes,
                                                                     .body_type = body_type,
                                                                     .total_ms = total_ms,
                                                                     .answer_bytes_max = SMALL_BYTES_MAX,
                                                                     .urgent = urgent,
                                                                     .done = done,
                                                                     .context = context});
}

static struct cluster_call *make(struct kubernetes *kubernetes, const char *kind, struct blob *body, cluster_done *done,
                                 void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_collection(&path, kubernetes, kind);
  return cluster_send(kubernetes->cluster, &(struct cluster_request){.method = "POST",
                                                                     .path = path.data,
                                                                     .body = body,
                                                                     .shape = CLUSTER_METADATA,
                                                                     .total_ms = CHANGE_MS_MAX,
                                                                     .answer_bytes_max = MIB(4),
                                                                     .done = done,
                                                                     .context = context});
}

struct cluster_call *call_make_secret(struct kubernetes *kubernetes, struct name name, unsigned part,
                                      const struct blob *plan, cluster_done *done, void *context)
{
  unsigned char key[SEAL_KEY_BYTES];
  seal_key_derive(kubernetes->secret, sizeof kubernetes->secret, name, key);
  CLEANUP_BLOB struct blob *body = secret_encode(name, kubernetes->instance, part, plan, key);
  explicit_bzero(key, sizeof key);
  return make(kubernetes, "secrets", body, done, context);
}

struct cluster_call *call_make_job(struct kubernetes *kubernetes, struct blob *body, cluster_done *done, void *context)
{
  return make(kubernetes, "jobs", body, done, context);
}

struct cluster_call *call_get_job(struct kubernetes *kubernetes, struct name name, bool urgent, cluster_done *done,
                                  void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_object(&path, kubernetes, "jobs", object_name(name).text);
  return ask(kubernetes, "GET", &path, 0, 0, LOOK_MS_MAX, urgent, done, context);
}

struct cluster_call *call_get_pod(struct kubernetes *kubernetes, const char *pod, cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_object(&path, kubernetes, "pods", pod);
  return ask(kubernetes, "GET", &path, 0, 0, LOOK_MS_MAX, false, done, context);
}

struct cluster_call *call_list_pods(struct kubernetes *kubernetes, struct name name, bool urgent, cluster_done *done,
                                    void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_collection(&path, kubernetes, "pods");
  put_selector(&path, '?', kubernetes, name);
  return ask(kubernetes, "GET", &path, 0, 0, LOOK_MS_MAX, urgent, done, context);
}

struct cluster_call *call_list_events(struct kubernetes *kubernetes, struct name name, cluster_done *done,
                                      void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  CLEANUP_FREE char *selector =
    xasprintf("involvedObject.kind=Job,involvedObject.name=%s,type=Warning", object_name(name).text);
  put_collection(&path, kubernetes, "events");
  put_query(&path, '?', "fieldSelector", selector);
  buffer_printf(&path, "&limit=%d", EVENTS_MAX);
  return ask(kubernetes, "GET", &path, 0, 0, LOOK_MS_MAX, false, done, context);
}

struct cluster_call *call_read_log(struct kubernetes *kubernetes, const char *pod, bool follow, cluster_data *data,
                                   cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_object(&path, kubernetes, "pods", pod);
  buffer_printf(&path, "/log?container=" CONTAINER_PROGRAM "%s", follow ? "&follow=true" : "");
  return cluster_send(kubernetes->cluster, &(struct cluster_request){.method = "GET",
                                                                     .path = path.data,
                                                                     .total_ms = follow ? 0 : LOG_MS_MAX,
                                                                     .idle_ms = follow ? 0 : LOG_IDLE_MS_MAX,
                                                                     .answer_bytes_max = SMALL_BYTES_MAX,
                                                                     .urgent = true,
                                                                     .data = data,
                                                                     .done = done,
                                                                     .context = context});
}

/* Deleting. */

/* Where there is one, the server finds it by its name; else it looks through all that there are for the labels. */
struct cluster_call *call_delete_secrets(struct kubernetes *kubernetes, struct name name, unsigned count,
                                         cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  CLEANUP_FREE char *first = xasprintf("metadata.name=%s", object_name(name).text);
  put_collection(&path, kubernetes, "secrets");
  put_selector(&path, '?', kubernetes, name);
  if (count == 1)
    put_query(&path, '&', "fieldSelector", first);
  return cluster_send(kubernetes->cluster, &(struct cluster_request){.method = "DELETE",
                                                                     .path = path.data,
                                                                     .shape = CLUSTER_METADATA_LIST,
                                                                     .total_ms = KILL_MS_MAX,
                                                                     .answer_bytes_max = SMALL_BYTES_MAX,
                                                                     .urgent = true,
                                                                     .done = done,
                                                                     .context = context});
}

/* Its pods stay: they are deleted by themselves, or read first. */
struct cluster_call *call_delete_job(struct kubernetes *kubernetes, struct name name, cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_object(&path, kubernetes, "jobs", object_name(name).text);
  return ask(kubernetes, "DELETE", &path, "{\"propagationPolicy\":\"Background\"}", 0, KILL_MS_MAX, true, done,
             context);
}

struct cluster_call *call_delete_pod(struct kubernetes *kubernetes, const struct pod_seen *pod, int grace_s,
                                     cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  char grace[48] = "";
  if (grace_s >= 0)
    snprintf(grace, sizeof grace, "\"gracePeriodSeconds\":%d,", grace_s);
  CLEANUP_FREE char *body = xasprintf("{%s\"preconditions\":{\"uid\":\"%s\"}}", grace, pod->uid);
  put_object(&path, kubernetes, "pods", pod->name);
  return ask(kubernetes, "DELETE", &path, body, 0, KILL_MS_MAX, true, done, context);
}

/* Of exactly this pod: with another uid it is a conflict. */
struct cluster_call *call_grant_pod(struct kubernetes *kubernetes, const struct pod_seen *pod, cluster_done *done,
                                    void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  CLEANUP_FREE char *body =
    xasprintf("{\"metadata\":{\"uid\":\"%s\",\"annotations\":{\"" ANNOTATION_GRANTED "\":\"yes\"}}}", pod->uid);
  put_object(&path, kubernetes, "pods", pod->name);
  return ask(kubernetes, "PATCH", &path, body, "application/merge-patch+json", CHANGE_MS_MAX, false, done, context);
}

/* Takes our finalizer away, and leaves those of others. */
static struct cluster_call *release(struct kubernetes *kubernetes, const char *kind, const char *object,
                                    cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_object(&path, kubernetes, kind, object);
  return ask(kubernetes, "PATCH", &path,
             "{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"" OBJECT_FINALIZER "\"]}}",
             "application/strategic-merge-patch+json", CHANGE_MS_MAX, true, done, context);
}

struct cluster_call *call_release_job(struct kubernetes *kubernetes, struct name name, cluster_done *done,
                                      void *context)
{
  return release(kubernetes, "jobs", object_name(name).text, done, context);
}

struct cluster_call *call_release_pod(struct kubernetes *kubernetes, const char *pod, cluster_done *done, void *context)
{
  return release(kubernetes, "pods", pod, done, context);
}

/* All of ours. */

static void put_all(struct buffer *path, const struct kubernetes *kubernetes, const char *kind)
{
  CLEANUP_FREE char *selector = xasprintf(LABEL_INSTANCE "=%s", kubernetes->instance);
  put_collection(path, kubernetes, kind);
  put_query(path, '?', "labelSelector", selector);
}

struct cluster_call *call_list_all(struct kubernetes *kubernetes, const char *kind, const char *from,
                                   cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_all(&path, kubernetes, kind);
  buffer_printf(&path, "&limit=%d", LIST_PAGE);
  if (*from)
    put_query(&path, '&', "continue", from);
  return cluster_send(kubernetes->cluster, &(struct cluster_request){.method = "GET",
                                                                     .path = path.data,
                                                                     .total_ms = LIST_MS_MAX,
                                                                     .answer_bytes_max = LIST_BYTES_MAX,
                                                                     .shape = CLUSTER_METADATA_LIST,
                                                                     .done = done,
                                                                     .context = context});
}

struct cluster_call *call_watch_pods(struct kubernetes *kubernetes, const char *version, cluster_data *data,
                                     cluster_done *done, void *context)
{
  CLEANUP_BUFFER struct buffer path = {0};
  put_all(&path, kubernetes, "pods");
  buffer_printf(&path, "&watch=true&allowWatchBookmarks=true&timeoutSeconds=%d", WATCH_S);
  put_query(&path, '&', "resourceVersion", version);
  return cluster_send(kubernetes->cluster, &(struct cluster_request){.method = "GET",
                                                                     .path = path.data,
                                                                     .idle_ms = WATCH_IDLE_MS_MAX,
                                                                     .answer_bytes_max = SMALL_BYTES_MAX,
                                                                     .data = data,
                                                                     .done = done,
                                                                     .context = context});
}
