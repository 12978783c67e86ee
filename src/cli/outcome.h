#pragma once

/* What a finished evaluation means to the shell: the exit status, and the line on standard error. */

#include <jansson.h>

enum {
  STATUS_USAGE = 2,
  STATUS_TIMED_OUT = 124,
  STATUS_NO_VERDICT = 125,      /* on the program: not started, lost, cancelled, or no answer at all */
  STATUS_SIGNALLED = 128,       /* + the signal's number */
  STATUS_OUT_OF_MEMORY = 137,   /* 128 + SIGKILL, as where the kernel does it */
  STATUS_OUTPUT_EXCEEDED = 153, /* 128 + SIGXFSZ, as of a file that grew too large */
};

/* Of `assay run` and `assay wait`. A verdict that this program does not know is no verdict on the program. */
int outcome_status(const json_t *evaluation);

/* "assay: timed out: …" for whatever the exit status alone does not say; silent for exit codes of the program's own. */
void outcome_explain(const json_t *evaluation);
