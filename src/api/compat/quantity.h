#pragma once

/*
 * Quantities as Kubernetes writes them: "512Mi", "1.5G", "500m", "0.5", "2e3". A number without sign, then one of m, k,
 * M, G, T, P, E (powers of 1000), Ki … Ei (powers of 1024), or an exponent of ten. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * In units of 1/`scale` (1000 for millicores, 1 for bytes; a power of ten), rounded up as Kubernetes does, and UINT64_MAX
 * where it is more than that. False where `text` is not a quantity; `ret` is then untouched.
 */
bool quantity_parse(const char *text, unsigned scale, uint64_t *ret);
