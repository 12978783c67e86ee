// One evaluation at its process limit takes none from another.
//
// copies = 4
// limits = { processes = 12 }
// [expect]
// verdict = "completed"
// limit = "processes"
// stdout = "12\n"
// [on.kubernetes]
// # It limits no number of processes: the kernel does, by user id, and does not tell that it did.
// unset = ["limit"]
// [unless.memory]
// unset = ["limit"]
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  int count = 1;
  pid_t child;
  while ((child = fork()) > 0)
    count++;
  if (child == 0)
    for (;;)
      pause();
  sleep(1);
  printf("%d\n", count);
}
