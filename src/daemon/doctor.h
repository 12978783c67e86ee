#pragma once

#include "backend/backend.h"
#include "base/buffer.h"

/* What `assay doctor` shows, as a JSON object, appended to `ret`: each check of the native backend on this host, and
 * the isolation that results. */
void doctor_report(const struct backend *native, const char *state_dir, struct buffer *ret);
