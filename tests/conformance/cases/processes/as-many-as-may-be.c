// As many processes as the limit says, the first included, and the next fork fails.
//
// limits = { processes = 12 }
// [expect]
// verdict = "completed"
// limit = "processes"
// stdout = "12 with the first, then EAGAIN\n"
// processes_peak = [12, 12]
// [on.kubernetes]
// # It limits no number of processes: the kernel does, by user id, and does not tell that it did.
// unset = ["limit"]
// processes_peak = [1, 12]
// [unless.memory]
// unset = ["limit"]
// processes_peak = [1, 12]
#include <errno.h>
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
  printf("%d with the first, then %s\n", count, errno == EAGAIN ? "EAGAIN" : "another error");
}
