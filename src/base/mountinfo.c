#include "base/mountinfo.h"

#include <string.h>

struct span span_take(struct span *rest, char separator)
{
  const char *end = memchr(rest->start, separator, rest->length);
  struct span taken = {rest->start, end ? (size_t)(end - rest->start) : rest->length};
  size_t used = taken.length + (end ? 1 : 0);
  rest->start += used;
  rest->length -= used;
  return taken;
}

bool span_is(struct span span, const char *text)
{
  return span.length == strlen(text) && !memcmp(span.start, text, span.length);
}

bool span_lists(struct span list, const char *word)
{
  while (list.length)
    if (span_is(span_take(&list, ','), word))
      return true;
  return false;
}

/* "36 35 98:0 /root /point options [optional fields] - type source super_options" */
static bool mount_parse(struct span line, struct mount *ret)
{
  span_take(&line, ' ');
  span_take(&line, ' ');
  span_take(&line, ' ');
  ret->root = span_take(&line, ' ');
  ret->point = span_take(&line, ' ');
  ret->options = span_take(&line, ' ');
  while (line.length && !span_is(span_take(&line, ' '), "-"))
    ;
  ret->type = span_take(&line, ' ');
  span_take(&line, ' ');
  ret->super_options = line;
  return ret->type.length > 0;
}

bool mountinfo_next(struct span *rest, struct mount *ret)
{
  while (rest->length)
    if (mount_parse(span_take(rest, '\n'), ret))
      return true;
  return false;
}

static bool is_octal(char c)
{
  return c >= '0' && c <= '7';
}

bool mountinfo_unescape(struct span from, char *to, size_t size)
{
  size_t used = 0;
  for (size_t i = 0; i < from.length; i++) {
    char c = from.start[i];
    const char *digits = from.start + i + 1;
    if (c == '\\' && i + 3 < from.length && is_octal(digits[0]) && is_octal(digits[1]) && is_octal(digits[2])) {
      c = (char)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
      i += 3;
    }
    if (used + 1 >= size)
      return false;
    to[used++] = c;
  }
  to[used] = 0;
  return true;
}
