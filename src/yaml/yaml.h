#pragma once

/* A YAML file as JSON, so that there is one decoder. */

#include "base/error.h"

#include <jansson.h>

/* Null where the file is empty, or comments only. The caller owns what is returned; NULL with `error`, which names the file,
 * where it cannot be read, or is not YAML, or has no like in JSON. At most 1 MiB, without directives. */
json_t *yaml_load(const char *path, struct error *error);
