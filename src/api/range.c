#include "api/range.h"

#include "base/number.h"

#include <string.h>

/* "first-", "first-last" or "-suffix"; an absent number is UINT64_MAX. False where it is none of these. */
static bool split(const char *range, uint64_t *ret_first, uint64_t *ret_last)
{
  const char *dash = strchr(range, '-');
  if (!dash)
    return false;
  uint64_t first = UINT64_MAX, last = UINT64_MAX;
  if (dash > range && !parse_u64(range, (size_t)(dash - range), UINT64_MAX - 1, &first))
    return false;
  if (dash[1] && !parse_u64_text(dash + 1, UINT64_MAX - 1, &last))
    return false;
  if (first == UINT64_MAX && last == UINT64_MAX)
    return false;
  if (first != UINT64_MAX && last < first)
    return false;
  *ret_first = first;
  *ret_last = last;
  return true;
}

enum range_result range_parse(const char *field, uint64_t size, uint64_t *ret_offset, uint64_t *ret_length)
{
  static const char unit[] = "bytes=";
  uint64_t first, last;
  if (!field || strncmp(field, unit, sizeof unit - 1) != 0 || !split(field + sizeof unit - 1, &first, &last))
    return RANGE_NONE;
  if (first == UINT64_MAX) { /* the last bytes, however many there are */
    if (!last || !size)
      return RANGE_UNSATISFIABLE;
    first = last < size ? size - last : 0;
    last = size - 1;
  }
  if (first >= size)
    return RANGE_UNSATISFIABLE;
  *ret_offset = first;
  *ret_length = (last < size ? last + 1 : size) - first;
  return RANGE_PART;
}
