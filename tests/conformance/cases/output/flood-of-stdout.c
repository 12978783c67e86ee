// A flood is cut: head and tail are kept, what is between is counted to the byte, and the program runs on to its own end.
//
// [expect]
// verdict = "completed"
// stdout = { repeat = "0123456789abcde\n", bytes = 32_000_000 }
// stderr = "done\n"
#include <stdio.h>

int main(void)
{
  for (int i = 0; i < 2000000; i++)
    fputs("0123456789abcde\n", stdout);
  fputs("done\n", stderr);
}
