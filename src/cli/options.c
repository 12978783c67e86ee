#include "cli/options.h"

#include "base/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum option_kind {
  KIND_FLAG,
  KIND_TEXT,
  KIND_CHOICE,
  KIND_TEXTS,
  KIND_PAIRS,
  KIND_DURATION,
  KIND_SIZE,
  KIND_COUNT,
};

struct option {
  const char *name;
  char letter; /* 0: none */
  enum option_kind kind;
  unsigned groups;
  const char *argument, *help;
  size_t offset; /* of its field in struct options */
};

static const struct option table[] = {
#define X(field, name, letter, kind, groups, argument, help)                                                           \
  {name, letter, KIND_##kind, groups, argument, help, offsetof(struct options, field)},
  OPTIONS(X)
#undef X
};

enum { OPTION_COUNT = sizeof table / sizeof *table };

static void texts_add(struct texts *texts, const char *text)
{
  texts->items = xrealloc(texts->items, (texts->count + 1) * sizeof *texts->items);
  texts->items[texts->count++] = text;
}

static bool choice_allows(const char *choices, const char *value)
{
  size_t length = strlen(value);
  for (const char *word = choices; word; word = strchr(word, '|')) {
    word += *word == '|';
    if (strcspn(word, "|") == length && strncmp(word, value, length) == 0)
      return true;
  }
  return false;
}

static bool option_store(const struct option *option, const char *value, void *field, struct error *error)
{
  switch (option->kind) {
  case KIND_FLAG:
    *(bool *)field = true;
    return true;
  case KIND_CHOICE:
    if (!choice_allows(option->argument, value))
      return error_set(error, ERROR_INVALID, EINVAL, "\"%s\" is none of %s", value, option->argument);
    __attribute__((fallthrough));
  case KIND_TEXT:
    *(const char **)field = value;
    return true;
  case KIND_PAIRS:
    if (!strchr(value, '=') || value[0] == '=')
      return error_set(error, ERROR_INVALID, EINVAL, "\"%s\" is not %s", value, option->argument);
    __attribute__((fallthrough));
  case KIND_TEXTS:
    texts_add(field, value);
    return true;
  case KIND_DURATION:
    return duration_parse(value, field, error);
  case KIND_SIZE:
    return size_parse(value, field, error);
  case KIND_COUNT:
    return count_parse(value, field, error);
  }
  return false;
}

/* "--name" or "--name=value" (then `*ret_value` is set) or "-l". */
static const struct option *option_find(const char *argument, unsigned groups, const char **ret_value)
{
  bool is_long = argument[1] == '-';
  const char *name = argument + (is_long ? 2 : 1);
  size_t length = is_long ? strcspn(name, "=") : strlen(name);
  for (const struct option *option = table; option < table + OPTION_COUNT; option++) {
    if (!(option->groups & groups))
      continue;
    bool matches = is_long ? strlen(option->name) == length && strncmp(option->name, name, length) == 0
                           : option->letter && length == 1 && name[0] == option->letter;
    if (!matches)
      continue;
    *ret_value = name[length] == '=' ? name + length + 1 : 0;
    return option;
  }
  return 0;
}

/* Reads the option at `*arguments` and leaves that pointing to its last word. */
static bool option_read(const char *const **arguments, unsigned groups, struct options *options, struct error *error)
{
  const char *argument = **arguments, *value;
  const struct option *option = option_find(argument, groups, &value);
  if (!option)
    return error_set(error, ERROR_INVALID, EINVAL, "unknown option %s", argument);
  if (option->kind == KIND_FLAG && value)
    return error_set(error, ERROR_INVALID, EINVAL, "--%s takes no value", option->name);
  if (option->kind != KIND_FLAG && !value) {
    value = (*arguments)[1];
    if (!value)
      return error_set(error, ERROR_INVALID, EINVAL, "--%s needs a value: %s", option->name, option->argument);
    ++*arguments;
  }
  if (!option_store(option, value, (char *)options + option->offset, error))
    return error_wrap(error, "--%s", option->name);
  return true;
}

bool options_parse(const char *const *arguments, unsigned groups, bool program_follows, struct options *ret,
                   struct error *error)
{
  bool only_operands = false;
  for (; *arguments; arguments++) {
    const char *argument = *arguments;
    /* A lone "-" is standard input, an operand. */
    if (only_operands || argument[0] != '-' || !argument[1]) {
      texts_add(&ret->operands, argument);
      only_operands |= program_follows;
    } else if (strcmp(argument, "--") == 0) {
      only_operands = true;
    } else if (!option_read(&arguments, groups, ret, error)) {
      return false;
    }
  }
  return true;
}

void options_release(struct options *options)
{
  free(options->files.items);
  free(options->environment.items);
  free(options->labels.items);
  free(options->scopes.items);
  free(options->operands.items);
  *options = (struct options){0};
}

void options_print_help(unsigned groups, FILE *stream)
{
  for (const struct option *option = table; option < table + OPTION_COUNT; option++) {
    if (!(option->groups & groups))
      continue;
    CLEANUP_FREE char *name =
      option->letter ? xasprintf("-%c, --%s", option->letter, option->name) : xasprintf("    --%s", option->name);
    CLEANUP_FREE char *usage = option->argument ? xasprintf("%s %s", name, option->argument) : xstrdup(name);
    /* A name too long for its column has the help on the next line. */
    if (strlen(usage) > 30)
      fprintf(stream, "  %s\n  %-30s  %s\n", usage, "", option->help);
    else
      fprintf(stream, "  %-30s  %s\n", usage, option->help);
  }
}
