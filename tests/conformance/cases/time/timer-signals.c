// A program's own timers work, and change nothing of ours.
//
// limits = { wall_time_ms = 1500 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static void nothing(int number)
{
}

int main(void)
{
  signal(SIGALRM, nothing);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 5000}, {0, 5000}}, 0);
  for (;;)
    pause();
}
