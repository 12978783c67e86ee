#pragma once

/* The one parser of numbers from text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, all `length` of them, at most `max`; no sign, no space. `ret` is untouched on failure. */
bool parse_u64(const char *text, size_t length, uint64_t max, uint64_t *ret);
bool parse_u64_text(const char *text, uint64_t max, uint64_t *ret); /* the same for a NUL-terminated text */
