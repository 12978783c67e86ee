// A bomb of clone with shared memory and no exit signal is ended by the time limit.
//
// limits = { wall_time_ms = 1500, cpu_time_ms = 60_000, processes = 16 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>

// More than the limit lets begin, each with a stack of its own: none is used twice.
static char stacks[64][16384];
static atomic_int taken;

static int bomb(void *unused)
{
  char *top = stacks[taken++] + sizeof stacks[0];
  for (;;) {
    if (clone(bomb, top, CLONE_VM | CLONE_PARENT, 0) > 0)
      top = stacks[taken++] + sizeof stacks[0];
  }
}

int main(void)
{
  bomb(0);
}
