#pragma once

/* What a program may use: the limits, as one table. The names in JSON, the defaults and the ranges come from here. */

#include "base/limits.h"

#include <stdint.h>

/* name in JSON, C name, default, least, most. A limit that the client left out has its default (0 for wall time on a
 * compile step means: the same as the run). The most is what an operator's configuration may lower. */
#define LIMITS(X)                                                                                                      \
  X(wall_time_ms, WALL_TIME, 30000, 1, 24ull * 3600 * 1000)                                                            \
  X(cpu_time_ms, CPU_TIME, 30000, 1, 24ull * 3600 * 1000)                                                              \
  X(memory_bytes, MEMORY, MIB(512), MIB(4), GIB(1024))                                                                 \
  X(processes, PROCESSES, 64, 1, 32768)                                                                                \
  X(output_bytes, OUTPUT, MIB(1), 0, MIB(64))                                                                          \
  X(disk_bytes, DISK, MIB(100), KIB(64), GIB(64))                                                                      \
  X(file_bytes, FILE, MIB(100), 0, GIB(64))

struct limits {
#define X(field, name, standard, least, most) uint64_t field;
  LIMITS(X)
#undef X
};

/* Which limit a verdict or a record speaks of. */
enum limit_kind {
  LIMIT_NONE,
#define X(field, name, standard, least, most) LIMIT_##name,
  LIMITS(X)
#undef X
    LIMIT_COUNT
};

struct limit_rule {
  const char *name; /* "wall_time_ms"; NULL for LIMIT_NONE */
  uint64_t standard, least, most;
};
const struct limit_rule *limit_rule(enum limit_kind kind);

const char *limit_name(enum limit_kind kind);
enum limit_kind limit_from_name(const char *name);                           /* LIMIT_NONE: no such limit */
uint64_t limit_value(const struct limits *limits, enum limit_kind kind);     /* 0 for LIMIT_NONE */
void limit_set(struct limits *limits, enum limit_kind kind, uint64_t value); /* not LIMIT_NONE */

struct limits limits_default(void);
struct limits limits_most(void);
/* Lowers each that is above the same one of `most`. */
void limits_lower(struct limits *limits, const struct limits *most);
