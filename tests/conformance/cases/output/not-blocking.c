// A program may set its streams to not block; what it was told was written is what is kept.
//
// limits = { output_bytes = 2_000_000 }
// [expect]
// verdict = "completed"
// stdout = { repeat = "0123456789", bytes = 1_500_000 }
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

int main(void)
{
  static char data[1500000];
  for (int i = 0; i < (int)sizeof data; i++)
    data[i] = '0' + i % 10;
  fcntl(1, F_SETFL, O_NONBLOCK | fcntl(1, F_GETFL));
  for (size_t done = 0; done < sizeof data;) {
    ssize_t count = write(1, data + done, sizeof data - done);
    if (count > 0)
      done += count;
    else if (errno == EAGAIN)
      poll(&(struct pollfd){.fd = 1, .events = POLLOUT}, 1, -1);
    else
      return 1;
  }
}
