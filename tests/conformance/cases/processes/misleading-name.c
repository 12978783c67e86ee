// A process may call itself what it likes, also what would mislead one who reads /proc/PID/stat carelessly.
//
// limits = { cpu_time_ms = 500 }
// [expect]
// verdict = "timed_out"
// limit = "cpu_time_ms"
#include <sys/prctl.h>
#include <unistd.h>

int main(void)
{
  prctl(PR_SET_NAME, ") Z 0 0 0 (a\n b");
  fork();
  for (;;)
    __asm__ volatile("");
}
