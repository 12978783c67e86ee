// Memory that is never touched is none: a huge array and a huge allocation are completed.
//
// limits = { memory_bytes = 67_108_864 }
// [expect]
// verdict = "completed"
// stdout = "1\n"
#include <stdio.h>
#include <stdlib.h>

static char array[1 << 30];

int main(void)
{
  volatile char *allocated = malloc(1 << 30);
  printf("%d\n", allocated && array[12345] == 0);
}
