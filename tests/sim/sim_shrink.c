/*
 * A run that fails, made as small as it can be: troubles, jobs and single strikes are left out one after another for as
 * long as it still fails, whatever with. What remains is what one has to understand. Scripts are small already.
 */

#include "sim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool fails(const struct run *run)
{
  fflush(stdout);
  pid_t child = fork();
  ASSERT(child >= 0);
  if (!child) {
    int nowhere = open("/dev/null", O_WRONLY);
    ASSERT(nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    run_make(run);
    _exit(0);
  }
  int status;
  ASSERT(waitpid(child, &status, 0) == child);
  return status != 0;
}

/* Leaves out one bit after another. `bits` is one of the run's own. */
static bool drop_bits(struct run *run, uint64_t *bits, unsigned count)
{
  bool dropped = false;
  for (unsigned bit = 0; bit < count; bit++) {
    uint64_t before = *bits;
    if (!(before >> bit & 1))
      continue;
    *bits &= ~(1ull << bit);
    if (fails(run))
      dropped = true;
    else
      *bits = before;
  }
  return dropped;
}

/* The first few strikes alone, and of these as few as possible; where there are too many, all of them. */
static void drop_strikes(struct run *run)
{
  for (unsigned count = 0; count < 64; count++) {
    run->strikes = (1ull << count) - 1;
    if (fails(run)) {
      drop_bits(run, &run->strikes, count);
      return;
    }
  }
  run->strikes = UINT64_MAX;
}

struct run run_shrink(struct run run)
{
  if (run.script >= 0)
    return run;
  run.troubles = (1ull << TROUBLE_COUNT) - 1;
  run.jobs = (1ull << JOBS_MAX) - 1;
  for (bool dropped = true; dropped;) {
    dropped = drop_bits(&run, &run.troubles, TROUBLE_COUNT);
    dropped = drop_bits(&run, &run.jobs, JOBS_MAX) || dropped;
  }
  drop_strikes(&run);
  return run;
}
