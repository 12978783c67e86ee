#pragma once

/* What has to be tried until it is done, at intervals that double, from a millisecond to some seconds. */

#include "wire/name.h"

#include <uv.h>

enum chore_kind {
  CHORE_BURY,   /* a tree without a keeper: end it, and say when it is gone */
  CHORE_REMOVE, /* what is left of a finished attempt */
};

struct chores;
/* `work` returns whether it is done. It must not add chores. */
struct chores *chores_create(uv_loop_t *loop, bool (*work)(void *context, enum chore_kind kind, struct name name),
                             void *context);
void chores_destroy(struct chores *chores); /* accepts NULL */
/* Tried first on one of the loop's next turns. A chore that waits already is not doubled. */
void chores_add(struct chores *chores, enum chore_kind kind, struct name name);
