// kill(-1, SIGKILL) reaches what the program started and nothing else; it lives on and ends as it likes.
//
// [expect]
// verdict = "failed"
// exit_code = 6
// stdout = "child ended by signal 9\n"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
  pid_t child = fork();
  if (child == 0)
    for (;;)
      pause();
  kill(-1, SIGKILL);
  int status;
  waitpid(child, &status, 0);
  printf("child ended by signal %d\n", WTERMSIG(status));
  return 6;
}
