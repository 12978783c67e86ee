#include "base/json_bounds.h"

#include "base/limits.h"

/* The place behind the string that begins at `at`, or the end where it has none (which the parser will say better). */
static size_t skip_string(const char *text, size_t size, size_t at)
{
  for (at++; at < size && text[at] != '"'; at++)
    if (text[at] == '\\')
      at++;
  return at;
}

bool json_bounds_check(const char *text, size_t size, struct error *error)
{
  size_t depth = 0, values = 1;
  for (size_t at = 0; at < size; at++) {
    switch (text[at]) {
    case '"':
      at = skip_string(text, size, at);
      break;
    case '[':
    case '{':
      values++;
      if (++depth > JSON_DEPTH_MAX)
        return error_set(error, ERROR_INVALID, 0, "nested deeper than %d levels", JSON_DEPTH_MAX);
      break;
    case ']':
    case '}':
      depth -= depth > 0;
      break;
    case ',':
      values++;
      break;
    }
    if (values > JSON_VALUES_MAX)
      return error_set(error, ERROR_INVALID, 0, "more than %d values", JSON_VALUES_MAX);
  }
  return true;
}
