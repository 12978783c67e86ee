#pragma once

#include "backend/backend.h"
#include "base/buffer.h"

/* What `assay doctor` shows, as a JSON object, appended to `ret`: for each backend the isolation that results and every
 * check. What is said of the first stands at the top as well. */
void doctor_report(struct backend *const *backends, unsigned count, struct buffer *ret);
