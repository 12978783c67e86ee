// A null pointer: failed, by SIGSEGV.
//
// [expect]
// verdict = "failed"
// signal = "SIGSEGV"
// reason = "SIGSEGV"
// stdout = "before\n"
#include <stdio.h>

int main(void)
{
  puts("before");
  fflush(stdout);
  *(volatile int *)0 = 1;
}
