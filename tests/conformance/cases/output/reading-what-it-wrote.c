// A program cannot read back what it wrote, nor what another evaluation wrote: its streams are for writing.
//
// [expect]
// verdict = "completed"
// stdout = "written\n"
// stderr = "not readable\n"
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
  char data[64];
  write(1, "written\n", 8);
  ssize_t count = read(1, data, sizeof data);
  dprintf(2, count < 0 && errno == EBADF ? "not readable\n" : "read %zd bytes\n", count);
}
