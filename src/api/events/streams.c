#include "api/events/streams.h"

#include "api/events/changes.h"
#include "api/events/event_text.h"
#include "api/events/feed.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/random.h"
#include "loop/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };
enum { LOOK_MS = 20 }; /* between two looks at what programs have written */
enum { SHARE = 4 };    /* of the thread's time goes to looking and sending, at most one part in so many */
enum { HEARTBEAT_MS = 15000 };

struct entry {
  struct feed *feed;
  struct entry *next;
};

struct streams {
  struct api *api;
  struct entry *buckets[BUCKETS]; /* by the evaluation's id */
  unsigned feed_count;
  struct changes *changes;
  bool are_changes_due; /* told of at the next look */
  bool is_hungry;       /* somebody could take more at once */
  struct blob *heartbeat;
  struct timer *look, *beat;
};

/* Feeds by id. */

static struct entry **bucket_of(struct streams *streams, const char *id)
{
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (; *id; id++)
    hash = (hash ^ (unsigned char)*id) * 16777619u;
  return &streams->buckets[hash % BUCKETS];
}

/* What points to the entry, or to NULL where there is none. */
static struct entry **find(struct streams *streams, const char *id)
{
  struct entry **entry = bucket_of(streams, id);
  while (*entry && strcmp(feed_id((*entry)->feed), id) != 0)
    entry = &(*entry)->next;
  return entry;
}

static void feed_is_hungry(void *context, struct feed *feed)
{
  (void)feed;
  struct streams *streams = context;
  streams->is_hungry = true;
  timer_set_within(streams->look, 1);
}

static void changes_are_hungry(void *context)
{
  feed_is_hungry(context, NULL);
}

/* It goes with the next look: just now somebody may be going through the feeds. */
static void feed_is_empty(void *context, struct feed *feed)
{
  (void)feed;
  struct streams *streams = context;
  timer_set_within(streams->look, LOOK_MS);
}

static struct feed *find_or_create(struct streams *streams, const char *id)
{
  struct entry **place = find(streams, id);
  if (*place)
    return (*place)->feed;
  struct entry *entry = xcalloc(1, sizeof *entry);
  entry->feed = feed_create(
    streams->api, id, &(struct feed_events){.hungry = feed_is_hungry, .empty = feed_is_empty, .context = streams});
  *place = entry; /* the last of its bucket */
  streams->feed_count++;
  return entry->feed;
}

static void drop_empty(struct streams *streams, struct entry **place)
{
  while (*place) {
    struct entry *entry = *place;
    if (followers_count(feed_followers(entry->feed))) {
      place = &entry->next;
      continue;
    }
    *place = entry->next;
    feed_destroy(entry->feed);
    free(entry);
    streams->feed_count--;
  }
}

/* Looking and sending. */

static bool visit(struct feed *feed, bool was_hungry)
{
  if (feed_look(feed) || was_hungry)
    followers_pump(feed_followers(feed));
  return feed_is_live(feed);
}

static void on_look(void *context)
{
  struct streams *streams = context;
  struct mono began = mono_now();
  bool was_hungry = streams->is_hungry, is_any_live = false;
  streams->is_hungry = false;
  if (streams->are_changes_due || was_hungry)
    followers_pump(changes_followers(streams->changes));
  streams->are_changes_due = false;
  for (unsigned i = 0; streams->feed_count && i < BUCKETS; i++) {
    drop_empty(streams, &streams->buckets[i]);
    for (struct entry *entry = streams->buckets[i]; entry; entry = entry->next)
      is_any_live |= visit(entry->feed, was_hungry);
  }
  uint64_t rest_ms = (mono_now().us - began.us) / 1000 * SHARE;
  if (is_any_live)
    timer_set_within(streams->look, rest_ms > LOOK_MS ? rest_ms : LOOK_MS);
}

static void on_beat(void *context)
{
  struct streams *streams = context;
  followers_beat(changes_followers(streams->changes), streams->heartbeat);
  for (unsigned i = 0; i < BUCKETS; i++)
    for (struct entry *entry = streams->buckets[i]; entry; entry = entry->next)
      followers_beat(feed_followers(entry->feed), streams->heartbeat);
  if (streams_count(streams))
    timer_set(streams->beat, HEARTBEAT_MS);
}

/* The executor moved it, or the store has it. */
static void tell(struct streams *streams, struct feed *feed)
{
  feed_look(feed);
  followers_pump(feed_followers(feed));
  if (feed_is_live(feed))
    timer_set_within(streams->look, LOOK_MS);
}

struct read_call {
  struct api *api;
  char id[ID_SIZE];
};

static void finished_was_read(void *context, struct evaluation *evaluation, const struct error *error)
{
  CLEANUP_FREE struct read_call *call = context;
  struct streams *streams = call->api->streams;
  struct entry *entry = streams ? *find(streams, call->id) : NULL;
  if (!entry || feed_is_finished(entry->feed)) {
    evaluation_destroy(evaluation);
  } else if (error || !evaluation) {
    followers_dismiss(feed_followers(entry->feed)); /* they come again, and are told then */
  } else {
    feed_finish(entry->feed, evaluation);
    tell(streams, entry->feed);
  }
}

void streams_changed(struct streams *streams, const struct evaluation *evaluation)
{
  changes_add(streams->changes, evaluation);
  if (followers_count(changes_followers(streams->changes))) {
    streams->are_changes_due = true;
    timer_set_within(streams->look, LOOK_MS);
  }
  struct entry *entry = *find(streams, evaluation->id);
  if (!entry)
    return;
  if (evaluation->state != STATE_FINISHED) {
    tell(streams, entry->feed);
    return;
  }
  struct read_call *call = xcalloc(1, sizeof *call);
  call->api = streams->api;
  snprintf(call->id, sizeof call->id, "%s", evaluation->id);
  store_get(streams->api->config.store, call->id, finished_was_read, call);
}

/* Requests. */

/* Proxies are not to gather events before they pass them on (nginx.org, proxy_buffering). */
static const struct http_header_field fields[] = {{"X-Accel-Buffering", "no"}, {0}};
static const struct http_response response = {.status = 200, .content_type = "text/event-stream", .fields = fields};

static bool add_follower(struct streams *streams, struct http_request *request, struct followers *followers,
                         const struct event_id *place)
{
  metrics_count_response(&streams->api->metrics, response.status);
  if (!followers_add(followers, request, &response, place))
    return false;
  timer_set_within(streams->beat, HEARTBEAT_MS);
  return true;
}

struct events_call {
  struct api *api;
  struct http_request *request;
  char id[ID_SIZE];
  struct event_id place;
};

/* `stored` NULL: it is open. Takes it. */
static void follow(const struct events_call *call, struct evaluation *stored)
{
  struct streams *streams = call->api->streams;
  struct feed *feed = find_or_create(streams, call->id);
  if (stored && !feed_is_finished(feed))
    feed_finish(feed, stored);
  else
    evaluation_destroy(stored);
  add_follower(streams, call->request, feed_followers(feed), &call->place);
  tell(streams, feed);
  timer_set_within(streams->look, LOOK_MS); /* nobody may be following after all */
}

static void was_read(void *context, struct evaluation *evaluation, const struct error *error)
{
  CLEANUP_FREE struct events_call *call = context;
  if (error) {
    respond_problem(call->api, call->request, error, NULL);
  } else if (!evaluation) {
    respond_error(call->api, call->request, ERROR_NOT_FOUND, "no evaluation has this id");
  } else if (!call->api->streams) {
    respond_error(call->api, call->request, ERROR_UNAVAILABLE, "the daemon is stopping");
  } else if (call->place.state == STATE_FINISHED && call->place.attempt == evaluation->attempt) {
    /* Told to the end: with this status a browser does not come again (WHATWG HTML, section 9.2.3). */
    respond(call->api, call->request, &(struct http_response){.status = 204}, NULL);
  } else {
    follow(call, evaluation);
    return;
  }
  evaluation_destroy(evaluation);
}

/* "?output=all|none", and Last-Event-ID. */
static bool parse_place(const struct http_request *request, struct event_id *ret, struct error *error)
{
  const char *output = http_query(request, "output"), *last = http_header(request, "Last-Event-ID");
  bool is_none = output && !strcmp(output, "none");
  struct event_id place = {.position = is_none ? POSITION_WITHOUT_OUTPUT : 0};
  if (output && !is_none && strcmp(output, "all") != 0)
    return error_set(error, ERROR_INVALID, 0, "output must be all or none");
  if (last && *last && !event_id_parse(last, &place))
    return error_set(error, ERROR_INVALID, 0, "Last-Event-ID is not one that this stream gave");
  *ret = place;
  return true;
}

void handle_events(struct api *api, struct http_request *request, const char *id)
{
  struct error error;
  struct events_call call = {.api = api, .request = request};
  if (!parse_place(request, &call.place, &error)) {
    respond_problem(api, request, &error, NULL);
    return;
  }
  snprintf(call.id, sizeof call.id, "%s", id);
  if (find_open(api, id)) {
    follow(&call, NULL);
    return;
  }
  struct events_call *later = xmalloc(sizeof *later);
  *later = call;
  store_get(api->config.store, later->id, was_read, later);
}

void handle_all_events(struct api *api, struct http_request *request, const char *id)
{
  (void)id;
  struct streams *streams = api->streams;
  struct event_id place = changes_place(streams->changes, http_header(request, "Last-Event-ID"));
  if (add_follower(streams, request, changes_followers(streams->changes), &place))
    followers_pump(changes_followers(streams->changes));
}

/* Life. */

struct streams *streams_create(struct api *api)
{
  struct streams *streams = xcalloc(1, sizeof *streams);
  streams->api = api;
  streams->changes = changes_create((uint32_t)random_number(), changes_are_hungry, streams);
  streams->heartbeat = blob_create(EVENT_HEARTBEAT, strlen(EVENT_HEARTBEAT));
  streams->look = timer_make(api->config.loop, on_look, streams);
  streams->beat = timer_make(api->config.loop, on_beat, streams);
  return streams;
}

void streams_destroy(struct streams *streams)
{
  if (!streams)
    return;
  followers_dismiss(changes_followers(streams->changes));
  changes_destroy(streams->changes);
  for (unsigned i = 0; i < BUCKETS; i++) {
    for (struct entry *entry = streams->buckets[i]; entry; entry = entry->next)
      followers_dismiss(feed_followers(entry->feed));
    drop_empty(streams, &streams->buckets[i]);
  }
  blob_unref(streams->heartbeat);
  timer_destroy(streams->look);
  timer_destroy(streams->beat);
  free(streams);
}

unsigned streams_count(const struct streams *streams)
{
  unsigned count = streams ? followers_count(changes_followers(streams->changes)) : 0;
  for (unsigned i = 0; streams && streams->feed_count && i < BUCKETS; i++)
    for (const struct entry *entry = streams->buckets[i]; entry; entry = entry->next)
      count += followers_count(feed_followers(entry->feed));
  return count;
}
