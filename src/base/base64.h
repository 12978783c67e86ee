#pragma once

/* Base64 of RFC 4648, section 4: the standard alphabet, padded, nothing else in between. */

#include "base/buffer.h"

#include <stdbool.h>

void base64_encode(const void *data, size_t size, struct buffer *ret);

/* Appends the decoded bytes. False where `text` is not base64, and then `ret` is as it was. */
bool base64_decode(const char *text, size_t length, struct buffer *ret);
