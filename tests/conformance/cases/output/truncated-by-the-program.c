// A program cannot take back what it wrote: no seeking, no truncating, no writing over.
//
// [expect]
// verdict = "completed"
// stdout = "firstsecond"
#include <unistd.h>

int main(void)
{
  write(1, "first", 5);
  ftruncate(1, 0);
  lseek(1, 0, SEEK_SET);
  pwrite(1, "XXXXX", 5, 0);
  write(1, "second", 6);
}
