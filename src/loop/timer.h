#pragma once

/*
 * A time to come, on the loop. As with a watch (watch.h), whoever owns a timer may forget it at once, from inside its own
 * callback too, and the loop has to turn once more before it is closed.
 */

#include <stdbool.h>
#include <uv.h>

struct timer;
struct timer *timer_make(uv_loop_t *loop, void (*ring)(void *context), void *context);
/* Rings once, after `ms` milliseconds; 0: on the loop's next turn. Setting it again replaces the time. */
void timer_set(struct timer *timer, uint64_t ms);
/* The same, unless it is set for a sooner time already. */
void timer_set_within(struct timer *timer, uint64_t ms);
void timer_stop(struct timer *timer);
bool timer_pending(const struct timer *timer);
void timer_destroy(struct timer *timer); /* accepts NULL */
