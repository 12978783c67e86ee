#include "api/batches/lines.h"

#include <string.h>

static bool is_blank(const char *text, size_t size)
{
  while (size && strchr(" \t\r", *text) && *text) {
    text++;
    size--;
  }
  return !size;
}

static void pass_over(struct lines *lines, size_t to)
{
  lines->begin = lines->searched = to;
}

/* The line that ends at `end`; the next one begins at `next`. */
static enum line_found take(struct lines *lines, const char *data, size_t end, size_t next, const char **ret_text,
                            size_t *ret_size)
{
  const char *text = data + lines->begin;
  size_t size = end - lines->begin;
  bool is_overlong = lines->is_overlong || size > lines->bytes_max;
  lines->number++;
  lines->is_overlong = false;
  pass_over(lines, next);
  if (is_overlong)
    return LINE_OVERLONG;
  if (is_blank(text, size))
    return LINE_BLANK;
  *ret_text = text;
  *ret_size = size - (text[size - 1] == '\r');
  return LINE_THERE;
}

enum line_found lines_next(struct lines *lines, const char *data, size_t size, bool has_ended, const char **ret_text,
                           size_t *ret_size)
{
  const char *found = size > lines->searched ? memchr(data + lines->searched, '\n', size - lines->searched) : NULL;
  if (found) {
    size_t end = (size_t)(found - data);
    return take(lines, data, end, end + 1, ret_text, ret_size);
  }
  lines->searched = size;
  if (has_ended && (size > lines->begin || lines->is_overlong))
    return take(lines, data, size, size, ret_text, ret_size);
  if (has_ended)
    return LINE_NO_MORE;
  if (size - lines->begin > lines->bytes_max)
    lines->is_overlong = true;
  if (lines->is_overlong)
    pass_over(lines, size);
  return LINE_WANTED;
}

void lines_dropped(struct lines *lines)
{
  lines->searched -= lines->begin;
  lines->begin = 0;
}
