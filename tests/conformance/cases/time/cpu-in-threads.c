// CPU time burned in threads counts, all together.
//
// limits = { cpu_time_ms = 500 }
// [expect]
// verdict = "timed_out"
// limit = "cpu_time_ms"
#include <pthread.h>
#include <unistd.h>

static void *burn(void *unused)
{
  for (;;)
    __asm__ volatile("");
}

int main(void)
{
  for (int i = 0; i < 4; i++)
    pthread_create(&(pthread_t){0}, 0, burn, 0);
  for (;;)
    pause();
}
