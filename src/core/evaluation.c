#include "core/evaluation.h"

#include "base/memory.h"

#include <stdlib.h>

struct evaluation *evaluation_create(void)
{
  struct evaluation *evaluation = xcalloc(1, sizeof *evaluation);
  evaluation->attempt = 1;
  evaluation->attempts_max = 1;
  evaluation->limits = limits_default();
  evaluation->verdict.exit_code = -1;
  return evaluation;
}

void evaluation_destroy(struct evaluation *evaluation)
{
  if (!evaluation)
    return;
  free(evaluation->image);
  free(evaluation->callback_url);
  free(evaluation->labels);
  free(evaluation->traceparent);
  free(evaluation->tracestate);
  free(evaluation->token);
  free(evaluation->idempotency_key);
  free(evaluation->batch);
  blob_unref(evaluation->plan);
  outputs_unref(evaluation->outputs);
  free(evaluation);
}

const char *evaluation_status(const struct evaluation *evaluation)
{
  if (evaluation->verdict.kind != VERDICT_NONE && evaluation->state == STATE_FINISHED)
    return verdict_name(evaluation->verdict.kind);
  return state_name(evaluation->state);
}

/* Whether `a` was entered after `b`. Within a millisecond the table's order decides, but that the present state is the
 * latest. */
static bool entered_after(const struct evaluation *evaluation, enum state a, enum state b)
{
  int64_t a_ms = evaluation->entered_at[a].ms, b_ms = evaluation->entered_at[b].ms;
  return a_ms > b_ms || (a_ms == b_ms && a == evaluation->state);
}

size_t evaluation_timeline(const struct evaluation *evaluation, enum state ret[static STATE_COUNT])
{
  size_t count = 0;
  for (enum state state = STATE_QUEUED; state < STATE_COUNT; state++) {
    /* The time of the verdict is set when it is handed to the store; nobody hears of it before it is durable. */
    if (!evaluation->entered_at[state].ms || (state == STATE_FINISHED && evaluation->state != STATE_FINISHED))
      continue;
    size_t at = count++;
    for (; at > 0 && entered_after(evaluation, ret[at - 1], state); at--)
      ret[at] = ret[at - 1];
    ret[at] = state;
  }
  return count;
}
