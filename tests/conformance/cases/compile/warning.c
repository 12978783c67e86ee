// A compiler's warnings are no failure, and are not mixed with what the program writes.
//
// [expect]
// verdict = "completed"
// stdout = "ran\n"
#include <stdio.h>

#warning "this is a warning"

int main(void)
{
  puts("ran");
}
