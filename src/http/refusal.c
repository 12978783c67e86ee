#include "http/refusal.h"

static const struct {
  int status;
  const char *detail;
} rows[] = {
#define X(name, http_status, text) [REFUSAL_##name] = {http_status, text},
  REFUSALS(X)
#undef X
};

int refusal_status(enum refusal refusal)
{
  ASSERT(refusal != REFUSAL_NONE);
  return rows[refusal].status;
}

const char *refusal_detail(enum refusal refusal)
{
  ASSERT(refusal != REFUSAL_NONE);
  return rows[refusal].detail;
}
