#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The functions themselves, behind the macros that say what they return. */
#undef error_set
#undef error_errno
#undef error_wrap

static const struct {
  int status;
  const char *title;
} kinds[] = {
#define X(name, http_status, text) [ERROR_##name] = {http_status, text},
  ERROR_KINDS(X)
#undef X
};

bool error_set(struct error *error, enum error_kind kind, int code, const char *format, ...)
{
  if (!error)
    return false;
  error->kind = kind;
  error->code = code;
  va_list args;
  va_start(args, format);
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  return false;
}

bool error_errno(struct error *error, const char *format, ...)
{
  int code = errno;
  if (!error)
    return false;
  error->kind = ERROR_INTERNAL;
  error->code = code;
  va_list args;
  va_start(args, format);
  int used = vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  if (used >= 0 && (size_t)used < sizeof error->message)
    snprintf(error->message + used, sizeof error->message - (size_t)used, ": %s", strerror(code));
  return false;
}

bool error_wrap(struct error *error, const char *format, ...)
{
  if (!error)
    return false;
  char inner[ERROR_MESSAGE_SIZE];
  memcpy(inner, error->message, sizeof inner);
  va_list args;
  va_start(args, format);
  int used = vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  if (used >= 0 && (size_t)used < sizeof error->message)
    snprintf(error->message + used, sizeof error->message - (size_t)used, ": %s", inner);
  return false;
}

int error_http_status(enum error_kind kind)
{
  return kinds[kind].status;
}

const char *error_title(enum error_kind kind)
{
  return kinds[kind].title;
}

void assertion_failed(const char *expression, const char *file, int line)
{
  fprintf(stderr, "assay: broken invariant: %s (%s:%d)\n", expression, file, line);
  abort();
}
