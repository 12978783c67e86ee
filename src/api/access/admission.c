#include "api/access/admission.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { SECOND_US = 1000 * 1000, MINUTE_US = 60 * SECOND_US };

/* A submission of /v1 hears of this earlier, with the place in its body. */
static bool check_limits(const struct token *token, const struct evaluation *evaluation, struct error *error)
{
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    if (limit_value(&evaluation->limits, kind) > limit_value(&token->limits, kind))
      return error_set(error, ERROR_FORBIDDEN, 0, "the access token %s allows a %s of %" PRIu64 " at most", token->name,
                       limit_name(kind), limit_value(&token->limits, kind));
  return true;
}

/* They are counted and not kept count of: it is right after a crash as well, and few tokens are bounded. */
static bool check_open(const struct token *token, const struct executor *executor, struct error *error)
{
  unsigned count = 0;
  if (!token->open_evaluations)
    return true;
  for (const struct evaluation *each = NULL; (each = executor_each(executor, each));)
    count += each->token && !strcmp(each->token, token->name);
  return count < token->open_evaluations ||
         error_set(error, ERROR_OVERLOADED, 0, "the access token %s has %u open evaluations, and may have no more",
                   token->name, count);
}

/* As a queue that empties evenly (the generic cell rate algorithm): `settled_at` is when it would be empty. How long until
 * there is room for one more; `*ret_then`: when it is empty with that one. */
static uint64_t wait_us(const struct token *token, struct mono settled_at, struct mono now, struct mono *ret_then)
{
  if (!token->submissions_per_minute)
    return 0;
  ret_then->us = (settled_at.us > now.us ? settled_at.us : now.us) + MINUTE_US / token->submissions_per_minute;
  return ret_then->us > now.us + MINUTE_US ? ret_then->us - now.us - MINUTE_US : 0;
}

static bool check_rate(const struct token *token, struct mono *settled_at, struct mono now, struct error *error)
{
  struct mono then = *settled_at;
  uint64_t us = wait_us(token, *settled_at, now, &then);
  if (us)
    return error_set(error, ERROR_OVERLOADED, EDQUOT,
                     "the access token %s may submit %u times a minute: the next one in %" PRIu64 " ms", token->name,
                     token->submissions_per_minute, (us + 999) / 1000);
  *settled_at = then;
  return true;
}

unsigned admission_wait_s(struct access *access, const struct token *token, struct mono now)
{
  struct mono then;
  return token ? (unsigned)((wait_us(token, *access_settled_at(access, token), now, &then) + SECOND_US - 1) / SECOND_US)
               : 0;
}

bool admission_take(struct access *access, const struct executor *executor, const struct token *token,
                    const struct evaluation *evaluation, struct mono now, struct error *error)
{
  return !token || (check_limits(token, evaluation, error) && check_open(token, executor, error) &&
                    check_rate(token, access_settled_at(access, token), now, error));
}
