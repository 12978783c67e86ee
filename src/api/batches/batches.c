#include "api/batches/batches_impl.h"

#include "base/memory.h"

#include <stdlib.h>

enum { LOOK_MS = 20 }; /* between two looks at what has ended, for who streams results */

static void on_kick(uv_timer_t *timer)
{
  struct batches *batches = timer->data;
  struct upload *next;
  for (struct upload *upload = LIST_FIRST(&batches->uploads); upload; upload = next) {
    next = upload_next(upload);
    upload_get_on(upload);
  }
}

static void on_look(uv_timer_t *timer)
{
  results_look_all(timer->data);
}

void batches_kick_uploads(struct batches *batches, unsigned within_ms)
{
  if (!uv_is_active((uv_handle_t *)batches->kick) || uv_timer_get_due_in(batches->kick) > within_ms)
    uv_timer_start(batches->kick, on_kick, within_ms, 0);
}

void batches_look_at_results(struct batches *batches)
{
  if (!uv_is_active((uv_handle_t *)batches->look))
    uv_timer_start(batches->look, on_look, LOOK_MS, 0);
}

void batches_changed(struct batches *batches, const struct evaluation *evaluation)
{
  if (!LIST_EMPTY(&batches->uploads)) /* one that waits less may be room for another */
    batches_kick_uploads(batches, 0);
  if (evaluation->batch && evaluation->state == STATE_FINISHED)
    results_changed(batches, evaluation->batch);
}

static uv_timer_t *make_timer(struct batches *batches)
{
  uv_timer_t *timer = xcalloc(1, sizeof *timer);
  uv_timer_init(batches->api->config.loop, timer);
  timer->data = batches;
  return timer;
}

static void timer_closed(uv_handle_t *timer)
{
  free(timer);
}

struct batches *batches_create(struct api *api)
{
  struct batches *batches = xcalloc(1, sizeof *batches);
  batches->api = api;
  batches->kick = make_timer(batches);
  batches->look = make_timer(batches);
  return batches;
}

void batches_destroy(struct batches *batches)
{
  if (!batches)
    return;
  batches_end_uploads(batches, NULL, ERROR_UNAVAILABLE,
                      "the daemon is stopping; what was accepted goes on, send the batch again for the rest");
  results_end_all(batches);
  uv_close((uv_handle_t *)batches->kick, timer_closed);
  uv_close((uv_handle_t *)batches->look, timer_closed);
  free(batches);
}

struct batches_counts batches_count(const struct batches *batches)
{
  return batches ? (struct batches_counts){uploads_count(batches), results_count(batches)} : (struct batches_counts){0};
}
