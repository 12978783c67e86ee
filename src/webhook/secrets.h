#pragma once

/*
 * The secrets that webhooks are signed with, as Standard Webhooks has it (https://www.standardwebhooks.com):
 * HMAC-SHA256 over "ID.TIMESTAMP.BODY". They come from a file with one in each line, so that a new one can be brought
 * in while receivers still know the old one: with several, there are as many signatures. They are in this process's
 * memory and nowhere else.
 */

#include "base/buffer.h"
#include "base/error.h"

struct secrets;

enum { SECRETS_MAX = 4, SECRET_BYTES_MIN = 24, SECRET_BYTES_MAX = 64 };

/* A line is "whsec_" and base64, or else the secret itself; in both cases of SECRET_BYTES_MIN to SECRET_BYTES_MAX
 * bytes. NULL with an error that names the line, and tells nothing of what is in it. */
struct secrets *secrets_load(const char *path, struct error *error);
void secrets_destroy(struct secrets *secrets); /* accepts NULL */

/* The value of the header webhook-signature: "v1,BASE64", one for each secret, with spaces in between. */
void secrets_sign(const struct secrets *secrets, const char *id, int64_t timestamp_s, const void *body, size_t size,
                  struct buffer *ret);
