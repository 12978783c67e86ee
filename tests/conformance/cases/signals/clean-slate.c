// A program starts with no signal blocked, none ignored and the usual umask.
//
// [expect]
// verdict = "completed"
// stdout = "blocked 0, ignored 0, umask 022\n"
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

int main(void)
{
  sigset_t mask;
  sigprocmask(SIG_SETMASK, 0, &mask);
  int blocked = 0, ignored = 0;
  for (int number = 1; number < 65; number++) {
    struct sigaction action;
    blocked += sigismember(&mask, number) == 1;
    ignored += sigaction(number, 0, &action) == 0 && action.sa_handler == SIG_IGN;
  }
  printf("blocked %d, ignored %d, umask %03o\n", blocked, ignored, umask(0));
}
