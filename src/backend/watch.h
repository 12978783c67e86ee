#pragma once

/*
 * What a backend waits for on the loop: a descriptor to become readable, and a time to come. libuv wants a
 * handle to outlive its uv_close(); here each handle is on the heap and frees itself, so that whoever owns a watch or a
 * timer may forget it at once, from inside its own callback too. The loop has to turn once more afterwards before it is
 * closed.
 */

#include <stdbool.h>
#include <uv.h>

struct watch;
/* Calls `ready` whenever `fd` is readable or hung up. Takes the descriptor: watch_destroy() closes it. */
struct watch *watch_create(uv_loop_t *loop, int fd, void (*ready)(void *context), void *context);
int watch_fd(const struct watch *watch); /* -1 for NULL */
void watch_destroy(struct watch *watch); /* accepts NULL */

struct timer;
struct timer *timer_make(uv_loop_t *loop, void (*ring)(void *context), void *context);
/* Rings once, after `ms` milliseconds; 0: on the loop's next turn. Setting it again replaces the time. */
void timer_set(struct timer *timer, uint64_t ms);
void timer_stop(struct timer *timer);
bool timer_pending(const struct timer *timer);
void timer_destroy(struct timer *timer); /* accepts NULL */
