/*
 * Hints from the cluster: of Jobs and of pods a list each, and from its resourceVersion on a watch. An event is no more than a
 * name to look at, where something that matters has changed; the look that follows need not ask for the pod again. A watch
 * that ends, by itself or because nothing has come for too long, not even a bookmark, goes on from the last version; where
 * that is too old (410) there is a list again, after which everything is looked at.
 *
 * Lists, of metadata only, are taken every minute too: they tell of what is left over, here or there. What this process is busy
 * with is no leftover, and what it does not know is let be for a while.
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

struct watcher {
  struct watches *watches;
  enum kind kind;
  struct cluster_call *list_call, *watch_call;
  struct timer *again; /* when to connect again */
  unsigned delay_ms;
  char version[RESOURCE_VERSION_SIZE]; /* to go on from; "": list first */
  bool expired, hints;                 /* the next list makes everything be looked at */
  struct lines lines;
  struct sightings seen, list; /* in the last list; while one is read */
  bool complete;               /* the last list was */
};

struct watches {
  struct kubernetes *kubernetes;
  unsigned grace_ms;
  struct timer *timer;
  struct watcher watchers[KINDS];
};

/* What is left over. */

static void tell_found(struct kubernetes *kubernetes, struct name name)
{
  answers_tell(kubernetes->answers, ANSWER_FOUND, name);
}

static void on_listed_object(struct watcher *watcher, const json_t *object)
{
  struct kubernetes *kubernetes = watcher->watches->kubernetes;
  struct name name;
  if (!object_is_ours(object, kubernetes->instance, &name))
    return;
  const struct mono now = mono_now(), first = sightings_add(&watcher->list, &watcher->seen, name, now);
  if (now.us >= mono_add_ms(first, watcher->watches->grace_ms).us && !kube_known_find(kubernetes, name))
    tell_found(kubernetes, name);
  else if (watcher->hints)
    kubernetes_hint(kubernetes, name);
}

static void on_directory(void *context, struct name name)
{
  const struct watches *watches = context;
  if (!sightings_have(&watches->watchers[JOBS].seen, name) && !sightings_have(&watches->watchers[PODS].seen, name) &&
      !kube_known_find(watches->kubernetes, name))
    tell_found(watches->kubernetes, name);
}

/* Lists. */

static void connect_watch(void *context);

static void list_from(struct watcher *watcher, const char *from);

static void end_list(struct watcher *watcher, const json_t *body)
{
  struct watches *watches = watcher->watches;
  sightings_end_list(&watcher->list, &watcher->seen);
  watcher->complete = true;
  watcher->hints = false;
  if (!*watcher->version && list_version(body, watcher->version))
    timer_set(watcher->again, 0);
  if (watches->watchers[JOBS].complete && watches->watchers[PODS].complete)
    (void)directory_each_attempt(watches->kubernetes->attempts_fd, on_directory, watches);
}

static void retry_later(struct watcher *watcher)
{
  timer_set(watcher->again, watcher->delay_ms);
  watcher->delay_ms = backoff_longer(watcher->delay_ms, DELAY_MS_MAX);
}

static void on_list(void *context, const struct cluster_answer *answer)
{
  struct watcher *watcher = context;
  watcher->list_call = 0;
  if (answer->outcome != CLUSTER_DONE) {
    sightings_clear(&watcher->list);
    if (!*watcher->version)
      retry_later(watcher);
    return;
  }
  const json_t *items = json_object_get(answer->body, "items");
  const char *more = json_string_value(json_object_get(json_object_get(answer->body, "metadata"), "continue"));
  for (size_t i = 0; i < json_array_size(items); i++)
    on_listed_object(watcher, json_array_get(items, i));
  if (more && *more)
    list_from(watcher, more);
  else
    end_list(watcher, answer->body);
}

static void list_from(struct watcher *watcher, const char *from)
{
  struct kubernetes *kubernetes = watcher->watches->kubernetes;
  watcher->list_call = call_list_all(kubernetes, kind_names[watcher->kind], from, on_list, watcher);
}

static void list_anew(struct watcher *watcher)
{
  cluster_call_cancel(watcher->list_call);
  sightings_clear(&watcher->list);
  list_from(watcher, "");
}

/* Watching. */

static bool is_news(const struct watcher *watcher, struct known *known, const json_t *object)
{
  const uint64_t print = watcher->kind == PODS ? pod_fingerprint(object) : job_fingerprint(object);
  uint64_t *last = watcher->kind == PODS ? &known->pod_print : &known->job_print;
  if (*last == print)
    return false;
  *last = print;
  if (watcher->kind == PODS)
    kube_known_told(known, object);
  return true;
}

static void on_change(struct watcher *watcher, const struct watch_event *event)
{
  struct kubernetes *kubernetes = watcher->watches->kubernetes;
  struct name name;
  if (!object_is_ours(event->object, kubernetes->instance, &name))
    return;
  struct known *known = kube_known_find(kubernetes, name);
  if (!known || event->gone || is_news(watcher, known, event->object))
    kubernetes_hint(kubernetes, name);
}

static void on_line(void *context, const char *line, size_t size)
{
  struct watcher *watcher = context;
  json_t *json = line && json_bounds_check(line, size, 0) ? json_loadb(line, size, JSON_REJECT_DUPLICATES, 0) : 0;
  struct watch_event event = {.kind = WATCH_NONSENSE};
  if (json)
    watch_event_read(json, &event);
  if (event.version[0])
    memcpy(watcher->version, event.version, sizeof watcher->version);
  switch (event.kind) {
  case WATCH_CHANGED:
    on_change(watcher, &event);
    watcher->delay_ms = DELAY_MS_FIRST;
    break;
  case WATCH_BOOKMARK:
    watcher->delay_ms = DELAY_MS_FIRST;
    break;
  case WATCH_EXPIRED:
  case WATCH_ERROR:
  case WATCH_NONSENSE:
    watcher->expired = true; /* what it would have told is made up for by a list */
    break;
  }
  json_decref(json);
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct watcher *watcher = context;
  lines_feed(&watcher->lines, bytes, size, EVENT_BYTES_MAX, on_line, watcher);
  return !watcher->expired;
}

static void on_end(void *context, const struct cluster_answer *answer)
{
  struct watcher *watcher = context;
  watcher->watch_call = 0;
  lines_release(&watcher->lines);
  if (answer->outcome == CLUSTER_GONE || watcher->expired)
    watcher->version[0] = 0;
  watcher->expired = false;
  retry_later(watcher);
}

static void connect_watch(void *context)
{
  struct watcher *watcher = context;
  struct kubernetes *kubernetes = watcher->watches->kubernetes;
  if (watcher->watch_call || !cluster_here(kubernetes->cluster))
    return;
  if (*watcher->version) {
    watcher->watch_call =
      call_watch_all(kubernetes, kind_names[watcher->kind], watcher->version, on_data, on_end, watcher);
  } else {
    watcher->hints = true;
    list_anew(watcher);
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
    if (!watches->watchers[i].list_call)
      list_anew(&watches->watchers[i]);
}

/* A cluster that was away is met afresh. */
void watches_begin(struct watches *watches)
{
  for (int i = 0; i < KINDS; i++) {
    struct watcher *watcher = &watches->watchers[i];
    cluster_call_cancel(TAKE_PTR(watcher->watch_call));
    lines_release(&watcher->lines);
    watcher->version[0] = 0;
    watcher->expired = false;
    watcher->delay_ms = DELAY_MS_FIRST;
    connect_watch(watcher);
  }
  timer_set(watches->timer, LIST_MS);
}

struct watches *watches_create(struct kubernetes *kubernetes, unsigned grace_ms)
{
  struct watches *watches = xcalloc(1, sizeof *watches);
  watches->kubernetes = kubernetes;
  watches->grace_ms = grace_ms;
  watches->timer = timer_make(kubernetes->loop, on_timer, watches);
  for (int i = 0; i < KINDS; i++) {
    struct watcher *watcher = &watches->watchers[i];
    *watcher = (struct watcher){.watches = watches, .kind = (enum kind)i, .delay_ms = DELAY_MS_FIRST};
    watcher->again = timer_make(kubernetes->loop, connect_watch, watcher);
  }
  return watches;
}

void watches_destroy(struct watches *watches)
{
  if (!watches)
    return;
  for (int i = 0; i < KINDS; i++) {
    struct watcher *watcher = &watches->watchers[i];
    cluster_call_cancel(watcher->list_call);
    cluster_call_cancel(watcher->watch_call);
    timer_destroy(watcher->again);
    lines_release(&watcher->lines);
    sightings_clear(&watcher->seen);
    sightings_clear(&watcher->list);
  }
  timer_destroy(watches->timer);
  free(watches);
}
