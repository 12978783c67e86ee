// Signals have their default actions: a write to a closed pipe ends a C program with SIGPIPE.
//
// [expect]
// verdict = "failed"
// signal = "SIGPIPE"
#include <unistd.h>

int main(void)
{
  int ends[2];
  pipe(ends);
  close(ends[0]);
  write(ends[1], "x", 1);
}
