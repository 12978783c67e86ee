#include "base/memory.h"

#include <stdlib.h>

/* In a file of its own, so that a test can put one in its place that fails when it is to. */
void *try_realloc(void *pointer, size_t size)
{
  return realloc(pointer, size ? size : 1);
}
