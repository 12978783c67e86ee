#pragma once

/*
 * Output streams that are too large for the database: outputs/<id>.<stream>, each durable before the verdict that
 * names it. A file that a daemon left behind when it died before the commit is replaced when the verdict comes again.
 */

#include "base/error.h"
#include "core/outputs.h"

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

/* The absolute path of one; the caller frees. */
char *file_path(const char *state_dir, const char *id, enum stream stream);
