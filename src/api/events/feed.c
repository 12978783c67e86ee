#include "api/events/feed.h"

#include "api/events/event_text.h"
#include "api/events/live_output.h"
#include "api/trace_context.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAMS = STREAM_STDERR + 1 };
enum { PIECE_BYTES = 16 * 1024 }; /* of output in one event */
enum { BLOCK_BYTES = 64 * 1024 }; /* a block is sent once it has so many, or all there is */

struct feed {
  struct api *api;
  char id[ID_SIZE];
  struct feed_events events;
  struct followers *followers;

  struct live_output *live; /* of the attempt that runs; NULL: it has written nothing that can be read yet */
  unsigned live_attempt;

  struct evaluation *stored; /* NULL: it is open, or with the store just now */
  struct output_extent extent;
  int file[STREAMS]; /* of outputs that are not in memory */
};

/* Where the events come from. */

static const struct evaluation *evaluation_of(const struct feed *feed)
{
  return feed->stored ? feed->stored : find_open(feed->api, feed->id);
}

static const struct output_extent *extent_of(const struct feed *feed, const struct evaluation *evaluation)
{
  if (feed->stored)
    return &feed->extent;
  return feed->live && feed->live_attempt == evaluation->attempt ? live_output_extent(feed->live) : NULL;
}

static bool read_stored(const struct feed *feed, const struct output_span *span, char *ret)
{
  const struct stream_output *output = &feed->stored->outputs->stream[span->stream];
  uint64_t offset = stream_kept_offset(output, span->offset);
  if (output->data) {
    memcpy(ret, output->data->data + offset, (size_t)span->length);
    return true;
  }
  return fd_read_all_at(feed->file[span->stream], ret, (size_t)span->length, offset);
}

/* The first state of the timeline that somebody was not told of who was told of `last`; STATE_COUNT: there is none. */
static enum state state_after(const struct evaluation *evaluation, enum state last)
{
  enum state states[STATE_COUNT];
  size_t count = evaluation_timeline(evaluation, states), next = 0;
  while (next < count && states[next] != last)
    next++;
  if (next < count)
    next++;
  else /* a crash has forgotten it, or it was none: what is further on in the table is new */
    for (next = 0; next < count && states[next] <= last;)
      next++;
  return next < count ? states[next] : STATE_COUNT;
}

/* A block in the making. */
struct writing {
  const struct feed *feed;
  const struct evaluation *evaluation;
  const struct output_extent *extent; /* NULL: there is none yet */
  struct output_walk walk;
  struct event_id id; /* of the last event */
  struct buffer out;
  bool ends;
};

static void begin_attempt(struct writing *writing)
{
  bool followed_another = writing->id.attempt != 0;
  bool without_output = writing->id.position == POSITION_WITHOUT_OUTPUT;
  writing->id = (struct event_id){
    .attempt = writing->evaluation->attempt,
    .state = STATE_ACCEPTING,
    .position = without_output ? POSITION_WITHOUT_OUTPUT : 0,
  };
  if (followed_another)
    event_put_attempt(&writing->out, writing->evaluation, &writing->id);
}

static bool put_output(struct writing *writing)
{
  static char piece[PIECE_BYTES];
  struct output_span span;
  if (!writing->extent || writing->id.position == POSITION_WITHOUT_OUTPUT ||
      !output_walk_next(&writing->walk, PIECE_BYTES, &span))
    return false;
  if (span.omitted) {
    event_put_omitted(&writing->out, &span, &writing->id);
    return true;
  }
  bool was_read = writing->feed->stored ? read_stored(writing->feed, &span, piece)
                                        : live_output_read(writing->feed->live, &span, piece);
  if (!was_read) {
    log_fields(LOG_WARNING, writing->evaluation->id, TRACE_FIELDS(writing->evaluation),
               "%s cannot be read for those who follow", stream_name(span.stream));
    return false;
  }
  if (event_put_output(&writing->out, &span, piece, &writing->id) < span.length)
    output_walk_begin(&writing->walk, writing->extent, writing->id.position);
  return true;
}

/* The next event, if there is one: states until it runs, then all output, then how it ended. */
static bool put_next(struct writing *writing)
{
  const struct evaluation *evaluation = writing->evaluation;
  enum state state = state_after(evaluation, writing->id.state);
  if (state >= STATE_SEALING && put_output(writing))
    return true;
  if (state == STATE_COUNT)
    return false;
  if (state == STATE_FINISHED) {
    event_put_end(&writing->out, evaluation, &writing->id);
    writing->ends = true;
  } else {
    event_put_state(&writing->out, evaluation, state, &writing->id);
  }
  return true;
}

static bool next_block(void *context, const struct event_id *from, struct event_block *ret)
{
  struct feed *feed = context;
  const struct evaluation *evaluation = evaluation_of(feed);
  if (!evaluation)
    return false;
  struct writing writing = {.feed = feed, .evaluation = evaluation, .extent = extent_of(feed, evaluation), .id = *from};
  if (from->attempt != evaluation->attempt)
    begin_attempt(&writing);
  if (writing.extent)
    output_walk_begin(&writing.walk, writing.extent, writing.id.position);
  while (writing.out.size < BLOCK_BYTES && !writing.ends && put_next(&writing))
    ;
  if (feed->stored && !writing.out.size) { /* told to the end already */
    buffer_puts(&writing.out, EVENT_HEARTBEAT);
    writing.ends = true;
  }
  if (writing.out.size)
    *ret = (struct event_block){
      .from = *from,
      .to = writing.id,
      .bytes = blob_create(writing.out.data, writing.out.size),
      .ends = writing.ends,
    };
  bool is_any = writing.out.size > 0;
  buffer_release(&writing.out);
  return is_any;
}

static void hungry(void *context)
{
  struct feed *feed = context;
  feed->events.hungry(feed->events.context, feed);
}

static void empty(void *context)
{
  struct feed *feed = context;
  feed->events.empty(feed->events.context, feed);
}

/* Life. */

static void forget_live(struct feed *feed)
{
  live_output_close(TAKE_PTR(feed->live));
}

struct feed *feed_create(struct api *api, const char *id, const struct feed_events *events)
{
  struct feed *feed = xcalloc(1, sizeof *feed);
  feed->api = api;
  feed->events = *events;
  snprintf(feed->id, sizeof feed->id, "%s", id);
  feed->followers =
    followers_create(&(struct followers_events){.next = next_block, .hungry = hungry, .empty = empty, .context = feed});
  feed->file[STREAM_STDOUT] = feed->file[STREAM_STDERR] = -1;
  return feed;
}

void feed_destroy(struct feed *feed)
{
  followers_destroy(feed->followers);
  forget_live(feed);
  evaluation_destroy(feed->stored);
  for (int stream = 0; stream < STREAMS; stream++)
    fd_close(feed->file[stream]);
  free(feed);
}

const char *feed_id(const struct feed *feed)
{
  return feed->id;
}

struct followers *feed_followers(struct feed *feed)
{
  return feed->followers;
}

/* An output that is no longer kept is one that was left out. */
static void open_stored(struct feed *feed, enum stream stream)
{
  const struct stream_output *output = &feed->stored->outputs->stream[stream];
  if (!stream_kept_bytes(output) || output->data)
    return;
  feed->file[stream] = output->path ? open(output->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
  if (feed->file[stream] >= 0)
    return;
  feed->extent.stream[stream].head_bytes = 0;
  feed->extent.stream[stream].omitted_bytes = output->bytes;
}

void feed_finish(struct feed *feed, struct evaluation *evaluation)
{
  ASSERT(!feed->stored);
  forget_live(feed);
  feed->stored = evaluation;
  feed->extent = output_extent_of(evaluation->outputs);
  for (enum stream stream = STREAM_STDOUT; evaluation->outputs && stream <= STREAM_STDERR; stream++)
    open_stored(feed, stream);
}

bool feed_is_finished(const struct feed *feed)
{
  return feed->stored;
}

static bool can_have_written(const struct evaluation *evaluation)
{
  return evaluation && (evaluation->state == STATE_RUNNING || evaluation->state == STATE_SEALING);
}

bool feed_is_live(const struct feed *feed)
{
  return !feed->stored && feed->api->config.evidence && can_have_written(evaluation_of(feed));
}

bool feed_look(struct feed *feed)
{
  if (!feed_is_live(feed))
    return false;
  const struct evaluation *evaluation = evaluation_of(feed);
  const struct api_config *config = &feed->api->config;
  if (feed->live && feed->live_attempt != evaluation->attempt)
    forget_live(feed);
  if (!feed->live) {
    struct name name = name_make(evaluation->id, evaluation->attempt);
    int directory = config->evidence(config->context, evaluation->backend, name);
    if (directory < 0)
      return false;
    feed->live = live_output_open(directory, evaluation->limits.output_bytes);
    feed->live_attempt = evaluation->attempt;
  }
  return live_output_look(feed->live);
}
