#include "backend/doctor.h"

#include "wire/isolation.h"

#include <stdio.h>
#include <string.h>

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

void check_find_isolation(struct doctor_check *check, uint32_t features)
{
  const enum isolation_level level = isolation_level(features);
  check_find(check, level == ISOLATION_LEVEL_FULL ? CHECK_OK : CHECK_WARNING, "%s", isolation_level_name(level));
  for (unsigned i = 0; i < ISOLATION_FEATURE_COUNT; i++) {
    const size_t used = strlen(check->explanation);
    if (isolation_feature_needed(i) && !(features & 1u << i))
      snprintf(check->explanation + used, sizeof check->explanation - used, "; %s", isolation_feature_missing(i));
  }
}
