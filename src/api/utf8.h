#pragma once

/* Where bytes become text: UTF-8 as the Unicode standard defines it (table 3-7), and nothing looser. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Looks at the first character of `data` (`size` at least 1). True: it is well-formed, and `ret_length` is its length.
 * False: `ret_length` is the length of the maximal subpart (Unicode 15, 3.9), which one U+FFFD stands for.
 */
bool utf8_next(const unsigned char *data, size_t size, size_t *ret_length);

#define UTF8_REPLACEMENT "\xef\xbf\xbd"
