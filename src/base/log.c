#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fd.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_format format_in_use = LOG_TEXT;
static enum log_level least_level = LOG_INFO;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_set_format(enum log_format format)
{
  format_in_use = format;
}

void log_set_level(enum log_level least)
{
  least_level = least;
}

/* A message may quote a file name or a kernel's text: nothing in it may end the line or move the terminal's cursor. */
static void put_json_text(struct buffer *line, const char *text)
{
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\')
      buffer_printf(line, "\\%c", *c);
    else if ((unsigned char)*c < 0x20 || *c == 0x7f)
      buffer_printf(line, "\\u%04x", (unsigned)(unsigned char)*c);
    else
      buffer_append(line, c, 1);
  }
}

static void put_plain_text(struct buffer *line, const char *text)
{
  for (const char *c = text; *c; c++)
    buffer_append(line, (unsigned char)*c < 0x20 || *c == 0x7f ? "?" : c, 1);
}

static void put_json(struct buffer *line, enum log_level level, const char *now, const char *id,
                     const struct log_field *fields, const char *message)
{
  buffer_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",", now, level_names[level]);
  if (id)
    buffer_printf(line, "\"id\":\"%s\",", id);
  for (; fields && fields->name; fields++) {
    if (!fields->value)
      continue;
    buffer_printf(line, "\"%s\":\"", fields->name);
    put_json_text(line, fields->value);
    buffer_puts(line, "\",");
  }
  buffer_puts(line, "\"message\":\"");
  put_json_text(line, message);
  buffer_puts(line, "\"}\n");
}

static void put_text(struct buffer *line, enum log_level level, const char *now, const char *id,
                     const struct log_field *fields, const char *message)
{
  buffer_printf(line, "%s %-7s %s%s", now, level_names[level], id ? id : "", id ? " " : "");
  put_plain_text(line, message);
  for (; fields && fields->name; fields++) {
    if (!fields->value)
      continue;
    buffer_printf(line, " %s=", fields->name);
    put_plain_text(line, fields->value);
  }
  buffer_puts(line, "\n");
}

void log_fields(enum log_level level, const char *id, const struct log_field *fields, const char *format, ...)
{
  if (level < least_level)
    return;
  char message[1024], now[WALL_TEXT_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  wall_format(wall_now(), now);
  CLEANUP_BUFFER struct buffer line = {0};
  (format_in_use == LOG_JSON ? put_json : put_text)(&line, level, now, id, fields, message);
  fd_write_all(STDERR_FILENO, line.data, line.size);
}
