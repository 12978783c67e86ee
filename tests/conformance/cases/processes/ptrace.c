// A program may trace its own children if anything; the first process and its parent it cannot.
//
// [expect]
// verdict = "completed"
// stdout = "first: refused\nparent: refused\n"
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
  printf("first: %s\n", ptrace(PTRACE_SEIZE, 1, 0, 0) < 0 ? "refused" : "allowed");
  printf("parent: %s\n", ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0 ? "refused" : "allowed");
}
