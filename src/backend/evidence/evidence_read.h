#pragma once

/*
 * From an evidence directory (wire/record.h) to what can be said of the attempt. Nothing is believed unseen: the record
 * must decode, and every stream must have the size, and where nothing was omitted the digest, that the record gives.
 * What does not fit makes the record worthless, says so in `problem`, and what was written is still delivered.
 *
 * Order: evidence_read, then evidence_read_outputs where the outputs are wanted, then evidence_release. Every function
 * that returns false could not tell (no descriptors left, I/O error): that says nothing of the attempt.
 */

#include "core/outputs.h"
#include "wire/name.h"

#include <stdbool.h>

struct evidence {
  bool found;   /* the directory is there */
  bool started; /* the start marker is there */
  bool marked;  /* and whole: `marker` is set. A keeper killed in between leaves an empty one */
  struct start_marker marker;
  bool recorded; /* a complete exit record is there: `record` is set */
  struct record record;
  bool doubtful;             /* set by evidence_doubt_after_reboot() */
  struct outputs *outputs;   /* NULL until read */
  char problem[REASON_SIZE]; /* "" or what is damaged */
};

/* The attempt's directory, which the caller closes, or a negative errno. */
int evidence_open(int directory_fd, struct name name);

/* Whether the start marker is there, whole or not. 1: it is; 0: it is not; or a negative errno. */
int evidence_started(int directory_fd, struct name name);

/* The marks: `start` and `exit`. `directory_fd` is of all evidence. */
bool evidence_read(int directory_fd, struct name name, struct evidence *ret, struct error *error);

/*
 * For evidence that was written on this host. It is not synced: where the host was restarted since, a file may be longer than what
 * of it had reached the disk, and a file system may fill that with zeros or with what somebody else wrote there before (ext4(5),
 * data=writeback). From then on only what a digest vouches for is delivered, and the rest counts as omitted. A marker that is not
 * whole says the same: either the program had not begun yet, or the restart cost the marker its end.
 */
void evidence_doubt_after_reboot(struct evidence *evidence);
#define EVIDENCE_REBOOTED "the host was restarted while it ran, and what it had written is not known to have been saved"

/*
 * The streams and their order. With a record they are checked against it; without one, a stream that was over its limit
 * is put in order with the counters of its ring. Streams of more than OUTPUT_IN_DATABASE_BYTES_MAX are delivered as
 * files: links (or ordered copies) "stdout.out" … beside the originals, which whoever takes the outputs may move away.
 * The evidence stays whole, so that it can be read again if he dies on the way (law 7). `directory_path` names all
 * evidence.
 */
bool evidence_read_outputs(int directory_fd, const char *directory_path, struct name name, struct evidence *evidence,
                           struct error *error);

/* Removes deliveries that nobody has taken. */
void evidence_drop_deliveries(int directory_fd, struct name name);

/* Whether the marker was written before the last start of this host. */
bool marker_of_another_boot(const struct start_marker *marker);

void evidence_release(struct evidence *evidence);
#define CLEANUP_EVIDENCE __attribute__((cleanup(evidence_release)))
