// A program may make its pipe as small as can be, and write all the same.
//
// [expect]
// verdict = "completed"
// stdout = { repeat = "0123456789", bytes = 500_000 }
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
  static char data[500000];
  for (int i = 0; i < (int)sizeof data; i++)
    data[i] = '0' + i % 10;
  fcntl(1, F_SETPIPE_SZ, 4096);
  for (size_t done = 0; done < sizeof data;)
    done += write(1, data + done, sizeof data - done);
}
