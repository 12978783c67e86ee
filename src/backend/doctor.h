#pragma once

/* One check of `assay doctor`, whichever backend makes it. */

#include <stdarg.h>
#include <stdint.h>

enum check_status {
  CHECK_OK,
  CHECK_WARNING, /* works, but less well */
  CHECK_MISSING, /* a part of full isolation, or of working at all */
};
const char *check_status_name(enum check_status status); /* "ok", "warning", "missing" */

struct doctor_check {
  const char *name, *purpose;
  enum check_status status;
  char explanation[512]; /* for a person: what was found, and where it is not enough, what would help */
};

/* All that a backend has to say of the place where it runs programs. */
enum { DOCTOR_CHECKS_MAX = 16 };
struct doctor_report {
  struct doctor_check checks[DOCTOR_CHECKS_MAX];
  unsigned count;
};

__attribute__((format(printf, 3, 4))) void check_find(struct doctor_check *check, enum check_status status,
                                                      const char *format, ...);
/* What a sandbox has in the end (enum isolation_feature bits): the level, and what full isolation lacks. */
void check_find_isolation(struct doctor_check *check, uint32_t features);
