// An alarm that the program set itself is its own affair: failed by SIGALRM, not timed out.
//
// [expect]
// verdict = "failed"
// signal = "SIGALRM"
#include <unistd.h>

int main(void)
{
  ualarm(20000, 0);
  for (;;)
    pause();
}
