// Of an exit code the kernel keeps the low eight bits: 256 is 0, which is completed.
//
// [expect]
// verdict = "completed"
#include <unistd.h>

int main(void)
{
  _exit(256);
}
