// A program that touches more memory than it may have is out of memory; what it wrote before is kept.
//
// limits = { memory_bytes = 67_108_864 }
// [expect]
// verdict = "out_of_memory"
// limit = "memory_bytes"
// reason = "memory"
// stdout = "before\n"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
  puts("before");
  fflush(stdout);
  for (;;)
    memset(malloc(1 << 20), 1, 1 << 20);
}
