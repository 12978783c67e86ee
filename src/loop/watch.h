#pragma once

/*
 * A descriptor that is to become readable, on the loop. libuv wants a handle to outlive its uv_close(); here it is on the
 * heap and frees itself, so that whoever owns a watch may forget it at once, from inside its own callback too. The loop
 * has to turn once more afterwards before it is closed.
 */

#include <uv.h>

struct watch;
/* Calls `ready` whenever `fd` is readable or hung up. Takes the descriptor: watch_destroy() closes it. */
struct watch *watch_create(uv_loop_t *loop, int fd, void (*ready)(void *context), void *context);
int watch_fd(const struct watch *watch); /* -1 for NULL */
void watch_destroy(struct watch *watch); /* accepts NULL */
