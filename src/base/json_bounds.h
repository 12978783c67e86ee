#pragma once

/*
 * Bounds on a JSON text, checked before it is parsed. A parser makes some hundred bytes of tree out of three of text
 * ("[],"), and calls itself for each level; so a body within its size limit could still take a thousand times as much.
 */

#include "base/error.h"

#include <stddef.h>

enum { JSON_VALUES_MAX = 100 * 1000 };

/* False where the text nests deeper than JSON_DEPTH_MAX or may hold more than JSON_VALUES_MAX values. */
bool json_bounds_check(const char *text, size_t size, struct error *error);
