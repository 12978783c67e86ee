#include "backend/lines.h"

#include <string.h>

static bool is_blank(const char *line, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (line[i] != ' ' && line[i] != '\t')
      return false;
  return true;
}

static void hand_over(const char *line, size_t size, lines_handler *handler, void *context)
{
  if (size && line[size - 1] == '\r')
    size--;
  if (!is_blank(line, size))
    handler(context, line, size);
}

/* The next bytes of one line; `whole`: its end comes behind them. Most lines come in one piece, and are not copied. */
static void add(struct lines *lines, const char *bytes, size_t size, bool whole, size_t line_bytes_max,
                lines_handler *handler, void *context)
{
  if (lines->skipping)
    return;
  if (size > line_bytes_max - lines->rest.size) {
    lines->skipping = true;
    buffer_clear(&lines->rest);
    handler(context, 0, 0);
  } else if (whole && !lines->rest.size) {
    hand_over(bytes, size, handler, context);
  } else {
    buffer_append(&lines->rest, bytes, size);
    if (whole)
      lines_end(lines, handler, context);
  }
}

void lines_feed(struct lines *lines, const void *bytes, size_t size, size_t line_bytes_max, lines_handler *handler,
                void *context)
{
  const char *next = bytes, *end = next + size;
  while (next < end) {
    const char *newline = memchr(next, '\n', (size_t)(end - next));
    add(lines, next, (size_t)((newline ? newline : end) - next), newline, line_bytes_max, handler, context);
    lines->skipping = lines->skipping && !newline;
    next = newline ? newline + 1 : end;
  }
}

void lines_end(struct lines *lines, lines_handler *handler, void *context)
{
  if (lines->rest.size)
    hand_over(lines->rest.data, lines->rest.size, handler, context);
  buffer_clear(&lines->rest);
}

void lines_release(struct lines *lines)
{
  buffer_release(&lines->rest);
}
