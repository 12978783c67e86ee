#pragma once

/*
 * What a program wrote, as it was kept. A stream's kept bytes are in `data`, or, when they are too many for the
 * database, in a file that belongs to whoever holds the outputs: `path`, absolute. Empty streams have neither.
 */

#include "base/memory.h"
#include "wire/record.h"

struct stream_output {
  uint64_t bytes;         /* written by the program */
  uint64_t omitted_bytes; /* between head and tail */
  uint64_t lost_bytes;    /* of these, what was to be kept and got lost on the way from the program */
  uint64_t head_bytes;    /* kept bytes before the gap; equals all kept bytes when nothing was omitted */
  struct blob *data;
  char *path;
};

struct outputs {
  unsigned references; /* of the loop's thread only */
  struct stream_output stream[STREAM_COUNT];
  struct blob *order; /* runs of stdout and stderr as in wire/record.h, or NULL */
};

struct outputs *outputs_create(void);
struct outputs *outputs_ref(struct outputs *outputs);
void outputs_unref(struct outputs *outputs); /* accepts NULL; never removes a file */
uint64_t stream_kept_bytes(const struct stream_output *stream);
uint64_t outputs_lost_bytes(const struct outputs *outputs); /* of all streams; NULL: 0 */
/* Where a byte that was kept lies among those that were. */
uint64_t stream_kept_offset(const struct stream_output *stream, uint64_t offset);

/* stdout and stderr merged in the order written, as far as it was kept; both must have `data` (or be empty). */
void outputs_merge(const struct outputs *outputs, struct buffer *ret);
