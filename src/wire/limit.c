#include "wire/limit.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>

static const struct limit_rule rules[LIMIT_COUNT] = {
#define X(field, name, standard, least, most) [LIMIT_##name] = {#field, standard, least, most},
  LIMITS(X)
#undef X
};

static const size_t offsets[LIMIT_COUNT] = {
#define X(field, name, standard, least, most) [LIMIT_##name] = offsetof(struct limits, field),
  LIMITS(X)
#undef X
};

const struct limit_rule *limit_rule(enum limit_kind kind)
{
  ASSERT((unsigned)kind < LIMIT_COUNT);
  return &rules[kind];
}

const char *limit_name(enum limit_kind kind)
{
  return limit_rule(kind)->name;
}

enum limit_kind limit_from_name(const char *name)
{
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    if (!strcmp(rules[kind].name, name))
      return kind;
  return LIMIT_NONE;
}

uint64_t limit_value(const struct limits *limits, enum limit_kind kind)
{
  ASSERT((unsigned)kind < LIMIT_COUNT);
  uint64_t value = 0;
  if (kind != LIMIT_NONE)
    memcpy(&value, (const char *)limits + offsets[kind], sizeof value);
  return value;
}

void limit_set(struct limits *limits, enum limit_kind kind, uint64_t value)
{
  ASSERT(kind > LIMIT_NONE && kind < LIMIT_COUNT);
  memcpy((char *)limits + offsets[kind], &value, sizeof value);
}

struct limits limits_default(void)
{
  struct limits limits;
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    limit_set(&limits, kind, rules[kind].standard);
  return limits;
}

struct limits limits_most(void)
{
  struct limits limits;
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    limit_set(&limits, kind, rules[kind].most);
  return limits;
}

void limits_lower(struct limits *limits, const struct limits *most)
{
  for (enum limit_kind kind = LIMIT_NONE + 1; kind < LIMIT_COUNT; kind++)
    if (limit_value(limits, kind) > limit_value(most, kind))
      limit_set(limits, kind, limit_value(most, kind));
}
