#include "base/number.h"

#include <string.h>

bool parse_u64(const char *text, size_t length, uint64_t max, uint64_t *ret)
{
  if (length == 0 || length > 20)
    return false;
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9')
      return false;
    unsigned digit = (unsigned)(text[i] - '0');
    if (value > (UINT64_MAX - digit) / 10)
      return false;
    value = value * 10 + digit;
  }
  if (value > max)
    return false;
  *ret = value;
  return true;
}

bool parse_u64_text(const char *text, uint64_t max, uint64_t *ret)
{
  return parse_u64(text, strlen(text), max, ret);
}
