#include "api/compat/quantity.h"

#include "base/number.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum {
  DIGITS_MAX = 18,  /* of the number, before and after the point: it then fits into 60 bits */
  EXPONENT_MAX = 24 /* of ten; no larger one makes a difference */
};

/* mantissa × 1024^binary × 10^decimal */
struct quantity {
  uint64_t mantissa;
  unsigned binary;
  int decimal;
};

/* The number; returns what follows, or NULL where there is none. */
static const char *read_number(const char *text, struct quantity *ret)
{
  unsigned digits = 0;
  bool point = false;
  for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
    if (*text == '.') {
      point = true;
      continue;
    }
    if (++digits > DIGITS_MAX)
      return NULL;
    ret->mantissa = ret->mantissa * 10 + (uint64_t)(*text - '0');
    ret->decimal -= point;
  }
  return digits ? text : NULL;
}

/* What stands behind the "e". */
static bool read_exponent(const char *text, struct quantity *ret)
{
  bool negative = *text == '-';
  uint64_t exponent;
  if (!parse_u64_text(text + (negative || *text == '+'), EXPONENT_MAX, &exponent))
    return false;
  ret->decimal += negative ? -(int)exponent : (int)exponent;
  return true;
}

static bool read_suffix(const char *text, struct quantity *ret)
{
  static const char decimal[] = "mkMGTPE", binary[] = "KMGTPE";
  const char *found;
  if (!*text)
    return true;
  if (text[1] == 'i' && !text[2] && (found = strchr(binary, *text)))
    ret->binary = (unsigned)(found - binary) + 1;
  else if ((*text == 'e' || *text == 'E') && text[1])
    return read_exponent(text + 1, ret);
  else if (!text[1] && (found = strchr(decimal, *text)))
    ret->decimal += *text == 'm' ? -3 : 3 * (int)(found - decimal);
  else
    return false;
  return true;
}

/* 60 bits of the number and 60 of the largest suffix leave room for a digit; more than 64 are not told apart. */
__extension__ typedef unsigned __int128 wide;

static uint64_t value_of(const struct quantity *quantity)
{
  wide value = (wide)quantity->mantissa << (10 * quantity->binary), divisor = 1;
  for (int i = 0; i < quantity->decimal && value <= UINT64_MAX; i++)
    value *= 10;
  for (int i = 0; i > quantity->decimal && divisor <= value; i--)
    divisor *= 10;
  value = value / divisor + (value % divisor != 0);
  return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

bool quantity_parse(const char *text, unsigned scale, uint64_t *ret)
{
  struct quantity quantity = {0};
  const char *suffix = read_number(text, &quantity);
  if (!suffix || !read_suffix(suffix, &quantity))
    return false;
  for (; scale > 1; scale /= 10)
    quantity.decimal++;
  *ret = value_of(&quantity);
  return true;
}
