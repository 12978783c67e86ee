// Only the descriptors 0, 1 and 2 are open.
//
// [expect]
// verdict = "completed"
// stdout = "0 1 2\n"
#include <fcntl.h>
#include <stdio.h>

int main(void)
{
  const char *space = "";
  for (int number = 0; number < 1 << 20; number++)
    if (fcntl(number, F_GETFD) >= 0) {
      printf("%s%d", space, number);
      space = " ";
    }
  puts("");
}
