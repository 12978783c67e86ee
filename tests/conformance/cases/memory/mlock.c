// Locking memory does not get around the limit.
//
// limits = { memory_bytes = 67_108_864 }
// [expect]
// verdict = "out_of_memory"
// limit = "memory_bytes"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
  mlockall(MCL_CURRENT | MCL_FUTURE);
  for (;;) {
    char *data = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      munlockall();
      continue;
    }
    mlock(data, 1 << 20);
    memset(data, 1, 1 << 20);
  }
}
