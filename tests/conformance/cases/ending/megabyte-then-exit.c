// A program may write a megabyte and end at once without closing anything: all of it is kept.
//
// limits = { output_bytes = 1_048_576 }
// [expect]
// verdict = "completed"
// stdout = { repeat = "0123456789abcdef", bytes = 1_048_576 }
#include <unistd.h>

int main(void)
{
  static char data[1048576];
  for (int i = 0; i < (int)sizeof data; i++)
    data[i] = "0123456789abcdef"[i % 16];
  for (size_t done = 0; done < sizeof data;)
    done += write(1, data + done, sizeof data - done);
  _exit(0);
}
