// Signals to process ids that are not its own reach nobody on the host.
//
// env = { DAEMON = "${daemon_pid}", RUNNER = "${runner_pid}" }
// [expect]
// verdict = "completed"
// stdout = "nobody\n"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int reached(pid_t pid)
{
  if (pid < 10) /* a small number may be one of the sandbox's own processes */
    return 0;
  return kill(pid, 0) == 0 || errno != ESRCH || syscall(SYS_pidfd_open, pid, 0) >= 0;
}

int main(void)
{
  puts(reached(atoi(getenv("DAEMON"))) || reached(atoi(getenv("RUNNER"))) ? "somebody" : "nobody");
}
