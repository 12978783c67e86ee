/* A plan that can be decoded can be used where it lies, and says the same once it has been encoded again. */

#include "wire/plan.h"

#include <string.h>

/* Set by a store through it, so that no read of the plan can be left out as useless. */
static volatile size_t sink;

static void use_strings(char *const *list)
{
  for (; list && *list; list++)
    sink += strlen(*list);
}

static void use_bytes(const void *data, size_t size)
{
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++)
    sink += bytes[i];
}

static void use_plan(const struct plan *plan)
{
  ASSERT(plan->command && plan->command[0] && plan->environment);
  use_strings(plan->compile);
  use_strings(plan->command);
  use_strings(plan->environment);
  use_bytes(plan->input, plan->input_size);
  for (size_t i = 0; i < plan->file_count; i++) {
    ASSERT(plan_path_valid(plan->files[i].path));
    use_bytes(plan->files[i].data, plan->files[i].size);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct error error = {0};
  CLEANUP_PLAN struct plan plan = {0};
  if (!plan_decode(data, size, &plan, &error)) {
    ASSERT(error.message[0] && memchr(error.message, 0, sizeof error.message));
    return 0;
  }
  use_plan(&plan);
  CLEANUP_BLOB struct blob *encoded = plan_encode(&plan);
  CLEANUP_PLAN struct plan again = {0};
  ASSERT(plan_decode(encoded->data, encoded->size, &again, 0));
  CLEANUP_BLOB struct blob *encoded_again = plan_encode(&again);
  /* Fields may come in any order, so the bytes may differ from the input's, but from then on they stay. */
  ASSERT(encoded->size == size && encoded_again->size == size);
  ASSERT(!memcmp(encoded->data, encoded_again->data, size));
  return 0;
}
