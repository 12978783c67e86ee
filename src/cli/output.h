#pragma once

/* What a program wrote, from the server to a descriptor of ours, byte for byte (or inert, where that is a terminal). */

#include "cli/remote.h"

/* The raw bytes of "stdout", "stderr", "compile" or "output". */
bool output_fetch(struct session *session, const char *id, const char *stream, int fd, struct error *error);

/* A line for each stream of which not all was kept. */
void output_explain(const json_t *evaluation);
