#include "scarce_memory.h"

#include "base/memory.h"

#include <stdlib.h>

enum { PLENTY = -1 };

static int left = PLENTY; /* below: it has failed */

void *try_realloc(void *pointer, size_t size)
{
  if (left > PLENTY && left-- == 0) {
    left = PLENTY - 1;
    return NULL;
  }
  return realloc(pointer, size ? size : 1);
}

void scarce_memory(int before)
{
  left = before;
}

bool scarce_memory_failed(void)
{
  bool failed = left < PLENTY;
  left = PLENTY;
  return failed;
}
