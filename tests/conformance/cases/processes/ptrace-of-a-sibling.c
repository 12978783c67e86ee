// A program whose processes trace and kill each other ends as its main process does.
//
// [expect]
// verdict = "failed"
// exit_code = 2
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
  pid_t victim = fork();
  if (victim == 0)
    for (;;)
      pause();
  if (fork() == 0) {
    if (ptrace(PTRACE_ATTACH, victim, 0, 0) == 0)
      waitpid(victim, 0, 0);
    kill(victim, SIGKILL);
    _exit(0);
  }
  while (wait(0) > 0)
    ;
  return 2;
}
