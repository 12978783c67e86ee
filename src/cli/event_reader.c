#include "cli/event_reader.h"

#include "base/limits.h"

#include <string.h>

/* The end of an evaluation, with all it says, or a piece of output. */
#define EVENT_BYTES_MAX MIB(4)

void event_reader_restart(struct event_reader *stream)
{
  buffer_clear(&stream->line);
  buffer_clear(&stream->name);
  buffer_clear(&stream->data);
  memcpy(stream->id, stream->last_id, sizeof stream->id);
  stream->was_return = false;
}

void event_reader_release(struct event_reader *stream)
{
  buffer_release(&stream->line);
  buffer_release(&stream->name);
  buffer_release(&stream->data);
}

/* A blank line. */
static bool end_event(struct event_reader *stream, struct error *error)
{
  bool good = true;
  if (stream->data.size) {
    const char *name = stream->name.size ? stream->name.data : "message";
    good = stream->event(stream->context, name, stream->data.data, stream->data.size - 1, error);
  }
  if (good)
    memcpy(stream->last_id, stream->id, sizeof stream->last_id);
  buffer_clear(&stream->name);
  buffer_clear(&stream->data);
  return good;
}

static void take_field(struct event_reader *stream, const char *name, size_t name_size, const char *value, size_t size)
{
  if (name_size == 4 && !memcmp(name, "data", 4)) {
    buffer_append(&stream->data, value, size);
    buffer_append(&stream->data, "\n", 1);
  } else if (name_size == 5 && !memcmp(name, "event", 5)) {
    buffer_clear(&stream->name);
    buffer_append(&stream->name, value, size);
  } else if (name_size == 2 && !memcmp(name, "id", 2) && size <= EVENT_ID_BYTES_MAX && !memchr(value, 0, size)) {
    memcpy(stream->id, value, size);
    stream->id[size] = 0;
  }
}

static bool end_line(struct event_reader *stream, struct error *error)
{
  const char *line = stream->line.data;
  size_t size = stream->line.size;
  if (!size)
    return end_event(stream, error);
  const char *colon = memchr(line, ':', size);
  size_t name_size = colon ? (size_t)(colon - line) : size;
  const char *value = colon ? colon + 1 : line + size;
  size_t value_size = (size_t)(line + size - value);
  if (value_size && *value == ' ') {
    value++;
    value_size--;
  }
  take_field(stream, line, name_size, value, value_size);
  buffer_clear(&stream->line);
  return true;
}

/* How many bytes stand before the end of the line. */
static size_t length_of_line(const char *bytes, size_t size)
{
  const char *feed = memchr(bytes, '\n', size);
  size_t length = feed ? (size_t)(feed - bytes) : size;
  const char *carriage_return = memchr(bytes, '\r', length);
  return carriage_return ? (size_t)(carriage_return - bytes) : length;
}

bool event_reader_feed(struct event_reader *stream, const void *bytes, size_t size, struct error *error)
{
  const char *next = bytes;
  for (const char *end = next + size; next < end;) {
    if (stream->was_return && *next == '\n') {
      stream->was_return = false;
      next++;
      continue;
    }
    size_t length = length_of_line(next, (size_t)(end - next));
    if (stream->line.size + stream->data.size + length > EVENT_BYTES_MAX)
      return error_set(error, ERROR_UNAVAILABLE, 0, "an event of the server is larger than %llu bytes",
                       EVENT_BYTES_MAX);
    buffer_append(&stream->line, next, length);
    next += length;
    stream->was_return = next < end && *next == '\r';
    if (next < end && (next++, !end_line(stream, error)))
      return false;
  }
  return true;
}
