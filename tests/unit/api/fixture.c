#include "fixture.h"

#include "base/memory.h"

#include <stdlib.h>

static const char *not_ready(void *context, enum error_kind *ret_kind)
{
  struct fixture *fixture = context;
  if (fixture->not_ready)
    *ret_kind = fixture->not_ready_kind;
  return fixture->not_ready;
}

static void doctor(void *context, struct buffer *ret)
{
  (void)context;
  buffer_puts(ret, "{\"isolation\":\"full\"}");
}

static void more_metrics(void *context, struct buffer *ret)
{
  (void)context;
  buffer_puts(ret, "# HELP more_metrics Of the daemon.\n# TYPE more_metrics gauge\nmore_metrics 1\n");
}

int fixture_set_up(void **state)
{
  return fixture_set_up_with(state, NULL);
}

int fixture_set_up_with(void **state, void (*adjust)(struct api_config *config))
{
  static const struct backend_offer backends[] = {
    {.name = "native"}, {.name = "boxes", .takes_images = true, .image = "box:1"}, {0}};
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  assert_int_equal(uv_loop_init(&fixture->loop), 0);
  fixture->runtimes = runtimes_create();
  struct limits most = limits_default();
  struct api_config config = {
    .executor = &fixture->executor,
    .store = &fixture->store,
    .loop = &fixture->loop,
    .runtimes = fixture->runtimes,
    .limits_default = limits_default(),
    .limits_max = most,
    .backends = backends,
    .version = "1.2.3",
    .metrics = more_metrics,
    .not_ready = not_ready,
    .doctor = doctor,
    .context = fixture,
  };
  if (adjust)
    adjust(&config);
  fixture->api = api_create(&config);
  *state = fixture;
  return 0;
}

int fixture_tear_down(void **state)
{
  struct fixture *fixture = *state;
  api_stop(fixture->api);
  assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&fixture->loop), 0);
  api_destroy(fixture->api);
  runtimes_destroy(fixture->runtimes);
  fake_executor_release(&fixture->executor);
  assert_int_equal(fixture->store.call_count, 0);
  free(fixture);
  return 0;
}

void fixture_handle(struct fixture *fixture, struct http_request *request)
{
  api_handle(fixture->api, request);
}

struct http_request *fixture_send(struct fixture *fixture, const char *method, const char *target)
{
  struct http_request *request = fake_request(method, target);
  fixture_handle(fixture, request);
  if (!fixture->executor.holds_cancels)
    fixture_cancelled(fixture, STORE_DONE);
  return request;
}

void fixture_cancelled(struct fixture *fixture, enum store_result result)
{
  struct executor *executor = &fixture->executor;
  size_t count = executor->cancelled_count;
  executor->cancelled_count = 0;
  for (size_t i = 0; i < count; i++)
    api_cancelled(fixture->api, executor->cancelled[i].id, executor->cancelled[i].token, result);
}

struct http_request *fixture_ask(struct fixture *fixture, const char *method, const char *target)
{
  struct http_request *request = fixture_send(fixture, method, target);
  fake_store_dispatch(&fixture->store);
  if (!fixture->executor.holds_cancels)
    fixture_cancelled(fixture, STORE_DONE); /* where it had to be looked up first */
  return request;
}

static void stop(uv_timer_t *timer)
{
  uv_stop(timer->loop);
}

void fixture_run_ms(struct fixture *fixture, unsigned ms)
{
  uv_timer_t timer;
  uv_timer_init(&fixture->loop, &timer);
  uv_timer_start(&timer, stop, ms, 0);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(&fixture->loop, UV_RUN_NOWAIT);
}
