// A program cannot raise a limit that was set for it.
//
// limits = { file_bytes = 1_048_576 }
// [expect]
// verdict = "completed"
// stdout = "refused\n"
#include <stdio.h>
#include <sys/resource.h>

int main(void)
{
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  puts(setrlimit(RLIMIT_FSIZE, &limit) < 0 ? "refused" : "allowed");
}
