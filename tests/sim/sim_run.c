/*
 * A run as words that can be typed:
 *
 *   weather=NAME seed=N [clients=N] [backend=NAME] [troubles=NAME,…] [jobs=N,…] [strikes=N,…]
 *                                         a list that is left out means all; "none" is one, too
 *   script=NAME [crash=N,N] [coins=N]
 */

#include "sim.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdarg.h>
#include <string.h>

struct outcome run_make(const struct run *run)
{
  return run->weather >= 0 ? weather_make(run) : script_make(run);
}

/* ---- printing ---- */

__attribute__((format(printf, 2, 3))) static void add(char text[static RUN_TEXT_SIZE], const char *format, ...)
{
  size_t used = strlen(text);
  va_list args;
  va_start(args, format);
  vsnprintf(text + used, RUN_TEXT_SIZE - used, format, args);
  va_end(args);
}

static void number_of_bit(unsigned bit, char text[static 32])
{
  snprintf(text, 32, "%u", bit);
}

static void name_of_bit(unsigned bit, char text[static 32])
{
  snprintf(text, 32, "%s", bit < TROUBLE_COUNT ? trouble_name((enum trouble)bit) : "");
}

static void add_bits(char text[static RUN_TEXT_SIZE], const char *key, uint64_t bits,
                     void (*print)(unsigned bit, char text[static 32]))
{
  if (bits == UINT64_MAX)
    return;
  add(text, " %s=%s", key, bits ? "" : "none");
  const char *comma = "";
  for (unsigned bit = 0; bit < 64; bit++) {
    char word[32];
    if (!(bits >> bit & 1))
      continue;
    print(bit, word);
    add(text, "%s%s", comma, word);
    comma = ",";
  }
}

void run_print(const struct run *run, char text[static RUN_TEXT_SIZE])
{
  text[0] = 0;
  if (run->script >= 0) {
    add(text, "script=%s crash=%llu,%llu coins=%u", script_name(run->script), (unsigned long long)run->crash_effects[0],
        (unsigned long long)run->crash_effects[1], run->coins);
    return;
  }
  add(text, "weather=%s seed=%llu", weather_name(run->weather), (unsigned long long)run->seed);
  if (run->clients)
    add(text, " clients=%u", run->clients);
  if (run->backend != BACKEND_DRAWN)
    add(text, " backend=%s", backend_kind_name(run->backend));
  add_bits(text, "troubles", run->troubles, name_of_bit);
  add_bits(text, "jobs", run->jobs, number_of_bit);
  add_bits(text, "strikes", run->strikes, number_of_bit);
}

/* ---- reading ---- */

static bool read_number(const char *text, uint64_t max, uint64_t *ret)
{
  return parse_u64_text(text, max, ret);
}

static bool read_bit(const char *text, uint64_t *ret)
{
  for (unsigned trouble = 0; trouble < TROUBLE_COUNT; trouble++)
    if (!strcmp(trouble_name((enum trouble)trouble), text)) {
      *ret = trouble;
      return true;
    }
  return read_number(text, 63, ret);
}

static bool read_backend(const char *text, enum backend_kind *ret)
{
  for (enum backend_kind kind = BACKEND_DRAWN + 1; kind < BACKEND_COUNT; kind++)
    if (!strcmp(backend_kind_name(kind), text)) {
      *ret = kind;
      return true;
    }
  return false;
}

static bool read_bits(char *list, uint64_t *ret)
{
  uint64_t bits = 0, bit;
  for (char *rest, *word = strtok_r(list, ",", &rest); word; word = strtok_r(0, ",", &rest)) {
    if (!strcmp(word, "none"))
      continue;
    if (!read_bit(word, &bit))
      return false;
    bits |= 1ull << bit;
  }
  *ret = bits;
  return true;
}

static bool read_crashes(char *list, struct run *run)
{
  char *second = strchr(list, ',');
  if (!second)
    return false;
  *second++ = 0;
  return read_number(list, UINT64_MAX, &run->crash_effects[0]) &&
         read_number(second, UINT64_MAX, &run->crash_effects[1]);
}

static bool read_word(char *word, struct run *run)
{
  char *value = strchr(word, '=');
  if (!value)
    return false;
  *value++ = 0;
  uint64_t number;
  if (!strcmp(word, "weather"))
    return (run->weather = weather_find(value)) >= 0;
  if (!strcmp(word, "script")) {
    int script = script_find(value);
    if (script >= 0)
      *run = script_run(script);
    return script >= 0;
  }
  if (!strcmp(word, "seed"))
    return read_number(value, UINT64_MAX, &run->seed);
  if (!strcmp(word, "clients")) {
    bool good = read_number(value, CLIENTS, &number);
    run->clients = good ? (unsigned)number : 0;
    return good;
  }
  if (!strcmp(word, "backend"))
    return read_backend(value, &run->backend);
  if (!strcmp(word, "troubles"))
    return read_bits(value, &run->troubles);
  if (!strcmp(word, "jobs"))
    return read_bits(value, &run->jobs);
  if (!strcmp(word, "strikes"))
    return read_bits(value, &run->strikes);
  if (!strcmp(word, "crash"))
    return read_crashes(value, run);
  if (strcmp(word, "coins") || !read_number(value, COINS - 1, &number))
    return false;
  run->coins = (unsigned)number;
  return true;
}

bool run_parse(const char *text, struct run *ret)
{
  struct run run = weather_run(-1, 1);
  CLEANUP_FREE char *words = xstrdup(text);
  for (char *rest, *word = strtok_r(words, " ", &rest); word; word = strtok_r(0, " ", &rest))
    if (!read_word(word, &run))
      return false;
  if (run.weather < 0 && run.script < 0)
    return false;
  *ret = run;
  return true;
}
