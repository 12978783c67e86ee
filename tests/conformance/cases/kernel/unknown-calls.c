// A system call that is not known is answered with ENOSYS, so that programs can fall back to an older one.
//
// [expect]
// verdict = "completed"
// stdout = "ENOSYS\n"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  long result = syscall(900);
  puts(result < 0 && errno == ENOSYS ? "ENOSYS" : "something else");
}
