// A failed assertion: failed, by SIGABRT, and what it said is kept.
//
// [expect]
// verdict = "failed"
// signal = "SIGABRT"
// stderr = { contains = ["main.c", "Assertion `1 + 1 == 3' failed."] }
#include <assert.h>

int main(void)
{
  assert(1 + 1 == 3);
}
