#pragma once

/* Inside of this folder. */

#include "api/api_impl.h"
#include "api/batches/batches.h"
#include "api/batches/lines.h"
#include "loop/timer.h"

#include <sys/queue.h>

struct upload;
struct results;
LIST_HEAD(upload_list, upload);
LIST_HEAD(results_list, results);

struct batches {
  struct api *api;
  struct upload_list uploads;
  struct results_list results;
  struct timer *kick, *look;
};

/* batches.c. Each happens in a later turn of the loop, in which everybody concerned gets on. */
void batches_kick_uploads(struct batches *batches, unsigned within_ms);
void batches_look_at_results(struct batches *batches);

/* upload.c */
void upload_get_on(struct upload *upload);
const char *upload_batch(const struct upload *upload); /* "": the store has not opened it yet */
bool upload_is_of(const struct upload *upload, const char *batch);
struct upload *upload_next(struct upload *upload);
unsigned uploads_count(const struct batches *batches);
bool batches_are_receiving(const struct batches *batches, const char *batch);
/* Ends every upload of this batch, NULL: of all, with this answer; lines that are with the store stay. */
void batches_end_uploads(struct batches *batches, const char *batch, enum error_kind kind, const char *why);

/* results.c */
void results_changed(struct batches *batches, const char *batch); /* more of it has ended, or all has come */
unsigned results_count(const struct batches *batches);
void results_look_all(struct batches *batches);
void results_end_all(struct batches *batches);

/* batch.c */
/* The batch as JSON, with the first of the refused lines. */
void respond_batch(struct api *api, struct http_request *request, int status, const struct store_batch *batch);
/* What a read of the store answered instead of a batch: why, or that there is none (404). */
void respond_no_batch(struct api *api, struct http_request *request, const struct error *error);
