// An orphan in a session of its own that holds the streams open delays the verdict by 250 ms at most, and is gone then.
//
// [expect]
// verdict = "completed"
// stdout = "main ends\n"
// wall_time_ms = [0, 15000]
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  puts("main ends");
  fflush(stdout);
  if (fork())
    _exit(0);
  setsid();
  if (fork())
    _exit(0);
  for (int number = 1; number < 65; number++)
    signal(number, SIG_IGN);
  for (;;)
    sleep(60);
}
