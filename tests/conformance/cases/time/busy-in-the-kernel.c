// CPU time spent in the kernel counts as well.
//
// limits = { cpu_time_ms = 400 }
// [expect]
// verdict = "timed_out"
// limit = "cpu_time_ms"
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
  static char data[1 << 20];
  int zero = open("/dev/zero", O_RDONLY);
  for (;;)
    read(zero, data, sizeof data);
}
