#pragma once

/*
 * What the keeper has written so far of an attempt that runs, read along from its evidence directory (wire/record.h).
 * The keeper is not asked and does not know of it: whoever follows costs the program nothing.
 */

#include "core/output_walk.h"

struct live_output;
/* Takes the evidence's directory. `limit_bytes` is what of each stream is kept. */
struct live_output *live_output_open(int directory, uint64_t limit_bytes);
void live_output_close(struct live_output *live); /* accepts NULL */

/* Looks at how far it is now. Returns whether there is more than there was. */
bool live_output_look(struct live_output *live);
/* As it was last looked at. */
const struct output_extent *live_output_extent(const struct live_output *live);
/* The bytes of a span of it. False where they cannot be read. */
bool live_output_read(const struct live_output *live, const struct output_span *span, char *ret);
