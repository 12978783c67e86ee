#pragma once

/*
 * A body into lines, while it is still coming. Pure: however the bytes are cut, the lines are the same.
 *
 * lines_next() is called with all bytes that have come and were not dropped, until it says LINE_WANTED; then the caller
 * drops the first `begin` bytes, calls lines_dropped(), and comes again with more. Lines end with LF or CR LF, the last
 * one also with the body.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum line_found {
  LINE_WANTED,   /* more bytes are */
  LINE_THERE,    /* `text`, without its end */
  LINE_BLANK,    /* nothing but blanks; it counts, and means nothing */
  LINE_OVERLONG, /* longer than may be; it was passed over */
  LINE_NO_MORE,  /* the body has ended */
};

struct lines {
  size_t bytes_max; /* of one line */
  size_t begin;     /* of the next line, among the bytes that are there */
  size_t searched;  /* of them, from the front: no line ends there after `begin` */
  uint64_t number;  /* of the last line found, from 1 */
  bool is_overlong; /* the one under way */
};

enum line_found lines_next(struct lines *lines, const char *data, size_t size, bool has_ended, const char **ret_text,
                           size_t *ret_size);
void lines_dropped(struct lines *lines);
