// The limit of a file's size is none for what is written to the streams.
//
// limits = { file_bytes = 4_194_304, output_bytes = 1024 }
// [expect]
// verdict = "completed"
// stdout = { repeat = "x", bytes = 10_485_760 }
#include <string.h>
#include <unistd.h>

int main(void)
{
  static char data[1 << 20];
  memset(data, 'x', sizeof data);
  for (int i = 0; i < 10; i++)
    for (size_t done = 0; done < sizeof data;)
      done += write(1, data + done, sizeof data - done);
}
