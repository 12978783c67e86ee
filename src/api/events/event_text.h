#pragma once

/*
 * Events as text/event-stream (WHATWG HTML, section 9.2): id, name, and one line of JSON. Pure.
 *
 *     struct json_writer json = event_begin(out, "state");
 *     json_write_member_text(&json, "status", "running");
 *     event_end(&json, "1.running.0");
 */

#include "api/events/event_id.h"
#include "api/json_writer.h"
#include "core/evaluation.h"
#include "core/output_walk.h"

/* `name` NULL: the data has no event's name (a comment's place). */
struct json_writer event_begin(struct buffer *out, const char *name);
void event_end(struct json_writer *json, const char *id);

/* Bytes that a program wrote, as text where they are UTF-8, else as base64. Returns how many of them it holds: all, or
 * all but a character at their end that is not whole, which comes with what follows. */
size_t event_put_output(struct buffer *out, const struct output_span *span, const void *bytes, struct event_id *id);
void event_put_omitted(struct buffer *out, const struct output_span *span, struct event_id *id);
/* A state of the timeline, entered by this evaluation. */
void event_put_state(struct buffer *out, const struct evaluation *evaluation, enum state state, struct event_id *id);
/* Another attempt than the client has followed: its output begins anew. */
void event_put_attempt(struct buffer *out, const struct evaluation *evaluation, struct event_id *id);
/* The verdict, and the last event. */
void event_put_end(struct buffer *out, const struct evaluation *evaluation, struct event_id *id);

/* A comment, which keeps a silent connection alive. */
#define EVENT_HEARTBEAT ":\n\n"
