#pragma once

/* What an access token may have at once, and how often: asked before a submission is handed to the executor. One thread. */

#include "api/access/access.h"
#include "core/executor.h"

/* Counts the submission where it is allowed. If not: FORBIDDEN for its limits, OVERLOADED where a later one may be allowed.
 * `token` may be NULL: there is none, and nothing is bounded. */
bool admission_take(struct access *access, const struct executor *executor, const struct token *token,
                    const struct evaluation *evaluation, struct mono now, struct error *error);
/* Refused with EDQUOT, it was for the token's rate: seconds until it has room again, 0: it has. `token` may be NULL. */
unsigned admission_wait_s(struct access *access, const struct token *token, struct mono now);
