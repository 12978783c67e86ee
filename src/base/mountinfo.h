#pragma once

/* The lines of /proc/self/mountinfo (proc(5)). Pure: no system call. */

#include <stdbool.h>
#include <stddef.h>

/* A piece of a text; not terminated. */
struct span {
  const char *start;
  size_t length;
};

/* Takes what stands before `separator` off the front of `rest`; all of it where there is no separator. */
struct span span_take(struct span *rest, char separator);
bool span_is(struct span span, const char *text);
/* Whether a list with commas has this word. */
bool span_lists(struct span list, const char *word);

struct mount {
  struct span root, point; /* escaped */
  struct span options;     /* of this mount; a list */
  struct span type;
  struct span super_options; /* of the file system, wherever it is mounted; a list */
};

/* Takes the next mount off the front of `rest`, the lines that are left; damaged ones are passed over. False at the end. */
bool mountinfo_next(struct span *rest, struct mount *ret);
/* A root or point as a path: a space, tab, newline or backslash is written \\ooo. False where it does not fit. */
bool mountinfo_unescape(struct span from, char *to, size_t size);
