#include "base/random.h"

#include "base/error.h"

#include <sys/random.h>

uint64_t random_number(void)
{
  uint64_t number;
  ASSERT(getrandom(&number, sizeof number, 0) == sizeof number);
  return number;
}
