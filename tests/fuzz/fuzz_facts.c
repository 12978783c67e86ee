/* What an engine says of itself, as two lines: /version and /info. */

#include "backend/docker/facts.h"
#include "wire/isolation.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
  for (; *text; text++)
    ASSERT(*text >= ' ' && *text < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *end = size ? memchr(data, '\n', size) : 0;
  const size_t version_size = end ? (size_t)(end - data) : size;
  struct engine_facts facts;
  struct error error = {0};
  if (!engine_facts_decode(data, version_size, end ? end + 1 : 0, end ? size - version_size - 1 : 0, &facts, &error)) {
    ASSERT(error.message[0]);
    return 0;
  }
  check_text(facts.version);
  check_text(facts.storage);
  check_text(facts.os);
  check_text(facts.architecture);
  ASSERT(facts.cgroup_version <= 2);
  isolation_level(engine_isolation(&facts));
  return 0;
}
