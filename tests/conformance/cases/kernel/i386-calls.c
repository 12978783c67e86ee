// System calls of another architecture are no way around: a child that makes one gets an error or is killed.
//
// [expect]
// verdict = "completed"
// stdout = "i386: refused\nx32: refused\n"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int i386_getpid(void)
{
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static int x32_getpid(void)
{
  return (int)syscall(0x40000000 | 39);
}

static void attempt(const char *name, int (*call)(void))
{
  pid_t child = fork();
  if (child == 0)
    _exit(call() == getpid());
  int status;
  waitpid(child, &status, 0);
  printf("%s: %s\n", name, WIFEXITED(status) && WEXITSTATUS(status) == 1 ? "allowed" : "refused");
  fflush(stdout);
}

int main(void)
{
  attempt("i386", i386_getpid);
  attempt("x32", x32_getpid);
}
