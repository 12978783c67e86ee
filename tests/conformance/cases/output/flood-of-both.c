// Floods of both streams at once, in small turns: each is cut and counted by itself.
//
// limits = { output_bytes = 4096 }
// [expect]
// verdict = "completed"
// stdout = { repeat = "out\n", bytes = 40_000 }
// stderr = { repeat = "err\n", bytes = 40_000 }
#include <unistd.h>

int main(void)
{
  for (int i = 0; i < 10000; i++) {
    write(1, "out\n", 4);
    write(2, "err\n", 4);
  }
}
