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
  free(evaluation->labels);
  free(evaluation->idempotency_key);
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
