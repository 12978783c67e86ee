#pragma once

/* An evaluation as the JSON of DESIGN.md, section 5. The order of the fields is part of the interface. */

#include "api/json_writer.h"
#include "core/executor.h"

struct encode_options {
  bool base64;                     /* streams as base64 instead of text */
  bool summary;                    /* streams without their bytes, as in a list */
  const struct queue_place *place; /* where it waits; NULL: it does not, or that is not to be told */
};

/*
 * Writes one JSON object. A stream is shown with its bytes when they are in memory (`data`) and not more than
 * OUTPUT_INLINE_BYTES_MAX; else "text" is null, "inline" false, and "url" says where the raw bytes are.
 */
void encode_evaluation(struct json_writer *json, const struct evaluation *evaluation,
                       const struct encode_options *options);
