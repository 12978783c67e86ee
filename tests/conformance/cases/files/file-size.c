// A file larger than its limit ends a program that does not care with SIGXFSZ.
//
// limits = { file_bytes = 4_194_304 }
// [expect]
// verdict = "failed"
// signal = "SIGXFSZ"
// limit = "file_bytes"
// stdout = "before\n"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  static char data[1 << 20];
  puts("before");
  fflush(stdout);
  int file = open("file", O_RDWR | O_CREAT, 0600);
  for (int i = 0; i < 10; i++)
    write(file, data, sizeof data);
}
