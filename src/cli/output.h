#pragma once

/* What a program wrote, from the server to a descriptor of ours, byte for byte (or inert, where that is a terminal). */

#include "cli/remote.h"

/* The raw bytes of "stdout", "stderr", "compile" or "output". */
bool output_fetch(struct session *session, const char *id, const char *stream, int fd, struct error *error);

/* Standard output and standard error of a finished evaluation, each to ours; and a line for what was not kept. */
bool output_replay(struct session *session, const json_t *evaluation, struct error *error);
