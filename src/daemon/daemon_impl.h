#pragma once

/* Inside the daemon: daemon.c starts, runs and stops it; world.c is the executor's real world. */

#include "api/api.h"
#include "backend/backend.h"
#include "core/executor.h"
#include "daemon/daemon.h"
#include "daemon/retention.h"
#include "http/server.h"
#include "store/store.h"
#include "webhook/webhooks.h"

#include <uv.h>

enum { STOP_SIGNALS = 2 };

struct daemon {
  const struct config *config;
  struct supervisor *supervisor;
  uv_loop_t loop;
  uv_timer_t tick;
  struct retention retention;
  uv_timer_t watchdog; /* runs only where the supervisor wants it */
  uv_prepare_t before_waiting;
  uv_async_t store_wakes;
  uv_signal_t signals[STOP_SIGNALS];
  int state_fd;          /* holds the lock on the state directory */
  uint64_t memory_bytes; /* that it may take */
  struct runtimes *runtimes;
  struct store *store;
  struct executor *executor;
  struct backend *backends[BACKEND_COUNT];
  unsigned backend_count;
  struct backend_offer offers[BACKEND_COUNT + 1]; /* the last one has no name */
  struct api *api;
  struct webhooks *webhooks;
  struct http_server *http;
  bool failed;
};

/* world.c */
struct world world_of(struct daemon *daemon);
struct backend_events backend_events_of(struct daemon *daemon);
/* What the API reads along from: backend_evidence() of the backend of this name; negative: there is none. */
int daemon_evidence(void *daemon, const char *backend, struct name name);
/* The store cannot keep its promise: an fsync is never tried twice. Stops; starting again is recovering. */
void daemon_break(void *daemon, const char *what);
