#pragma once

/*
 * The evidence directory of one attempt (wire/record.h): made, marked as started, closed with a record, removed. The
 * bytes of its streams are capture.h's business. All of it is reached through descriptors that were opened before the
 * keeper moved into its own root.
 */

#include "base/error.h"
#include "wire/record.h"

/* Whether an attempt was started, by whomever. `directory` is its own. */
bool evidence_is_marked(int directory);

enum evidence_opening {
  EVIDENCE_FRESH,  /* a directory was made for this attempt */
  EVIDENCE_KNOWN,  /* it was started before, by whomever: never start it again */
  EVIDENCE_FAILED, /* neither; see the error */
};

/* `parent` is the directory of all evidence. A directory without a start marker is one whose launch was given up. */
enum evidence_opening evidence_open(int parent, const char *name, int *ret_directory, struct error *error);

/* The same where the directory was made for this attempt by the daemon, which put more into it. */
enum evidence_opening evidence_adopt(int directory, int *ret_directory, struct error *error);

/* The start marker, the last thing before the program: false with EEXIST where someone else was quicker. On failure there
 * is none of this call's making. */
bool evidence_mark_started(int directory, const struct start_marker *marker, struct error *error);

/* Makes the file that the exit record will be written to, and takes its room while there is some, so that a full disk
 * cannot swallow the verdict. A descriptor, or -1. */
int evidence_reserve(int directory, struct error *error);

/* The exit record, complete or absent, through what evidence_reserve() gave. */
bool evidence_write_record(int directory, int reserved, const struct record *record, struct error *error);

/* The leaf cgroup that the start marker names; `ret` is untouched where there is no marker. */
void evidence_find_cgroup(int parent, const char *name, char ret[static CGROUP_NAME_SIZE]);

/* Removes what was made for a start that was given up, and nothing else: a start marker is somebody else's who was quicker.
 * False where something remains. */
bool evidence_clear(int directory);

/* Removes the directory and what is in it; one that is not there is removed already. */
bool evidence_remove(int parent, const char *name);
