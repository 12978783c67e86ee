/* What an engine says of a container, of all of them, and of an image: the same bytes, taken for each. */

#include "backend/docker/inspect.h"
#include "base/json_bounds.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char instance[] = "0123456789abcdef";

static void check_name(void *context, struct name name, enum container_state state)
{
  char id[ID_SIZE];
  unsigned attempt;
  (void)context;
  ASSERT(name_parse(name.text, id, &attempt));
  ASSERT(state <= CONTAINER_ENDED);
}

static void check_seen(const struct container_seen *seen)
{
  ASSERT(seen->state <= CONTAINER_ENDED);
  for (const char *text = seen->error; *text; text++)
    ASSERT((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct error error = {0};
  struct container_seen seen;
  char **volumes = 0;
  json_t *json = json_bounds_check((const char *)data, size, &error)
                   ? json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, 0)
                   : 0;
  if (!json)
    return 0;
  if (container_inspect(json, instance, name_make("20261122_195800_0123abcd", 1), &seen, &error))
    check_seen(&seen);
  (void)container_list(json, instance, check_name, 0, &error);
  if (image_volumes(json, &volumes, &error))
    image_volumes_free(volumes);
  json_decref(json);
  return 0;
}
