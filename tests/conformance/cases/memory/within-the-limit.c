// What stays within its limit is completed, and its peak is reported.
//
// limits = { memory_bytes = 134_217_728 }
// [expect]
// verdict = "completed"
// memory_peak_bytes = [83_886_080, 134_217_728]
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
  volatile char *data = malloc(80 << 20);
  for (int at = 0; at < 80 << 20; at += 4096)
    data[at] = 1;
  usleep(300000); /* so that one who can only look now and then has seen it */
}
