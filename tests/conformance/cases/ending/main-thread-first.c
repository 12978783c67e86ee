// The main thread may end first: the program has ended when its last thread has, with the code of that.
//
// [expect]
// verdict = "failed"
// exit_code = 9
// stdout = "other thread\n"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *other(void *unused)
{
  usleep(200000);
  puts("other thread");
  exit(9);
}

int main(void)
{
  pthread_t thread;
  pthread_create(&thread, 0, other, 0);
  pthread_exit(0);
}
