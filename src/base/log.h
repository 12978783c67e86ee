#pragma once

/*
 * One line per event on standard error, as text for a person or as JSON for a collector. Thread: any; a line is one
 * write(2). Never log what a client sent or a program wrote, nor a secret. `id` is the evaluation's id, or NULL.
 */

#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

void log_set_format(enum log_format format);
void log_set_level(enum log_level least);

/* Members of a line's own: ` name=value` behind a text, a string of the object in JSON. NULL values are left out. */
struct log_field {
  const char *name, *value;
};
/* `fields` ends with a NULL name, or is NULL. */
__attribute__((format(printf, 4, 5))) void log_fields(enum log_level level, const char *id,
                                                      const struct log_field *fields, const char *format, ...);

#define log_debug(id, ...) log_fields(LOG_DEBUG, id, NULL, __VA_ARGS__)
#define log_info(id, ...) log_fields(LOG_INFO, id, NULL, __VA_ARGS__)
#define log_warning(id, ...) log_fields(LOG_WARNING, id, NULL, __VA_ARGS__)
#define log_error(id, ...) log_fields(LOG_ERROR, id, NULL, __VA_ARGS__)
