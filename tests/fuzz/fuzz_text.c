/*
 * The small parsers, each given the whole input: bytes as base64, as JSON's text and as what a terminal may see; texts
 * as numbers, quantities, ranges, cursors and names. What is written can be read again, what is read has one form.
 */

#include "api/compat/quantity.h"
#include "api/json_writer.h"
#include "api/parameters.h"
#include "api/range.h"
#include "api/utf8.h"
#include "base/base64.h"
#include "base/number.h"
#include "cli/inert.h"
#include "wire/name.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* cli/quantity.h has a struct quantity of its own. */
bool duration_parse(const char *text, void *ret_ms, struct error *error);
bool size_parse(const char *text, void *ret_bytes, struct error *error);
struct given {
  bool given;
  uint64_t value;
};

static bool same(const struct buffer *buffer, const void *data, size_t size)
{
  return buffer->size == size && (!size || memcmp(buffer->data, data, size) == 0);
}

static void check_base64(const uint8_t *data, size_t size)
{
  CLEANUP_BUFFER struct buffer encoded = {0}, decoded = {0}, again = {0};
  base64_encode(data, size, &encoded);
  ASSERT(base64_decode(encoded.data, encoded.size, &decoded) && same(&decoded, data, size));
  buffer_clear(&decoded);
  if (base64_decode((const char *)data, size, &decoded)) {
    base64_encode(decoded.data, decoded.size, &again);
    ASSERT(same(&again, data, size));
  } else {
    ASSERT(!decoded.size);
  }
}

static bool is_utf8(const unsigned char *data, size_t size)
{
  size_t length;
  for (; size; data += length, size -= length) {
    const bool good = utf8_next(data, size, &length);
    ASSERT(length > 0 && length <= size && length <= 4);
    if (!good)
      return false;
  }
  return true;
}

static void check_json(const uint8_t *data, size_t size)
{
  CLEANUP_BUFFER struct buffer text = {0};
  struct json_writer json = {.out = &text};
  json_write_string_begin(&json);
  const bool lossy = json_write_bytes(&json, data, size);
  json_write_string_end(&json);
  json_t *value = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, 0);
  ASSERT(json_is_string(value) && lossy == !is_utf8(data, size));
  if (!lossy)
    ASSERT(json_string_length(value) == size && memcmp(json_string_value(value), data, size) == 0);
  json_decref(value);
}

/* Nothing in it acts on a terminal: no control character of either kind, and none that turns the direction of writing. */
static void check_inert(const char *text, size_t size, const char *allowed)
{
  ASSERT(!size || is_utf8((const unsigned char *)text, size));
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = (unsigned char)text[i], next = i + 1 < size ? (unsigned char)text[i + 1] : 0;
    ASSERT((c >= ' ' && c != 0x7f) || (c && strchr(allowed, c)));
    ASSERT(c != 0xc2 || next >= 0xa0);
  }
  static const char *const turning[] = {"\u200e", "\u202a", "\u202e", "\u2028", "\u2066", "\u2069"};
  for (size_t i = 0; i < sizeof turning / sizeof *turning; i++)
    ASSERT(!size || !memmem(text, size, turning[i], strlen(turning[i])));
}

static void make_inert(const uint8_t *data, size_t size, size_t piece, struct buffer *ret)
{
  struct inert inert = {0};
  for (size_t at = 0; at < size; at += piece)
    inert_feed(&inert, data + at, piece < size - at ? piece : size - at, ret);
  inert_end(&inert, ret);
}

static void check_terminal(const uint8_t *data, size_t size, const char *text)
{
  CLEANUP_BUFFER struct buffer whole = {0}, pieces = {0}, again = {0};
  make_inert(data, size, size ? size : 1, &whole);
  make_inert(data, size, 1 + size % 5, &pieces);
  make_inert((const uint8_t *)whole.data, whole.size, 1 + size % 7, &again);
  check_inert(whole.data, whole.size, "\n\t");
  ASSERT(same(&pieces, whole.data, whole.size) && same(&again, whole.data, whole.size));
  CLEANUP_FREE char *line = inert_line(text);
  check_inert(line, strlen(line), "");
}

static void check_numbers(const char *text)
{
  uint64_t number, units, thousandths;
  char again[32];
  if (parse_u64_text(text, UINT64_MAX, &number)) {
    snprintf(again, sizeof again, "%" PRIu64, number);
    ASSERT(strcmp(text + strlen(text) - strlen(again), again) == 0 &&
           strspn(text, "0") + strlen(again) >= strlen(text));
  }
  const bool is_quantity = quantity_parse(text, 1, &units);
  ASSERT(quantity_parse(text, 1000, &thousandths) == is_quantity);
  if (is_quantity) { /* both are rounded up */
    ASSERT(thousandths >= units || units == 1);
    ASSERT(units > UINT64_MAX / 1000 || thousandths <= units * 1000);
    ASSERT(thousandths == UINT64_MAX || thousandths / 1000 + (thousandths % 1000 != 0) == units);
  }
  struct given given = {0};
  struct error error;
  if (duration_parse(text, &given, &error))
    ASSERT(given.given && given.value <= INT64_MAX);
  if (size_parse(text, &given, &error))
    ASSERT(given.given && given.value <= INT64_MAX);
}

static void check_request(const char *text, uint64_t kept)
{
  uint64_t offset = 0, length = 0, sequence = 0, again = 0;
  char cursor[CURSOR_SIZE];
  if (range_parse(text, kept, &offset, &length) == RANGE_PART)
    ASSERT(length > 0 && offset < kept && length <= kept - offset);
  if (cursor_parse(text, &sequence)) {
    cursor_format(sequence, cursor);
    ASSERT(cursor_parse(cursor, &again) && again == sequence && sequence);
  }
}

static void check_name(const char *text)
{
  char id[ID_SIZE];
  unsigned attempt;
  if (!name_parse(text, id, &attempt))
    return;
  ASSERT(id_valid(id) && attempt > 0);
  ASSERT(strcmp(name_make(id, attempt).text, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  CLEANUP_FREE char *text = xstrndup((const char *)data, size);
  uint64_t kept = 0;
  memcpy(&kept, data, size < sizeof kept ? size : sizeof kept);
  check_base64(data, size);
  check_json(data, size);
  check_terminal(data, size, text);
  check_numbers(text);
  check_request(text, kept >> (size % 64));
  check_name(text);
  return 0;
}
