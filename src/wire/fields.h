#pragma once

/*
 * Small records as text, for record.c alone: a title line "<kind> 1", one "key value" line for each row of a table, in
 * the table's order, and "end <XXH3-64 of all before it>". There is exactly one order, so a line that is missing,
 * doubled, unknown or misplaced is one case: not the line that the table expects.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
  FIELD_NUMBER, /* an unsigned number in a member of 1, 4 or 8 bytes, at most `max` */
  FIELD_WORD,   /* an enum from 0 to `max`, written as its name */
  FIELD_TEXT,   /* a char array of `size` bytes; '%' and control characters are written as %XX */
};

struct field {
  const char *key;
  enum field_type type;
  size_t offset, size; /* of the member */
  uint64_t max;
  const char *const *words; /* FIELD_WORD: max + 1 names */
};

struct field_table {
  const char *kind; /* "record" */
  const struct field *fields;
  size_t count;
};

void fields_encode(const struct field_table *table, const void *object, struct buffer *ret);
/* Fills the members of `ret` that the table names. They are undefined when it fails. */
bool fields_decode(const struct field_table *table, const void *bytes, size_t size, void *ret, struct error *error);
