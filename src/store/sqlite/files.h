#pragma once

/*
 * Output streams that are too large for the database: outputs/<id>.<stream>, each durable before the verdict that
 * names it. What a daemon left behind when it died before the commit is swept at the next start.
 */

#include "base/error.h"
#include "core/outputs.h"
#include "store/store.h"

#include <stdbool.h>

/* Opens, and makes where there is none, outputs/ in the state directory. -1 with `error` set. */
int files_open(const char *state_dir, struct error *error);

/* Whether this stream is, or will be, a file. */
bool stream_in_file(const struct stream_output *stream);

/*
 * Puts those of `outputs` that belong into files there, and syncs them. The files they come from stay where they are:
 * they are evidence, and nothing is deleted before the verdict is durable (law 7).
 */
bool files_keep(int directory, const char *id, const struct outputs *outputs, struct error *error);

/* The bytes of one evaluation's. */
uint64_t files_bytes(int directory, const char *id);

/*
 * Deleting: in the transaction they are condemned, by another name; when that is durable they are removed, and the bytes
 * that they had are told. What a crash leaves between the two is settled at the next start, by what became of the row.
 * Nothing else is ever removed for want of a row: the database may be the wrong one.
 */
void files_condemn(int directory, const char *id);
uint64_t files_remove_condemned(int directory, const char *id);

/* At the start: the bytes of all of them. Those of open evaluations are removed: a daemon died before the commit of a
 * verdict that was to name them. Condemned ones are removed, or have their names again where the row is still there. */
uint64_t files_take_stock(int directory, enum store_known (*known)(void *context, const char *id), void *context);

/* The absolute path of one; the caller frees. */
char *file_path(const char *state_dir, const char *id, enum stream stream);
