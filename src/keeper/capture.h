#pragma once

/*
 * What a program writes, from its pipes into the evidence (wire/record.h): both streams apart, byte-exact, head and
 * tail kept, the order between them kept, nothing ever held back from the program by a full disk.
 *
 * How the order is known. Two pipes cannot tell which of two writes came first. So a program is stopped for a moment
 * before it writes to descriptor 2 and before it replaces descriptor 1 or 2 (seccomp_filter.h), and capture_drain()
 * empties both pipes before it goes on. Of what is then found in the pipes together, the error output was written
 * first:
 *
 *     stop (drained) · write(2, …) · write(1, …) · write(1, …) · stop (drained) · write(2, …) …
 *
 * Hence capture_drain() reads the standard output first, the error output second, and appends them the other way round.
 * For a program that writes from one thread of control this is exact, and its standard output runs at full speed. It is
 * a service to the reader, not a fence around the program: see seccomp_unotify(2) on why it could not be one.
 */

#include "wire/record.h"

#define XXH_STATIC_LINKING_ONLY /* for the size of its state */
#include <xxhash.h>

struct capture_stream {
  int pipe;       /* -1: never opened, or at its end */
  int file;       /* -1: nothing was written yet */
  uint64_t bytes; /* written by the program */
  uint64_t saved; /* of these, from the first on; less where it could not be saved: then nothing behind the gap is */
  XXH3_state_t digest;
};

/* How the two output streams are interleaved: a run is written out once the other stream has its turn. */
struct capture_order {
  int file;
  enum stream current;
  uint64_t pending_bytes; /* of the current run */
  unsigned runs;
  bool cut;
};

struct capture {
  int directory; /* borrowed: the evidence of this attempt */
  uint64_t limit;
  struct capture_stream stream[STREAM_COUNT];
  struct capture_order order;
  struct ring_counters *ring; /* mapped once a stream is over its limit */
  int evidence_errno;         /* the first output that could not be saved */
  bool in_memory;             /* nothing is in the directory, which the program could reach: files without names */
};

void capture_init(struct capture *capture, int directory, uint64_t limit_bytes);
void capture_attach(struct capture *capture, enum stream stream, int pipe); /* takes the reading end, non-blocking */
/* From here on, what comes out of the pipe of one stream belongs to another. */
void capture_hand_over(struct capture *capture, enum stream from, enum stream to);

/* Takes in what the pipes hold now, in order; false where one is being flooded and there may be more. */
bool capture_drain(struct capture *capture);
bool capture_is_open(const struct capture *capture, enum stream stream);
bool capture_over_limit(const struct capture *capture, enum stream stream);

/* Puts what was kept in order and fills in the streams of the record. A compile step that failed owns the standard
 * error. */
void capture_finish(struct capture *capture, struct record *record);
void capture_release(struct capture *capture);
