// The main process is killed for memory while a child sleeps on: out of memory, at once.
//
// limits = { memory_bytes = 67_108_864 }
// [expect]
// verdict = "out_of_memory"
// limit = "memory_bytes"
// wall_time_ms = [0, 15000]
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
  if (fork() == 0)
    for (;;)
      sleep(60);
  for (;;)
    memset(malloc(1 << 20), 1, 1 << 20);
}
