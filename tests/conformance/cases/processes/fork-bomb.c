// A fork bomb is ended by the time limit; it gets no more processes than it may have.
//
// limits = { wall_time_ms = 3000, cpu_time_ms = 60_000, processes = 32 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
// processes_peak = [16, 32]
// [unless.memory]
// processes_peak = [1, 32]
#include <unistd.h>

int main(void)
{
  for (;;)
    fork();
}
