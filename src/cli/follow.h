#pragma once

/*
 * An evaluation, followed to its end: what it writes is printed as it comes. A connection that is lost is made again and
 * goes on behind the last event that came, so that nothing is printed twice and nothing is left out.
 */

#include "cli/event_reader.h"
#include "cli/print.h"
#include "cli/remote.h"

struct follow {
  struct session *session;
  const char *id;
  struct byte_printer *out, *err; /* of its two streams; may be the same one; NULL: not printed */
  struct event_reader events;
  struct mono give_up; /* reaching the server again */
  json_t *end;         /* the evaluation, once it is finished, without its output */
};

/* To where `out` and `err` of the evaluation go: descriptors, or -1. Release it in any case. */
void follow_begin(struct follow *follow, struct session *session, const char *id, int out, int err);
/* Waits for the verdict, however long it takes. EINTR where interrupts are taken and one came: it may be called again.
 * `*ret` is borrowed. */
bool follow_to_end(struct follow *follow, const json_t **ret, struct error *error);
/* Prints what is left of cut characters. Only with `error` NULL it cannot fail. */
bool follow_release(struct follow *follow, struct error *error);
