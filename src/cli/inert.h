#pragma once

/*
 * Text of programs made harmless for a terminal. A program may write escape sequences that rename windows, hide lines
 * or make the terminal type; shown to a person they must be text and nothing else. Control characters (also the C1
 * ones, and those that turn the direction of writing) become \u001b, bytes that are not UTF-8 become \x9b. Line feed
 * and tab stay, except in one-line text. JSON stays JSON, for its strings know \u001b.
 */

#include "base/buffer.h"

/* Between two pieces of one stream: the beginning of a character that the next piece will complete. */
struct inert {
  unsigned char pending[4];
  size_t pending_size;
};

void inert_feed(struct inert *inert, const void *data, size_t size, struct buffer *ret);
void inert_end(struct inert *inert, struct buffer *ret); /* what was left incomplete */

/* One line of whole text: line feed and tab are made inert too. The caller frees. */
char *inert_line(const char *text);
