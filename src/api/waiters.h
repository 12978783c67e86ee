#pragma once

/*
 * The clients that wait for a verdict, by the evaluation's id. Each is answered once: by who takes it when the
 * evaluation is finished, or by `expired` when its time is over. A client that leaves is dropped at once.
 *
 * One timer for all, which runs only while somebody waits: an idle daemon is not woken. One thread.
 */

#include "api/reply.h"

#include <uv.h>

struct waiters;

typedef void waiter_answer(void *context, const char *id, const struct reply *reply);

struct waiters *waiters_create(uv_loop_t *loop, waiter_answer *expired, void *context);
/* Nobody may wait any more. The timer's handle closes when the loop runs on. Accepts NULL. */
void waiters_destroy(struct waiters *waiters);

/* Takes the reply's request over, for `reply->wait_seconds`. */
void waiters_add(struct waiters *waiters, const char *id, const struct reply *reply);
/* Hands over all who wait for `id`; id NULL: all. They wait no more before the first of them is answered, so that
 * `answer` may do anything. */
void waiters_take(struct waiters *waiters, const char *id, waiter_answer *answer, void *context);
unsigned waiters_count(const struct waiters *waiters);
