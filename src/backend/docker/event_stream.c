#include "backend/docker/event_stream.h"

#include "backend/docker/container.h"

#include <jansson.h>
#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
  return json_string_value(json_object_get(object, key));
}

/* What changes a container's life, in Docker's words; NULL: anything else. That is most of all what looking at one calls
 * forth ("archive-path"), which must not make anybody look again. */
static const char *find_action(const char *text)
{
  static const struct {
    const char *text, *action;
  } known[] = {
    {"create", "create"}, {"start", "start"},    {"restart", "restart"}, {"die", "die"},         {"oom", "oom"},
    {"kill", "kill"},     {"stop", "stop"},      {"pause", "pause"},     {"unpause", "unpause"}, {"destroy", "destroy"},
    {"died", "die"},      {"remove", "destroy"}, /* the last two are Podman's */
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(text, known[i].text) == 0)
      return known[i].action;
  return 0;
}

/* False: it makes no sense. */
static bool tell(const struct event_stream *stream, const json_t *object)
{
  const char *type = text_at(object, "Type"), *text = text_at(object, "Action");
  if (!type || !text)
    return false;
  const char *action = find_action(text);
  if (strcmp(type, "container") != 0 || !action)
    return true;
  const json_t *attributes = json_object_get(json_object_get(object, "Actor"), "Attributes");
  const json_int_t time_ns = json_integer_value(json_object_get(object, "timeNano"));
  const struct container_event event = {
    .action = action,
    .name = text_at(attributes, "name"),
    .instance = text_at(attributes, LABEL_INSTANCE),
    .time_ns = time_ns > 0 ? (uint64_t)time_ns : 0,
  };
  if (!event.name)
    return false;
  stream->handlers.event(stream->handlers.context, &event);
  return true;
}

static void take_line(void *context, const char *line, size_t size)
{
  const struct event_stream *stream = context;
  json_t *object = line ? json_loadb(line, size, 0, 0) : 0;
  if (!object || !tell(stream, object))
    stream->handlers.lost(stream->handlers.context);
  json_decref(object);
}

void event_stream_feed(struct event_stream *stream, const void *bytes, size_t size)
{
  lines_feed(&stream->lines, bytes, size, EVENT_BYTES_MAX, take_line, stream);
}

void event_stream_end(struct event_stream *stream)
{
  lines_end(&stream->lines, take_line, stream);
}

void event_stream_release(struct event_stream *stream)
{
  lines_release(&stream->lines);
}
