// A program may restrict itself further, and what it then does wrong is its own failure.
//
// [expect]
// verdict = "failed"
// signal = "SIGKILL"
// stdout = "strict\n"
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void)
{
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0)
    write(1, "strict\n", 7);
  getpid();
  write(1, "never\n", 6);
}
