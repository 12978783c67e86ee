// Ignoring every signal that can be ignored, and blocking the others, does not help.
//
// limits = { wall_time_ms = 1500 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
// stdout = "ignoring\n"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, 0);
  for (int number = 1; number < 65; number++)
    signal(number, SIG_IGN);
  puts("ignoring");
  fflush(stdout);
  for (;;)
    sleep(60);
}
