#pragma once

/* The Range field of RFC 9110, section 14, as far as one range of bytes goes. */

#include <stdint.h>

enum range_result {
  RANGE_NONE,          /* no range, or a field that may be ignored (another unit, several ranges): 200 with all of it */
  RANGE_PART,          /* 206 */
  RANGE_UNSATISFIABLE, /* 416 */
};

/* `ret_offset` and `ret_length` are set for RANGE_PART. `field` may be NULL. */
enum range_result range_parse(const char *field, uint64_t size, uint64_t *ret_offset, uint64_t *ret_length);
