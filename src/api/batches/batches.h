#pragma once

/*
 * Batches: many submissions as the lines of one body, and their results as the lines of one answer.
 *
 * A batch may be larger than memory and than the queue. Nothing of it waits in the daemon but what the queue holds: an
 * upload is read as far as there is room, and the rest waits in the client's socket. What was accepted is durable line by
 * line, so that a client that comes again with the same Idempotency-Key, after whoever of the two has crashed, goes on
 * where it was: a line that is there already is passed over.
 *
 *   lines.c    a body into lines
 *   upload.c   POST /v1/batches
 *   results.c  GET  /v1/batches/{id}/results
 *   batch.c    the others
 *   batches.c  who is told when something has changed
 */

#include "api/api.h"

struct batches;

struct batches *batches_create(struct api *api);
void batches_destroy(struct batches *batches); /* answers everybody; accepts NULL */
void batches_changed(struct batches *batches, const struct evaluation *evaluation);

/* For metrics: how many are being sent or have an evaluation that is open, how many are being sent, and how many clients
 * read results. */
struct batches_counts {
  unsigned open, uploads, results;
};
struct batches_counts batches_count(const struct batches *batches); /* NULL: none */

/* Whether this is a batch that is being submitted: its body is taken as it comes. */
bool batches_stream_body(const struct http_request *request);
