#include "api/events/event_text.h"

#include "api/encode.h"
#include "api/utf8.h"
#include "base/base64.h"

struct json_writer event_begin(struct buffer *out, const char *name)
{
  buffer_printf(out, "event: %s\ndata: ", name);
  struct json_writer json = {.out = out};
  json_write_object_begin(&json);
  return json;
}

void event_end(struct json_writer *json, const char *id)
{
  json_write_object_end(json);
  buffer_printf(json->out, "\nid: %s\n\n", id);
}

static void end_at(struct json_writer *json, const struct event_id *id)
{
  char text[EVENT_ID_SIZE];
  event_id_format(id, text);
  event_end(json, text);
}

/* How many bytes at the front are whole characters. */
static size_t whole_text(const unsigned char *bytes, size_t size)
{
  size_t whole = 0, length;
  while (whole < size && utf8_next(bytes + whole, size - whole, &length))
    whole += length;
  return whole;
}

enum { UTF8_BYTES_MAX = 4 };

static void begin_output(struct json_writer *json, const struct output_span *span)
{
  json_write_member_text(json, "stream", stream_name(span->stream));
  json_write_member_u64(json, "offset", span->offset);
}

size_t event_put_output(struct buffer *out, const struct output_span *span, const void *bytes, struct event_id *id)
{
  size_t size = (size_t)span->length, whole = whole_text(bytes, size);
  bool is_text = whole > 0 && size - whole < UTF8_BYTES_MAX;
  size_t taken = is_text ? whole : size;
  struct json_writer json = event_begin(out, "output");
  begin_output(&json, span);
  json_write_key(&json, "text");
  json_write_string_begin(&json);
  if (is_text)
    json_write_bytes(&json, bytes, taken);
  else
    base64_encode(bytes, taken, out);
  json_write_string_end(&json);
  json_write_member_text(&json, "encoding", is_text ? "utf8" : "base64");
  id->position += taken;
  end_at(&json, id);
  return taken;
}

void event_put_omitted(struct buffer *out, const struct output_span *span, struct event_id *id)
{
  struct json_writer json = event_begin(out, "omitted");
  begin_output(&json, span);
  json_write_member_u64(&json, "omitted_bytes", span->length);
  id->position += span->length;
  end_at(&json, id);
}

void event_put_state(struct buffer *out, const struct evaluation *evaluation, enum state state, struct event_id *id)
{
  char at[WALL_TEXT_SIZE];
  wall_format(evaluation->entered_at[state], at);
  struct json_writer json = event_begin(out, "state");
  json_write_member_text(&json, "status", state_name(state));
  json_write_member_text(&json, "at", at);
  json_write_member_u64(&json, "attempt", evaluation->attempt);
  id->state = state;
  end_at(&json, id);
}

void event_put_attempt(struct buffer *out, const struct evaluation *evaluation, struct event_id *id)
{
  struct json_writer json = event_begin(out, "attempt");
  json_write_member_u64(&json, "attempt", evaluation->attempt);
  end_at(&json, id);
}

void event_put_end(struct buffer *out, const struct evaluation *evaluation, struct event_id *id)
{
  buffer_puts(out, "event: end\ndata: ");
  struct json_writer json = {.out = out};
  encode_evaluation(&json, evaluation, &(struct encode_options){.summary = true});
  id->state = STATE_FINISHED;
  char text[EVENT_ID_SIZE];
  event_id_format(id, text);
  buffer_printf(out, "\nid: %s\n\n", text);
}
