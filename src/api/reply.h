#pragma once

/* How a client wants to be told about an evaluation; carried along until the answer can be given. */

#include "http/server.h"

#include <stdbool.h>

struct api;
struct evaluation;
struct reply;

/* Answers in another API's form. `evaluation` NULL: there is none. */
typedef void reply_form(struct api *api, const struct reply *reply, const struct evaluation *evaluation);

struct reply {
  struct http_request *request;
  int open_status;       /* while it is not finished: 200 to who asks, 202 to who wants something done */
  bool has_location;     /* a submission is told where it stands */
  bool replayed;         /* an Idempotency-Key was known */
  bool base64;           /* streams as base64 */
  unsigned wait_seconds; /* for the verdict; 0: not at all */
  reply_form *form;      /* NULL: that of /v1. All else above is then the form's to use or not */
};
