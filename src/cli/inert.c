#include "cli/inert.h"

#include <stdbool.h>
#include <string.h>

enum { INCOMPLETE = 0, INVALID = -1 };

/* The first and last of each run of characters that act on a terminal instead of being shown. */
static const uint32_t harmful[][2] = {
  {0x00, 0x1f},     {0x7f, 0x9f},     /* C0, delete, C1 */
  {0x200e, 0x200f}, {0x202a, 0x202e}, /* marks, embeddings and overrides of direction */
  {0x2028, 0x2029}, {0x2066, 0x2069}, /* line and paragraph separators; isolates of direction */
};

static bool is_harmful(uint32_t character)
{
  for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++)
    if (character >= harmful[i][0] && character <= harmful[i][1])
      return true;
  return false;
}

/* The length of the UTF-8 character at `data` and its code, or INCOMPLETE, or INVALID (RFC 3629: shortest form only, no
 * surrogates, nothing beyond U+10FFFF). */
static int character_read(const unsigned char *data, size_t size, uint32_t *ret)
{
  static const struct {
    unsigned char mask, lead;
    uint32_t least;
  } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

  for (size_t extra = 0; extra < sizeof forms / sizeof *forms; extra++) {
    if ((data[0] & forms[extra].mask) != forms[extra].lead)
      continue;
    uint32_t character = data[0] & (unsigned char)~forms[extra].mask;
    for (size_t i = 1; i <= extra; i++) {
      if (i == size)
        return INCOMPLETE;
      if ((data[i] & 0xc0) != 0x80)
        return INVALID;
      character = character << 6 | (data[i] & 0x3f);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < forms[extra].least || character > 0x10ffff || surrogate)
      return INVALID;
    *ret = character;
    return (int)extra + 1;
  }
  return INVALID;
}

/* Appends the characters of `data` and returns how many bytes at its end are the beginning of one that is incomplete.
 */
static size_t make_inert(const unsigned char *data, size_t size, bool lines, struct buffer *ret)
{
  while (size) {
    uint32_t character = 0;
    int length = character_read(data, size, &character);
    if (length == INCOMPLETE)
      return size;
    if (length == INVALID) {
      buffer_printf(ret, "\\x%02x", data[0]);
      length = 1;
    } else if (is_harmful(character) && !(lines && (character == '\n' || character == '\t'))) {
      buffer_printf(ret, "\\u%04x", (unsigned)character);
    } else {
      buffer_append(ret, data, (size_t)length);
    }
    data += length;
    size -= (size_t)length;
  }
  return 0;
}

void inert_feed(struct inert *inert, const void *data, size_t size, struct buffer *ret)
{
  const unsigned char *next = data;
  /* The pending character takes bytes one by one until it is whole or proves to be none. */
  while (inert->pending_size && size) {
    inert->pending[inert->pending_size++] = *next++;
    size--;
    size_t left = make_inert(inert->pending, inert->pending_size, true, ret);
    memmove(inert->pending, inert->pending + inert->pending_size - left, left);
    inert->pending_size = left;
  }
  size_t left = make_inert(next, size, true, ret);
  if (!left)
    return;
  memcpy(inert->pending, next + size - left, left);
  inert->pending_size = left;
}

void inert_end(struct inert *inert, struct buffer *ret)
{
  for (size_t i = 0; i < inert->pending_size; i++)
    buffer_printf(ret, "\\x%02x", inert->pending[i]);
  inert->pending_size = 0;
}

char *inert_line(const char *text)
{
  struct buffer line = {0};
  size_t size = strlen(text);
  size_t left = make_inert((const unsigned char *)text, size, false, &line);
  for (size_t i = size - left; i < size; i++)
    buffer_printf(&line, "\\x%02x", (unsigned char)text[i]);
  return buffer_take(&line, 0);
}
