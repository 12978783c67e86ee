#include "backend/doctor.h"

#include <stdio.h>

const char *check_status_name(enum check_status status)
{
  static const char *const names[] = {[CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_MISSING] = "missing"};
  return names[status];
}

void check_find(struct doctor_check *check, enum check_status status, const char *format, ...)
{
  check->status = status;
  va_list args;
  va_start(args, format);
  vsnprintf(check->explanation, sizeof check->explanation, format, args);
  va_end(args);
}
