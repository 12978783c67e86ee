#include "cli/follow.h"

#include "base/base64.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct byte_printer *printer_of(const struct follow *follow, const char *stream)
{
  return strcmp(stream, "stdout") == 0 ? follow->out : strcmp(stream, "stderr") == 0 ? follow->err : 0;
}

static bool take_output(struct follow *follow, const json_t *event, struct error *error)
{
  struct byte_printer *printer = printer_of(follow, json_text_at(event, "stream"));
  const json_t *text = json_at(event, "text");
  if (!printer || !text)
    return true;
  if (strcmp(json_text_at(event, "encoding"), "base64") != 0)
    return byte_printer_write(printer, json_string_value(text), json_string_length(text), error);
  CLEANUP_BUFFER struct buffer bytes = {0};
  return base64_decode(json_string_value(text), json_string_length(text), &bytes)
           ? byte_printer_write(printer, bytes.data, bytes.size, error)
           : error_set(error, ERROR_UNAVAILABLE, 0, "the server sent output that is not base64");
}

static bool take_attempt(struct follow *follow, const json_t *event, struct error *error)
{
  (void)error;
  if (follow->out || follow->err)
    fprintf(stderr, "assay: the platform lost it; attempt %lld begins, and its output from the beginning\n",
            json_integer_value(json_at(event, "attempt")));
  return true;
}

static bool take_end(struct follow *follow, const json_t *event, struct error *error)
{
  (void)error;
  if (!follow->end) /* there is one end */
    follow->end = json_deep_copy(event);
  return true;
}

static const struct {
  const char *name;
  bool (*take)(struct follow *follow, const json_t *event, struct error *error);
} kinds[] = {{"output", take_output}, {"attempt", take_attempt}, {"end", take_end}};

static bool on_event(void *context, const char *name, const char *data, size_t size, struct error *error)
{
  struct follow *follow = context;
  follow->give_up = session_patience();
  json_error_t why;
  CLEANUP_JSON json_t *event = json_loadb(data, size, JSON_ALLOW_NUL, &why);
  if (!event)
    return error_set(error, ERROR_UNAVAILABLE, 0, "an event of the server is not JSON: %s", why.text);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0)
      return kinds[i].take(follow, event, error);
  return true; /* a state, or what a later server tells */
}

static bool on_bytes(void *context, const void *bytes, size_t size, struct error *error)
{
  struct follow *follow = context;
  return event_reader_feed(&follow->events, bytes, size, error);
}

void follow_begin(struct follow *follow, struct session *session, const char *id, int out, int err)
{
  *follow = (struct follow){.session = session, .id = id};
  follow->events = (struct event_reader){.event = on_event, .context = follow};
  follow->out = out < 0 ? 0 : byte_printer_create(out);
  follow->err = err < 0 ? 0 : err == out ? follow->out : byte_printer_create(err);
}

/* Until the stream ends: with the evaluation, or before, since the daemon is stopping. */
static bool follow_once(struct follow *follow, struct error *error)
{
  CLEANUP_FREE char *path = remote_path(follow->id, follow->out || follow->err ? "events" : "events?output=none");
  const struct client_request request = {
    .method = "GET",
    .path = path,
    .content_type = "text/event-stream",
    .last_event_id = follow->events.last_id,
    .interrupts = follow->session->interrupts,
  };
  event_reader_restart(&follow->events);
  if (!client_fetch(follow->session->client, &request, on_bytes, follow, error))
    return follow->end; /* the connection ended a little late */
  return follow->end || error_set(error, ERROR_UNAVAILABLE, ECONNRESET, "%s ended the stream before the evaluation",
                                  client_server(follow->session->client));
}

bool follow_to_end(struct follow *follow, const json_t **ret, struct error *error)
{
  follow->give_up = session_patience();
  while (!follow_once(follow, error))
    if (!session_may_repeat(follow->session, follow->session->interrupts, follow->give_up, error))
      return false;
  *ret = follow->end;
  return true;
}

bool follow_release(struct follow *follow, struct error *error)
{
  bool good = true;
  if (follow->out)
    good = byte_printer_finish(follow->out, error);
  if (follow->err && follow->err != follow->out)
    good = byte_printer_finish(follow->err, good ? error : 0) && good;
  follow->out = follow->err = 0;
  event_reader_release(&follow->events);
  json_decref(follow->end);
  follow->end = 0;
  return good;
}
