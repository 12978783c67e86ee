#pragma once

/*
 * One line per event on standard error, as text for a person or as JSON for a collector. Thread: any; a line is one
 * write(2). Never log what a client sent or a program wrote, nor a secret. `id` is the evaluation's id, or NULL.
 */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

void log_set_format(enum log_format format);
void log_set_level(enum log_level least);
__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *id, const char *format, ...);

#define log_debug(id, ...) log_line(LOG_DEBUG, id, __VA_ARGS__)
#define log_info(id, ...) log_line(LOG_INFO, id, __VA_ARGS__)
#define log_warning(id, ...) log_line(LOG_WARNING, id, __VA_ARGS__)
#define log_error(id, ...) log_line(LOG_ERROR, id, __VA_ARGS__)
