/* What an engine tells of a pull: however it is cut, the same comes of it, as text of one line. */

#include "backend/docker/pull_progress.h"
#include "base/error.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool pull(const uint8_t *data, size_t size, size_t piece, char text[static PULL_TEXT_SIZE],
                 char failure[static REASON_SIZE])
{
  struct pull_progress progress = {0};
  for (size_t at = 0; at < size; at += piece)
    pull_progress_feed(&progress, data + at, piece < size - at ? piece : size - at);
  const bool succeeded = pull_progress_end(&progress);
  ASSERT(progress.layer_count <= PULL_LAYERS_MAX);
  pull_progress_text(&progress, "python:3.11", text);
  memcpy(failure, progress.failure, sizeof progress.failure);
  pull_progress_release(&progress);
  return succeeded;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char whole_text[PULL_TEXT_SIZE], text[PULL_TEXT_SIZE], whole_failure[REASON_SIZE], failure[REASON_SIZE];
  const bool succeeded = pull(data, size, size ? size : 1, whole_text, whole_failure);
  ASSERT(pull(data, size, 1 + size % 7, text, failure) == succeeded);
  ASSERT(strcmp(whole_text, text) == 0 && strcmp(whole_failure, failure) == 0);
  ASSERT(succeeded == !failure[0]);
  ASSERT(!strpbrk(text, "\r\n\x1b") && !strpbrk(failure, "\r\n\x1b"));
  return 0;
}
