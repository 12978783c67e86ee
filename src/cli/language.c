#include "cli/language.h"

#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

/* Endings and interpreters whose runtime goes by another name. */
static const struct {
  const char *word, *runtime;
} table[] = {
  {"py", "python"}, {"js", "node"}, {"mjs", "node"}, {"nodejs", "node"}, {"dash", "sh"}, {"cc", "c++"},
  {"cpp", "c++"},   {"cxx", "c++"}, {"rs", "rust"},  {"pl", "perl"},     {"rb", "ruby"},
};

static char *runtime_of(const char *word, size_t length)
{
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i].word) == length && strncmp(table[i].word, word, length) == 0)
      return xstrdup(table[i].runtime);
  return length ? xstrndup(word, length) : 0;
}

static const char *skip_spaces(const char *text, const char *end)
{
  while (text < end && (*text == ' ' || *text == '\t'))
    text++;
  return text;
}

static const char *skip_word(const char *text, const char *end)
{
  while (text < end && *text != ' ' && *text != '\t')
    text++;
  return text;
}

/* "#!/usr/bin/env -S python3.11 -u" asks for python: the last part of the path, without its version. */
static char *guess_by_interpreter(const char *code, size_t size)
{
  if (size < 2 || code[0] != '#' || code[1] != '!')
    return 0;
  const char *newline = memchr(code, '\n', size), *end = newline ? newline : code + size;
  if (end > code && end[-1] == '\r')
    end--;
  const char *word = skip_spaces(code + 2, end), *word_end;
  for (;; word = skip_spaces(word_end, end)) {
    word_end = skip_word(word, end);
    const char *slash = memrchr(word, '/', (size_t)(word_end - word));
    if (slash)
      word = slash + 1;
    bool is_env = word_end - word == 3 && strncmp(word, "env", 3) == 0;
    bool is_option_of_env = word < word_end && *word == '-';
    if (!is_env && !is_option_of_env)
      break;
  }
  while (word_end > word && strchr("0123456789.", word_end[-1]))
    word_end--;
  return runtime_of(word, (size_t)(word_end - word));
}

static char *guess_by_ending(const char *path)
{
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  if (!dot || dot == name)
    return 0;
  return runtime_of(dot + 1, strlen(dot + 1));
}

char *language_guess(const char *path, const void *code, size_t size)
{
  char *runtime = guess_by_interpreter(code, size);
  return runtime ? runtime : guess_by_ending(path);
}
