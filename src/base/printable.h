#pragma once

/* Text of somebody else's that is shown to people: what it could do to a terminal or to a line of a log is taken out of it. */

#include <stddef.h>

/* Each control character becomes a space. */
void printable(char *text);

/* The same of a copy, which is cut where it is too long. NULL is "". `size` is at least 1. */
void printable_copy(char *to, size_t size, const char *from);
