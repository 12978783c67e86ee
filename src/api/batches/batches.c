#include "api/batches/batches_impl.h"

#include "base/memory.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 20 }; /* between two looks at what has ended, for who streams results */

static void on_kick(void *context)
{
  struct batches *batches = context;
  struct upload *next;
  for (struct upload *upload = LIST_FIRST(&batches->uploads); upload; upload = next) {
    next = upload_next(upload);
    upload_get_on(upload);
  }
}

static void on_look(void *context)
{
  results_look_all(context);
}

void batches_kick_uploads(struct batches *batches, unsigned within_ms)
{
  timer_set_within(batches->kick, within_ms);
}

void batches_look_at_results(struct batches *batches)
{
  timer_set_within(batches->look, LOOK_MS);
}

void batches_changed(struct batches *batches, const struct evaluation *evaluation)
{
  if (!LIST_EMPTY(&batches->uploads)) /* one that waits less may be room for another */
    batches_kick_uploads(batches, 0);
  if (evaluation->batch && evaluation->state == STATE_FINISHED)
    results_changed(batches, evaluation->batch);
}

struct batches *batches_create(struct api *api)
{
  struct batches *batches = xcalloc(1, sizeof *batches);
  batches->api = api;
  batches->kick = timer_make(api->config.loop, on_kick, batches);
  batches->look = timer_make(api->config.loop, on_look, batches);
  return batches;
}

void batches_destroy(struct batches *batches)
{
  if (!batches)
    return;
  batches_end_uploads(batches, NULL, ERROR_UNAVAILABLE,
                      "the daemon is stopping; what was accepted goes on, send the batch again for the rest");
  results_end_all(batches);
  timer_destroy(batches->kick);
  timer_destroy(batches->look);
  free(batches);
}

/* Batches by their ids, each once: a tree of tsearch(3) that borrows the texts. */
struct distinct {
  void *ids;
  unsigned count;
};

static int compare_ids(const void *a, const void *b)
{
  return strcmp(a, b);
}

static void count_distinct(struct distinct *distinct, const char *id)
{
  if (!*id || tfind(id, &distinct->ids, compare_ids))
    return;
  ASSERT(tsearch(id, &distinct->ids, compare_ids));
  distinct->count++;
}

static void keep(void *id)
{
  (void)id; /* borrowed */
}

static unsigned open_count(const struct batches *batches)
{
  struct distinct distinct = {0};
  const char *last = "";
  for (struct upload *upload = LIST_FIRST(&batches->uploads); upload; upload = upload_next(upload))
    count_distinct(&distinct, upload_batch(upload));
  for (const struct evaluation *evaluation = NULL;
       (evaluation = executor_each(batches->api->config.executor, evaluation));) {
    if (!evaluation->batch || !strcmp(evaluation->batch, last)) /* lines of one batch mostly stand together */
      continue;
    last = evaluation->batch;
    count_distinct(&distinct, last);
  }
  tdestroy(distinct.ids, keep);
  return distinct.count;
}

struct batches_counts batches_count(const struct batches *batches)
{
  return batches ? (struct batches_counts){open_count(batches), uploads_count(batches), results_count(batches)}
                 : (struct batches_counts){0};
}
