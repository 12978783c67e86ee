#pragma once

/*
 * Who did what, as lines of the log with the members `event`, `by` (a token's name, "unix socket" or "anybody"), `peer`, and
 * what it was done to. Never a secret, and nothing that a client sent but names that were checked.
 */

#include "api/access/access.h"

/* event, text */
#define AUDIT_EVENTS(X)                                                                                                \
  X(token_made, "an access token was made")                                                                            \
  X(token_revoked, "an access token was revoked")                                                                      \
  X(refused, "a request was refused")                                                                                  \
  X(submitted, "submitted")                                                                                            \
  X(cancelled, "cancelled")

enum audit_event {
#define X(event, text) AUDIT_##event,
  AUDIT_EVENTS(X)
#undef X
};

/* `id` of an evaluation, `token` the name of one that it was done to, `why` of a refusal; NULL: none. */
struct audit {
  enum audit_event event;
  const char *id, *token, *why;
};
void audit_write(const struct access *access, const struct http_request *request, const struct audit *audit);
/* A request that is refused; bounded. */
void audit_refused(struct access *access, const struct http_request *request, const struct error *error);
/* What was done to evaluations. Nothing is written where nobody has a name: no token, and none required. */
void audit_submitted(const struct access *access, const struct evaluation *evaluation);
void audit_cancelled(const struct access *access, const struct http_request *request, const char *id);
