// What was written before a crash is kept, whatever the crash.
//
// [expect]
// verdict = "failed"
// signal = "SIGSEGV"
// stdout = { repeat = "x", bytes = 40_000 }
// stderr = "about to crash"
#include <signal.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
  static char data[40000];
  memset(data, 'x', sizeof data);
  write(1, data, sizeof data);
  write(2, "about to crash", 14);
  *(volatile int *)8 = 1;
}
