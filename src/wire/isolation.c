#include "wire/isolation.h"

#include "base/error.h"

static const struct {
  const char *key, *missing;
  bool needed;
} table[] = {
#define X(name, key, text, needed) {key, text, needed},
  ISOLATION_FEATURES(X)
#undef X
};

enum {
  NEEDED_FOR_FULL = 0
#define X(name, key, text, needed) | (needed ? ISOLATION_##name : 0)
  ISOLATION_FEATURES(X)
#undef X
    ,
  NEEDED_FOR_PARTIAL = ISOLATION_NAMESPACES | ISOLATION_ROOT,
};

enum isolation_level isolation_level(uint32_t features)
{
  if ((features & NEEDED_FOR_FULL) == NEEDED_FOR_FULL)
    return ISOLATION_LEVEL_FULL;
  if ((features & NEEDED_FOR_PARTIAL) == NEEDED_FOR_PARTIAL)
    return ISOLATION_LEVEL_PARTIAL;
  return ISOLATION_LEVEL_NONE;
}

const char *isolation_level_name(enum isolation_level level)
{
  static const char *const names[] = {
    [ISOLATION_LEVEL_NONE] = "none", [ISOLATION_LEVEL_PARTIAL] = "partial", [ISOLATION_LEVEL_FULL] = "full"};
  ASSERT((unsigned)level <= ISOLATION_LEVEL_FULL);
  return names[level];
}

const char *isolation_feature_key(unsigned index)
{
  ASSERT(index < ISOLATION_FEATURE_COUNT);
  return table[index].key;
}

const char *isolation_feature_missing(unsigned index)
{
  ASSERT(index < ISOLATION_FEATURE_COUNT);
  return table[index].missing;
}

bool isolation_feature_needed(unsigned index)
{
  ASSERT(index < ISOLATION_FEATURE_COUNT);
  return table[index].needed;
}
