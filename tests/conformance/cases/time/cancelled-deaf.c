// Whoever ignores all signals is cancelled just as well.
//
// cancel_after_ms = 300
// [expect]
// verdict = "cancelled"
// stdout = "deaf\n"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  for (int number = 1; number < 65; number++)
    signal(number, SIG_IGN);
  puts("deaf");
  fflush(stdout);
  for (;;)
    sleep(60);
}
