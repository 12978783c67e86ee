// What the kernel moves into a stream without copying, from files, from pipes and from memory, is kept like what is written.
//
// [expect]
// verdict = "completed"
// stdout = { repeat = "0123456789abcdef", bytes = 40_000 }
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static char data[40000];

int main(void)
{
  for (int i = 0; i < (int)sizeof data; i++)
    data[i] = "0123456789abcdef"[i % 16];
  int file = open("file", O_RDWR | O_CREAT, 0600);
  write(file, data, 32000);
  for (off_t at = 0; at < 16000;)
    sendfile(1, file, &at, 16000 - at);
  loff_t from = 16000;
  while (from < 32000)
    splice(file, &from, 1, 0, 32000 - from, 0);
  struct iovec rest = {data + 32000, 8000};
  while (rest.iov_len) {
    ssize_t moved = vmsplice(1, &rest, 1, 0);
    if (moved <= 0)
      return 1;
    rest.iov_base = (char *)rest.iov_base + moved;
    rest.iov_len -= moved;
  }
  while (1) { /* the memory is shared with the pipe until it is read */
    int waiting;
    if (ioctl(1, FIONREAD, &waiting) < 0 || waiting == 0)
      break;
    usleep(1000);
  }
}
