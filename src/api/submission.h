#pragma once

/*
 * A submission: the JSON body of POST /v1/evaluations becomes an evaluation that the executor can take. Nothing in the
 * body is trusted; every fault in it is named (faults.h) and none is mended in silence.
 */

#include "api/backend_offer.h"
#include "api/faults.h"
#include "api/runtime.h"
#include "core/evaluation.h"

#include <jansson.h>

/* What this daemon offers and allows. All of it is borrowed. */
struct submission_rules {
  const struct runtimes *runtimes;
  struct limits limits_default, limits_max;
  const struct backend_offer *backends; /* the first is the default; the last is one without a name */
  bool callbacks_private;               /* callback_url may name an address that is not public */
};

enum { SUBMISSION_PRIORITY_MAX = 100, SUBMISSION_ATTEMPTS_MAX = 10 };
static_assert(+SUBMISSION_ATTEMPTS_MAX <= +ATTEMPT_MAX, "every attempt that can be asked for has a name");

/*
 * The evaluation, without id and state, for executor_submit(); the caller destroys it. NULL where the body is refused:
 * then `faults` says why, with at least one fault. `faults` must be empty before.
 */
struct evaluation *submission_decode(const struct submission_rules *rules, const void *body, size_t size,
                                     struct faults *faults);
/* The same of what is parsed already: what another API's request means. */
struct evaluation *submission_decode_json(const struct submission_rules *rules, const json_t *root,
                                          struct faults *faults);
