#pragma once

/* What `run` and `submit` send, made from their options and operands. */

#include "cli/remote.h"

/* Reads the files that are named. The session's server is asked only where it must say how a runtime calls its file. */
bool submission_make(struct session *session, json_t **ret, struct error *error);

/* The limits among the options, as the API has them: a new object, empty where there are none. */
json_t *limits_make(const struct options *options);
