/*
 * Hints from the cluster: a list of the pods, and from its resourceVersion on a watch. An event is no more than a name to look at,
 * where something that matters has changed; the look that follows need not ask for the pod again. A watch that ends, by itself or
 * because nothing has come for too long, not even a bookmark, goes on from the last version; where that is too old (410) there is a
 * list again, after which everything is looked at. (Of a Job a watch would tell nothing that its pods do not.)
 *
 * Lists of Jobs and of pods, of metadata only, are taken every minute too: they tell of what is left over, here or there. What this
 * process is busy with is no leftover, and what it does not know is let be for a while.
 *
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */

#include "backend/backoff.h"
#include "backend/directory.h"
#include "backend/kubernetes/kubernetes_impl.h"
#include "backend/lines.h"
#include "backend/sightings.h"
#include "base/json_bounds.h"

#include <stdlib.h>

enum { DELAY_MS_FIRST = 100, DELAY_MS_MAX = 5000, LIST_MS = 60 * 1000 };
#define EVENT_BYTES_MAX MIB(2)

enum kind { JOBS, PODS, KINDS };
static const char *const kind_names[KINDS] = {"jobs", "pods"};

struct list {
  struct watches *watches;
  enum kind kind;
  struct cluster_call *call;
  struct sightings seen, read; /* in the last one; in this one so far */
  bool complete;               /* the last one was */
};

struct watch {
  struct cluster_call *call;
  struct timer *again; /* when to connect again */
  unsigned delay_ms;
  char version[RESOURCE_VERSION_SIZE]; /* to go on from; "": list first */
  bool expired, hints;                 /* the next list makes everything be looked at */
  struct lines lines;
};

struct watches {
  struct kubernetes *kubernetes;
  unsigned grace_ms;
  struct timer *timer;
  struct list lists[KINDS];
  struct watch watch; /* of pods */
};

/* What is left over. */

static void tell_found(struct kubernetes *kubernetes, struct name name)
{
  answers_tell(kubernetes->answers, ANSWER_FOUND, name);
}

static void on_listed_object(struct list *list, const json_t *object)
{
  const struct watches *watches = list->watches;
  struct kubernetes *kubernetes = watches->kubernetes;
  struct name name;
  if (!object_is_ours(object, kubernetes->instance, &name))
    return;
  const struct mono now = mono_now(), first = sightings_add(&list->read, &list->seen, name, now);
  if (now.us >= mono_add_ms(first, watches->grace_ms).us && !kube_known_find(kubernetes, name))
    tell_found(kubernetes, name);
  else if (list->kind == PODS && watches->watch.hints)
    kubernetes_hint(kubernetes, name);
}

static void on_directory(void *context, struct name name)
{
  const struct watches *watches = context;
  if (!sightings_have(&watches->lists[JOBS].seen, name) && !sightings_have(&watches->lists[PODS].seen, name) &&
      !kube_known_find(watches->kubernetes, name))
    tell_found(watches->kubernetes, name);
}

/* Lists. */

static void list_from(struct list *list, const char *from);

static void watch_later(struct watch *watch)
{
  timer_set(watch->again, watch->delay_ms);
  watch->delay_ms = backoff_longer(watch->delay_ms, DELAY_MS_MAX);
}

static void watch_from_list(struct watch *watch, const json_t *pods)
{
  watch->hints = false;
  if (!*watch->version && list_version(pods, watch->version))
    timer_set(watch->again, 0);
}

static void end_list(struct list *list, const json_t *body)
{
  struct watches *watches = list->watches;
  sightings_end_list(&list->read, &list->seen);
  list->complete = true;
  if (list->kind == PODS)
    watch_from_list(&watches->watch, body);
  if (watches->lists[JOBS].complete && watches->lists[PODS].complete)
    (void)directory_each_attempt(watches->kubernetes->attempts_fd, on_directory, watches);
}

static void on_list(void *context, const struct cluster_answer *answer)
{
  struct list *list = context;
  struct watch *watch = &list->watches->watch;
  list->call = 0;
  if (answer->outcome != CLUSTER_DONE) {
    sightings_clear(&list->read);
    if (list->kind == PODS && !*watch->version)
      watch_later(watch);
    return;
  }
  const json_t *items = json_object_get(answer->body, "items");
  const char *more = json_string_value(json_object_get(json_object_get(answer->body, "metadata"), "continue"));
  for (size_t i = 0; i < json_array_size(items); i++)
    on_listed_object(list, json_array_get(items, i));
  if (more && *more)
    list_from(list, more);
  else
    end_list(list, answer->body);
}

static void list_from(struct list *list, const char *from)
{
  list->call = call_list_all(list->watches->kubernetes, kind_names[list->kind], from, on_list, list);
}

static void list_anew(struct list *list)
{
  cluster_call_cancel(list->call);
  sightings_clear(&list->read);
  list_from(list, "");
}

/* Watching. */

static bool is_news(struct known *known, const json_t *pod)
{
  const uint64_t print = pod_fingerprint(pod);
  if (known->pod_print == print)
    return false;
  known->pod_print = print;
  kube_known_told(known, pod);
  return true;
}

static void on_change(struct kubernetes *kubernetes, const struct watch_event *event)
{
  struct name name;
  if (!object_is_ours(event->object, kubernetes->instance, &name))
    return;
  struct known *known = kube_known_find(kubernetes, name);
  if (!known || event->gone || is_news(known, event->object))
    kubernetes_hint(kubernetes, name);
}

static void on_line(void *context, const char *line, size_t size)
{
  struct watches *watches = context;
  struct watch *watch = &watches->watch;
  json_t *json = line && json_bounds_check(line, size, 0) ? json_loadb(line, size, JSON_REJECT_DUPLICATES, 0) : 0;
  struct watch_event event = {.kind = WATCH_NONSENSE};
  if (json)
    watch_event_read(json, &event);
  if (event.version[0])
    memcpy(watch->version, event.version, sizeof watch->version);
  switch (event.kind) {
  case WATCH_CHANGED:
    on_change(watches->kubernetes, &event);
    watch->delay_ms = DELAY_MS_FIRST;
    break;
  case WATCH_BOOKMARK:
    watch->delay_ms = DELAY_MS_FIRST;
    break;
  case WATCH_EXPIRED:
  case WATCH_ERROR:
  case WATCH_NONSENSE:
    watch->expired = true; /* what it would have told is made up for by a list */
    break;
  }
  json_decref(json);
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct watches *watches = context;
  lines_feed(&watches->watch.lines, bytes, size, EVENT_BYTES_MAX, on_line, watches);
  return !watches->watch.expired;
}

static void on_end(void *context, const struct cluster_answer *answer)
{
  struct watch *watch = &((struct watches *)context)->watch;
  watch->call = 0;
  lines_release(&watch->lines);
  if (answer->outcome == CLUSTER_GONE || watch->expired)
    watch->version[0] = 0;
  watch->expired = false;
  watch_later(watch);
}

static void connect_watch(void *context)
{
  struct watches *watches = context;
  struct kubernetes *kubernetes = watches->kubernetes;
  struct watch *watch = &watches->watch;
  if (watch->call || !cluster_here(kubernetes->cluster))
    return;
  if (*watch->version) {
    watch->call = call_watch_pods(kubernetes, watch->version, on_data, on_end, watches);
  } else {
    watch->hints = true;
    list_anew(&watches->lists[PODS]);
  }
}

/* All of them. */

static void on_timer(void *context)
{
  struct watches *watches = context;
  watches_list(watches);
  timer_set(watches->timer, LIST_MS);
}

void watches_list(struct watches *watches)
{
  if (!cluster_here(watches->kubernetes->cluster))
    return;
  for (int i = 0; i < KINDS; i++)
    if (!watches->lists[i].call)
      list_anew(&watches->lists[i]);
}

/* A cluster that was away is met afresh. */
void watches_begin(struct watches *watches)
{
  struct watch *watch = &watches->watch;
  cluster_call_cancel(TAKE_PTR(watch->call));
  lines_release(&watch->lines);
  watch->version[0] = 0;
  watch->expired = false;
  watch->delay_ms = DELAY_MS_FIRST;
  connect_watch(watches);
  list_anew(&watches->lists[JOBS]);
  timer_set(watches->timer, LIST_MS);
}

struct watches *watches_create(struct kubernetes *kubernetes, unsigned grace_ms)
{
  struct watches *watches = xcalloc(1, sizeof *watches);
  watches->kubernetes = kubernetes;
  watches->grace_ms = grace_ms;
  watches->timer = timer_make(kubernetes->loop, on_timer, watches);
  watches->watch = (struct watch){.again = timer_make(kubernetes->loop, connect_watch, watches)};
  for (int i = 0; i < KINDS; i++)
    watches->lists[i] = (struct list){.watches = watches, .kind = (enum kind)i};
  return watches;
}

void watches_destroy(struct watches *watches)
{
  if (!watches)
    return;
  for (int i = 0; i < KINDS; i++) {
    struct list *list = &watches->lists[i];
    cluster_call_cancel(list->call);
    sightings_clear(&list->seen);
    sightings_clear(&list->read);
  }
  cluster_call_cancel(watches->watch.call);
  timer_destroy(watches->watch.again);
  lines_release(&watches->watch.lines);
  timer_destroy(watches->timer);
  free(watches);
}
