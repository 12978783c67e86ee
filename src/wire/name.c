#include "wire/name.h"

#include "base/error.h"
#include "base/number.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* '0' stands for a decimal digit, 'x' for a lower-case hexadecimal one. */
static const char id_form[] = "00000000_000000_xxxxxxxx";
enum { ID_LENGTH = sizeof id_form - 1 };

static const char name_prefix[] = "assay-";
enum { NAME_PREFIX_LENGTH = sizeof name_prefix - 1 };

static_assert(+ID_LENGTH < +ID_SIZE, "an id fits");
static_assert(sizeof "assay--100" + ID_LENGTH <= +NAME_SIZE && ATTEMPT_MAX <= 100, "a name fits");

static bool matches(char form, char c)
{
  bool digit = c >= '0' && c <= '9';
  switch (form) {
  case '0':
    return digit;
  case 'x':
    return digit || (c >= 'a' && c <= 'f');
  default:
    return c == form;
  }
}

/* Whether `text` begins with an id. It never reads behind a NUL, since no NUL matches. */
static bool starts_with_id(const char *text)
{
  for (size_t i = 0; i < ID_LENGTH; i++)
    if (!matches(id_form[i], text[i]))
      return false;
  return true;
}

void id_make(char id[static ID_SIZE], struct wall now, uint32_t random)
{
  /* A clock set to a year without four digits must not make an id of another form: such an id says 1970 or 9999. */
  static const int64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */
  int64_t since_1970 = now.ms / 1000;
  time_t seconds = since_1970 < 0 ? 0 : since_1970 > last_second ? last_second : since_1970;
  struct tm utc;
  gmtime_r(&seconds, &utc);
  size_t used = strftime(id, ID_SIZE, "%Y%m%d_%H%M%S", &utc);
  snprintf(id + used, ID_SIZE - used, "_%08x", (unsigned)random);
}

bool id_valid(const char *id)
{
  return starts_with_id(id) && !id[ID_LENGTH];
}

struct name name_make(const char *id, unsigned attempt)
{
  ASSERT(id_valid(id));
  ASSERT(attempt >= 1 && attempt <= ATTEMPT_MAX);
  struct name name = {0};
  snprintf(name.text, sizeof name.text, "%s%s-%u", name_prefix, id, attempt);
  return name;
}

bool name_parse(const char *text, char ret_id[static ID_SIZE], unsigned *ret_attempt)
{
  if (strncmp(text, name_prefix, NAME_PREFIX_LENGTH) != 0)
    return false;
  const char *id = text + NAME_PREFIX_LENGTH;
  if (!starts_with_id(id) || id[ID_LENGTH] != '-')
    return false;
  const char *digits = id + ID_LENGTH + 1;
  uint64_t attempt;
  /* One attempt has one name: "01" is nobody's. */
  if (*digits == '0' || !parse_u64_text(digits, ATTEMPT_MAX, &attempt))
    return false;
  memcpy(ret_id, id, ID_LENGTH);
  ret_id[ID_LENGTH] = 0;
  *ret_attempt = (unsigned)attempt;
  return true;
}
