#pragma once

/* Durations and sizes as people write them: "10s", "1500ms", "2m"; "256M", "1GiB", "4096". One parser for both. */

#include "base/error.h"

#include <stdint.h>

/* A number that may be left out. */
struct quantity {
  bool given;
  uint64_t value;
};

/* Whole numbers with a unit: ms, s, m, h for durations (the unit must be there); none, K, M, G, T (KiB, … too) for
 * sizes, all of them powers of 1024. The error names the text and shows one that is right. */
bool duration_parse(const char *text, struct quantity *ret_ms, struct error *error);
bool size_parse(const char *text, struct quantity *ret_bytes, struct error *error);
bool count_parse(const char *text, struct quantity *ret, struct error *error);
