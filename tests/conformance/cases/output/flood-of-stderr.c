// The limit is one for each stream: a flood of stderr takes nothing from stdout.
//
// [expect]
// verdict = "failed"
// exit_code = 5
// stdout = "untouched\n"
// stderr = { repeat = "0123456789abcde\n", bytes = 16_000_000 }
#include <stdio.h>

int main(void)
{
  static char buffer[65536];
  setvbuf(stderr, buffer, _IOFBF, sizeof buffer);
  for (int i = 0; i < 1000000; i++)
    fputs("0123456789abcde\n", stderr);
  puts("untouched");
  return 5;
}
