#include "wire/fields.h"

#include "base/limits.h"
#include "base/number.h"

#include <string.h>
#include <xxhash.h>

static uint64_t get_number(const struct field *field, const void *object)
{
  const char *member = (const char *)object + field->offset;
  uint8_t small;
  uint32_t medium;
  uint64_t large;
  switch (field->size) {
  case sizeof small:
    memcpy(&small, member, sizeof small);
    return small;
  case sizeof medium:
    memcpy(&medium, member, sizeof medium);
    return medium;
  default:
    ASSERT(field->size == sizeof large);
    memcpy(&large, member, sizeof large);
    return large;
  }
}

static void set_number(const struct field *field, void *object, uint64_t value)
{
  char *member = (char *)object + field->offset;
  uint8_t small = (uint8_t)value;
  uint32_t medium = (uint32_t)value;
  switch (field->size) {
  case sizeof small:
    memcpy(member, &small, sizeof small);
    return;
  case sizeof medium:
    memcpy(member, &medium, sizeof medium);
    return;
  default:
    ASSERT(field->size == sizeof value);
    memcpy(member, &value, sizeof value);
  }
}

/* What would end a line, or confuse a terminal that shows it. */
static bool needs_escape(unsigned char c)
{
  return c < 0x20 || c == 0x7f || c == '%';
}

static void put_escaped(struct buffer *ret, const char *text, size_t size)
{
  for (size_t i = 0; i < size && text[i]; i++) {
    if (needs_escape((unsigned char)text[i]))
      buffer_printf(ret, "%%%02X", (unsigned)(unsigned char)text[i]);
    else
      buffer_append(ret, text + i, 1);
  }
}

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The opposite of put_escaped(), into a member of `size` bytes with its NUL. Only what it writes is accepted. */
static bool set_escaped(char *member, size_t size, const char *text, size_t length)
{
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '%') {
      if (length - i < 3)
        return false;
      int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0)
        return false;
      c = (unsigned char)(high * 16 + low);
      i += 2;
      if (c == 0 || !needs_escape(c))
        return false;
    } else if (needs_escape(c)) {
      return false;
    }
    if (used + 1 >= size)
      return false;
    member[used++] = (char)c;
  }
  member[used] = 0;
  return true;
}

static void put_value(const struct field *field, const void *object, struct buffer *ret)
{
  if (field->type == FIELD_TEXT) {
    put_escaped(ret, (const char *)object + field->offset, field->size);
    return;
  }
  uint64_t value = get_number(field, object);
  ASSERT(value <= field->max);
  if (field->type == FIELD_WORD)
    buffer_puts(ret, field->words[value]);
  else
    buffer_printf(ret, "%llu", (unsigned long long)value);
}

static bool set_word(const struct field *field, void *object, const char *text, size_t length)
{
  for (uint64_t value = 0; value <= field->max; value++) {
    if (strlen(field->words[value]) != length || memcmp(field->words[value], text, length) != 0)
      continue;
    set_number(field, object, value);
    return true;
  }
  return false;
}

static bool set_value(const struct field *field, void *object, const char *text, size_t length)
{
  if (field->type == FIELD_TEXT)
    return set_escaped((char *)object + field->offset, field->size, text, length);
  if (field->type == FIELD_WORD)
    return set_word(field, object, text, length);
  uint64_t value;
  if (!parse_u64(text, length, field->max, &value))
    return false;
  set_number(field, object, value);
  return true;
}

void fields_encode(const struct field_table *table, const void *object, struct buffer *ret)
{
  size_t start = ret->size;
  buffer_printf(ret, "%s 1\n", table->kind);
  for (size_t i = 0; i < table->count; i++) {
    buffer_printf(ret, "%s ", table->fields[i].key);
    put_value(&table->fields[i], object, ret);
    buffer_puts(ret, "\n");
  }
  uint64_t digest = XXH3_64bits(ret->data + start, ret->size - start);
  buffer_printf(ret, "end %llu\n", (unsigned long long)digest);
}

struct lines {
  const char *next, *end;
};

/* Takes the line "key value\n" if it is the next one. */
static bool next_line(struct lines *lines, const char *key, const char **ret_value, size_t *ret_length,
                      struct error *error)
{
  size_t left = (size_t)(lines->end - lines->next), key_length = strlen(key);
  const char *newline = left ? memchr(lines->next, '\n', left) : 0;
  if (!newline)
    return error_set(error, ERROR_INVALID, 0, "%s is missing: the text ends before it", key);
  size_t length = (size_t)(newline - lines->next);
  if (length <= key_length || memcmp(lines->next, key, key_length) != 0 || lines->next[key_length] != ' ')
    return error_set(error, ERROR_INVALID, 0, "%s is missing where it belongs", key);
  *ret_value = lines->next + key_length + 1;
  *ret_length = length - key_length - 1;
  lines->next = newline + 1;
  return true;
}

static bool check_title(struct lines *lines, const char *kind, struct error *error)
{
  const char *version;
  size_t length = 0;
  if (!next_line(lines, kind, &version, &length, error))
    return false;
  return (length == 1 && *version == '1') || error_set(error, ERROR_INVALID, 0, "%s is not of version 1", kind);
}

static bool check_end(struct lines *lines, const char *start, struct error *error)
{
  uint64_t expected = XXH3_64bits(start, (size_t)(lines->next - start)), digest;
  const char *value = NULL;
  size_t length = 0;
  if (!next_line(lines, "end", &value, &length, error))
    return false;
  if (!parse_u64(value, length, UINT64_MAX, &digest) || digest != expected)
    return error_set(error, ERROR_INVALID, 0, "end does not agree with the text before it: it is damaged");
  return lines->next == lines->end || error_set(error, ERROR_INVALID, 0, "there is something behind the end");
}

bool fields_decode(const struct field_table *table, const void *bytes, size_t size, void *ret, struct error *error)
{
  if (size > RECORD_BYTES_MAX)
    return error_set(error, ERROR_INVALID, 0, "%s has %zu bytes, at most %llu are allowed", table->kind, size,
                     RECORD_BYTES_MAX);
  const char *start = bytes;
  struct lines lines = {start, start + size};
  if (!check_title(&lines, table->kind, error))
    return false;
  for (size_t i = 0; i < table->count; i++) {
    const struct field *field = &table->fields[i];
    const char *value = NULL;
    size_t length = 0;
    if (!next_line(&lines, field->key, &value, &length, error))
      return false;
    if (!set_value(field, ret, value, length))
      return error_set(error, ERROR_INVALID, 0, "%s has a value that is not allowed", field->key);
  }
  return check_end(&lines, start, error);
}
