#include <stdio.h>

int main(void)
{
  puts("about to crash");
  fflush(stdout);
  *(volatile int *)0 = 42;
}
