/* Last-Event-ID: what is taken is what was given, letter for letter. */

#include "api/events/event_id.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP_FREE char *text = xstrndup((const char *)data, size);
  struct event_id id;
  char back[EVENT_ID_SIZE];
  if (!event_id_parse(text, &id))
    return 0;
  event_id_format(&id, back);
  ASSERT(id.attempt >= 1 && id.attempt <= ATTEMPT_MAX && id.state < STATE_COUNT && !strcmp(back, text));
  return 0;
}
