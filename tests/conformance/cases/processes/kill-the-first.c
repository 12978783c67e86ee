// Neither the first process of the sandbox nor the program's parent nor any other can be killed or stopped.
//
// [expect]
// verdict = "completed"
// stdout = "still here\n"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  static const int signals[] = {SIGSTOP, SIGSEGV, SIGTERM, SIGKILL};
  pid_t parent = getppid();
  for (int i = 0; i < 4; i++) {
    kill(1, signals[i]);
    if (parent > 0)
      kill(parent, signals[i]);
    for (pid_t pid = 1; pid < 2000; pid++)
      if (pid != getpid())
        kill(pid, signals[i]);
  }
  usleep(200000);
  puts("still here");
}
