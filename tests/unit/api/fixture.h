#pragma once

/* An API between a fake server below and a fake executor and store above, on a loop of its own. */

#include "api/api.h"
#include "fake_http.h"
#include "fake_world.h"
#include "testing.h"

struct fixture {
  uv_loop_t loop;
  struct executor executor;
  struct store store;
  struct runtimes *runtimes;
  struct api *api;
  const char *not_ready; /* why; NULL: ready */
  enum error_kind not_ready_kind;
};

#define ID_OPEN "20261122_195800_00000001"
#define ID_FINISHED "20261122_195800_00000002"
#define ID_UNKNOWN "20261122_195800_000000ff"

int fixture_set_up(void **state);
int fixture_set_up_with(void **state, void (*adjust)(struct api_config *config)); /* another configuration */
int fixture_tear_down(void **state); /* fails where a handle or a request was left over */
#define fixture_test(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* Sends a request; the store has not answered yet, but for cancellations (fake_world.h). */
struct http_request *fixture_send(struct fixture *fixture, const char *method, const char *target);
void fixture_handle(struct fixture *fixture, struct http_request *request);
/* The same, with everything answered that the store was asked. */
struct http_request *fixture_ask(struct fixture *fixture, const char *method, const char *target);
/* Answers the cancellations that the store has. */
void fixture_cancelled(struct fixture *fixture, enum store_result result);
/* Runs the loop once, for at most about so long, as far as timers go. */
void fixture_run_ms(struct fixture *fixture, unsigned ms);
