#include "loop/watch.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/memory.h"

#include <stdlib.h>

struct watch {
  uv_poll_t poll; /* first: libuv's handle is our memory */
  int fd;
  void (*ready)(void *context);
  void *context;
};

static void on_closed(uv_handle_t *handle)
{
  free(handle);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
  /* An error is readable as well: the read that follows tells what it is. */
  (void)status;
  (void)events;
  struct watch *watch = (struct watch *)poll;
  watch->ready(watch->context);
}

struct watch *watch_create(uv_loop_t *loop, int fd, void (*ready)(void *context), void *context)
{
  struct watch *watch = xcalloc(1, sizeof *watch);
  watch->fd = fd;
  watch->ready = ready;
  watch->context = context;
  ASSERT(uv_poll_init(loop, &watch->poll, fd) == 0);
  ASSERT(uv_poll_start(&watch->poll, UV_READABLE | UV_DISCONNECT, on_ready) == 0);
  return watch;
}

int watch_fd(const struct watch *watch)
{
  return watch ? watch->fd : -1;
}

void watch_destroy(struct watch *watch)
{
  if (!watch)
    return;
  uv_close((uv_handle_t *)&watch->poll, on_closed);
  fd_close(watch->fd); /* uv_close() has taken it out of the poll set already */
}
