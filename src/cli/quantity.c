#include "cli/quantity.h"

#include "base/number.h"

#include <errno.h>
#include <string.h>

struct unit {
  const char *name;
  uint64_t factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {0, 0}};

static const struct unit sizes[] = {
  {"", 1},
  {"B", 1},
  {"K", 1ull << 10},
  {"M", 1ull << 20},
  {"G", 1ull << 30},
  {"T", 1ull << 40},
  {"KiB", 1ull << 10},
  {"MiB", 1ull << 20},
  {"GiB", 1ull << 30},
  {"TiB", 1ull << 40},
  {0, 0},
};

static const struct unit counts[] = {{"", 1}, {0, 0}};

static bool parse(const char *text, const struct unit *units, const char *rule, struct quantity *ret,
                  struct error *error)
{
  size_t digits = strspn(text, "0123456789");
  const struct unit *unit = units;
  while (unit->name && strcmp(unit->name, text + digits) != 0)
    unit++;
  /* JSON's integers are signed 64-bit in most readers; what is beyond is refused here rather than mangled there. */
  uint64_t number;
  if (!unit->name || !parse_u64(text, digits, (uint64_t)INT64_MAX / unit->factor, &number))
    return error_set(error, ERROR_INVALID, EINVAL, "\"%s\" is not %s", text, rule);
  *ret = (struct quantity){.given = true, .value = number * unit->factor};
  return true;
}

bool duration_parse(const char *text, struct quantity *ret_ms, struct error *error)
{
  return parse(text, durations, "a duration: give a whole number with ms, s, m or h, such as 1500ms or 10s", ret_ms,
               error);
}

bool size_parse(const char *text, struct quantity *ret_bytes, struct error *error)
{
  return parse(text, sizes, "a size: give a whole number of bytes, or with K, M, G or T, such as 256M", ret_bytes,
               error);
}

bool count_parse(const char *text, struct quantity *ret, struct error *error)
{
  return parse(text, counts, "a whole number", ret, error);
}
