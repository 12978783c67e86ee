#pragma once

/*
 * What the parts of `assay batch` share.
 *
 *   batch.c           the command: what is sent, what comes, and when it is over
 *   batch_files.c     the results and, beside them until all is done, the key of the batch
 *   batch_progress.c  what a person sees meanwhile, and the summary
 *   batch_report.c    the results as a page
 *
 * All that is needed to go on stands in two files: the batch's key, by which the server knows which lines it has, and the
 * results themselves, whose last place is where the stream of results is taken up again.
 */

#include "base/clock.h"
#include "cli/remote.h"

#include <stdio.h>

enum { BATCH_VERDICTS_MAX = 16 };

/* How many have which verdict, in the order in which they were first seen. */
struct batch_tally {
  struct {
    char name[32];
    uint64_t count;
  } verdicts[BATCH_VERDICTS_MAX];
  size_t verdict_count;
  uint64_t ended; /* all of them */
  uint64_t place; /* of the last one: where the stream goes on */
};
/* Of a line of results. False: it is none. */
bool batch_tally_line(struct batch_tally *tally, const char *line, size_t size);

struct batch_files {
  FILE *program, *results;
  char *key;        /* the Idempotency-Key */
  char *key_path;   /* RESULTS.batch */
  uint64_t lines;   /* that say something */
  bool is_going_on; /* there was a key */
  struct batch_tally tally;
};
/* Opens all; a new batch gets a key, of an old one the results are read as far as they are whole. */
bool batch_files_open(const char *program_path, const char *results_path, struct batch_files *ret, struct error *error);
void batch_files_done(struct batch_files *files); /* the batch is over: there is nothing to go on with */
void batch_files_release(struct batch_files *files);

struct batch_progress {
  const struct batch_files *files;
  bool is_terminal;
  struct mono begun, shown;
  uint64_t ended_before; /* this run */
};
void batch_progress_begin(struct batch_progress *progress, const struct batch_files *files);
void batch_progress_show(struct batch_progress *progress); /* not too often; may be called for every result */
void batch_progress_end(struct batch_progress *progress);
/* `batch`: as the server has it at the end. To standard output. */
void batch_summary_print(const struct batch_progress *progress, const json_t *batch);

bool batch_report_write(const char *results_path, const char *report_path, const json_t *batch, struct error *error);
