// A thread other than the first may become another program: the process goes on as that, and ends as it ends.
//
// [expect]
// verdict = "failed"
// exit_code = 8
// stdout = "from the thread\n"
#include <pthread.h>
#include <unistd.h>

static void *other(void *unused)
{
  execl("/bin/sh", "sh", "-c", "echo from the thread; exit 8", (char *)0);
  return 0;
}

int main(void)
{
  pthread_create(&(pthread_t){0}, 0, other, 0);
  for (;;)
    pause();
}
