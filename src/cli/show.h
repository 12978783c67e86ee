#pragma once

/* JSON values as a person reads them, for the cells of tables. NULL and what has no such form is "". The caller frees.
 */

#include "base/memory.h"

#include <jansson.h>

typedef char *show_function(const json_t *value);

show_function show_plain;     /* text and integers as they are */
show_function show_duration;  /* milliseconds: "12 ms", "1.234 s" */
show_function show_size;      /* bytes: "512 B", "9.0 MiB"; nothing for 0 */
show_function show_preparing; /* a timeline: what is or was being fetched */
show_function show_pairs;     /* an object of texts: "run=42 set=b" */
