#pragma once

/*
 * A copy of the evidence of an attempt that ran in a pod, made from the container's log (wire/frames.h) and, where that is
 * gone, from its termination message (wire/seal.h). It is a directory like the keeper's own (wire/record.h), so that what
 * follows a program and what decides on it needs to know of nothing else.
 *
 * The log may be taken in while the program runs, from any place on, as often as one likes: what was there before changes
 * nothing. A stream's file holds what has come without a gap, and nothing behind a gap is shown before the end. When the
 * record comes and nothing is missing before it, `exit` is there. Where something is missing the log should be read again
 * from its beginning (log_evidence_rewind()); and when no more is to be had, log_evidence_seal() makes of it what can
 * truthfully be said: the record with what is there of the output, or no record.
 *
 * Every file is made by this module alone; on the loop's thread, without syncing (law 7 is the store's business). So after a
 * power cut none of them is worth anything, and all of it can be had again: a copy that was made before the last start of
 * this host is made anew (log_evidence_forget_older()).
 */

#include "base/error.h"
#include "wire/seal.h"

#include <stdbool.h>

struct log_evidence_state {
  bool started;           /* there is a start marker, from the log or from before */
  bool recorded;          /* `exit` is in place */
  bool gap;               /* since the last beginning, frames were missing: some of what has come is not in the files */
  bool another_start;     /* what came is the log of another start of this attempt; nothing of it was taken */
  bool forged;            /* a record came that was not made with the attempt's key; it was not taken */
  uint64_t damaged_lines; /* since the last beginning: lines that once were frames */
  uint64_t foreign_lines; /* and others: the keeper's own words, or an error text in the place of the log */
  char foreign[REASON_SIZE]; /* the last of these, printable */
  char failure[REASON_SIZE]; /* why the keeper started nothing, printable; or "" */
};

struct log_evidence;

/* Takes away what was copied before the last start of this host; to be called before anybody reads it. Does nothing where
 * there is no directory. */
void log_evidence_forget_older(int evidence_fd, struct name name);

/* Makes the directory below `evidence_fd`, which stays the caller's, or goes on with the one that is there. NULL: it cannot
 * be made or read. */
struct log_evidence *log_evidence_open(int evidence_fd, struct name name,
                                       const unsigned char key[static SEAL_KEY_BYTES], struct error *error);
void log_evidence_close(struct log_evidence *evidence); /* accepts NULL; the directory stays */

/* The next bytes of the log. False where they could not be written: the same log is to be read again then. */
bool log_evidence_feed(struct log_evidence *evidence, const void *data, size_t size, struct error *error);
/* What is fed next is the log from its beginning. */
void log_evidence_rewind(struct log_evidence *evidence);
/* The container is dead, and its termination message begins as a log does (frames_begin()): where its keeper has made it, that is
 * all of the log, and nothing more has to be fed. False as log_evidence_feed(). */
bool log_evidence_feed_message(struct log_evidence *evidence, const char *message, struct error *error);
/* The container is dead, and no more of its log will be had. `message`: its termination message, or NULL. */
bool log_evidence_seal(struct log_evidence *evidence, const char *message, struct error *error);

const struct log_evidence_state *log_evidence_state(const struct log_evidence *evidence);
