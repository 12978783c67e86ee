#pragma once

/* Which runtime a file of source code asks for. */

#include <stddef.h>

/*
 * The name of the runtime, told by the "#!" line, else by the ending of `path`; NULL where neither says anything. What
 * is not known here is passed on as it stands, since the server may offer more than this table knows. The caller frees.
 */
char *language_guess(const char *path, const void *code, size_t size);
