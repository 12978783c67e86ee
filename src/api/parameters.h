#pragma once

/* What a request says beside its path and body: how long to wait, in which encoding, which page of a list. */

#include "base/error.h"
#include "core/evaluation.h"
#include "http/server.h"

/* "?wait=SECONDS", or else "Prefer: wait=SECONDS" (RFC 7240, which may be cut down or ignored); 0: not at all. */
bool parameter_wait(const struct http_request *request, unsigned *ret_seconds, struct error *error);

/* "?encoding=utf8|base64" */
bool parameter_encoding(const struct http_request *request, bool *ret_base64, struct error *error);

/* Idempotency-Key, 1 to IDEMPOTENCY_KEY_BYTES_MAX visible ASCII characters; `*ret_key` NULL: there is none. */
enum { IDEMPOTENCY_KEY_BYTES_MAX = 255 };
bool parameter_idempotency_key(const struct http_request *request, const char **ret_key, struct error *error);

/* "?status=&label=&limit=&cursor=" */
struct list_parameters {
  const char *status;                      /* NULL: any; belongs to the request */
  bool status_is_open;                     /* it is a state, not a verdict */
  char label_key[LABEL_KEY_BYTES_MAX + 1]; /* "": any */
  char label_value[LABEL_VALUE_BYTES_MAX + 1];
  unsigned limit;
  uint64_t before_sequence; /* 0: from the newest */
};
bool parameters_list(const struct http_request *request, struct list_parameters *ret, struct error *error);

/* Where the next page begins. Clients hand it back as it is. */
enum { CURSOR_SIZE = 32 };
void cursor_format(uint64_t before_sequence, char text[static CURSOR_SIZE]);
bool cursor_parse(const char *text, uint64_t *ret_before_sequence);
