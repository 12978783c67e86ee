/* The stream of an engine's events: however it is cut, the same is told, and every event has what it promises. */

#include "backend/docker/event_stream.h"
#include "base/error.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note_event(void *context, const struct container_event *event)
{
  ASSERT(event->action[0] && event->name);
  buffer_printf(context, "%s %s %s %llu\n", event->action, event->name, event->instance ? event->instance : "-",
                (unsigned long long)event->time_ns);
}

static void note_lost(void *context)
{
  buffer_puts(context, "lost\n");
}

static struct buffer told(const uint8_t *data, size_t size, size_t piece)
{
  struct buffer notes = {0};
  struct event_stream stream = {.handlers = {note_event, note_lost, &notes}};
  for (size_t at = 0; at < size; at += piece)
    event_stream_feed(&stream, data + at, piece < size - at ? piece : size - at);
  ASSERT(stream.lines.rest.size <= EVENT_BYTES_MAX);
  event_stream_end(&stream);
  event_stream_release(&stream);
  return notes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP_BUFFER struct buffer whole = told(data, size, size ? size : 1), pieces = told(data, size, 1 + size % 7);
  ASSERT(whole.size == pieces.size);
  ASSERT(!whole.size || memcmp(whole.data, pieces.data, whole.size) == 0);
  return 0;
}
