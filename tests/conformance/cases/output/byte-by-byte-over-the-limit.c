// Single bytes, many of them, far over the limit: the kept tail is the very end.
//
// limits = { output_bytes = 999 }
// [expect]
// verdict = "completed"
// stdout = { repeat = "0123456789abcdefghijklmnopqrstuvwxy", bytes = 50_000 }
#include <unistd.h>

int main(void)
{
  for (int i = 0; i < 50000; i++)
    write(1, &"0123456789abcdefghijklmnopqrstuvwxy"[i % 35], 1);
}
