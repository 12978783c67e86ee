// A bomb of vfork and exec is ended by the time limit.
//
// limits = { wall_time_ms = 1500, cpu_time_ms = 60_000, processes = 16 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
#include <unistd.h>

int main(int count, char **arguments)
{
  for (;;)
    if (vfork() == 0) {
      execl("/proc/self/exe", arguments[0], (char *)0);
      _exit(1);
    }
}
