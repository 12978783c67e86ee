// Threads count as processes: as many as may be, and not one more.
//
// limits = { processes = 20 }
// [expect]
// verdict = "completed"
// limit = "processes"
// stdout = "20 with the first, then EAGAIN\n"
// [on.kubernetes]
// # It limits no number of processes: the kernel does, by user id, and does not tell that it did.
// unset = ["limit"]
// [unless.memory]
// unset = ["limit"]
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *sleeper(void *unused)
{
  for (;;)
    pause();
}

int main(void)
{
  int count = 1, error;
  while (!(error = pthread_create(&(pthread_t){0}, 0, sleeper, 0)))
    count++;
  printf("%d with the first, then %s\n", count, error == EAGAIN ? "EAGAIN" : "another error");
}
