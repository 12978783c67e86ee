// A CPU time limit that the program set itself is its own affair: failed by SIGXCPU, not timed out.
//
// [expect]
// verdict = "failed"
// signal = "SIGXCPU"
#include <sys/resource.h>

int main(void)
{
  setrlimit(RLIMIT_CPU, &(struct rlimit){1, RLIM_INFINITY});
  for (;;)
    __asm__ volatile("");
}
