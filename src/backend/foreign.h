#pragma once

/* What the server of an API answers that is not ours, an engine's or a cluster's. Nothing of it is believed to be well-formed. */

#include "base/limits.h"

#include <jansson.h>

/* A body as JSON, for the caller to release; or NULL, and why in words. */
json_t *foreign_json(const void *bytes, size_t size, char why[static REASON_SIZE]);

/* Why it refuses, in its own words ({"message": "…"}), printable; or its status, where it has none or more than `size_max` of them. */
void foreign_refusal(const void *body, size_t size, size_t size_max, int status, char message[static REASON_SIZE]);
