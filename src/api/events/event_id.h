#pragma once

/*
 * How far a client has followed an evaluation: the id of an event (Last-Event-ID), such as "1.running.5321". It is made of
 * what is true of the evaluation and of nothing in memory, so that it means the same after the daemon was killed.
 */

#include "core/lifecycle.h"

#include <stdbool.h>
#include <stdint.h>

struct event_id {
  unsigned attempt;  /* 0: nothing was told yet */
  enum state state;  /* the last one that was told of; ACCEPTING: none in this attempt */
  uint64_t position; /* in the merged output (core/output_walk.h), or POSITION_WITHOUT_OUTPUT */
};
#define POSITION_WITHOUT_OUTPUT UINT64_MAX /* beyond whatever a program can write: who is there wants none of it */

enum { EVENT_ID_SIZE = 48 };
void event_id_format(const struct event_id *id, char ret[static EVENT_ID_SIZE]);
/* False where `text` is not what event_id_format() makes; `ret` is untouched then. */
bool event_id_parse(const char *text, struct event_id *ret);
bool event_id_equal(const struct event_id *a, const struct event_id *b);
