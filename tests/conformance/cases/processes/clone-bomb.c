// A bomb of clone with shared memory and no exit signal is ended by the time limit.
//
// limits = { wall_time_ms = 1500, cpu_time_ms = 60_000, processes = 16 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

static int bomb(void *unused)
{
  for (;;)
    clone(bomb, (char *)malloc(16384) + 16384, CLONE_PARENT, 0);
}

int main(void)
{
  bomb(0);
}
