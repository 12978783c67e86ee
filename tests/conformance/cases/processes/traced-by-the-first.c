// A program that asks to be traced by its parent, which traces nobody, stops there for ever: timed out, and not taken for ended.
//
// limits = { wall_time_ms = 1500 }
// [expect]
// verdict = "timed_out"
// limit = "wall_time_ms"
// stdout = "asking\n"
#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
  write(1, "asking\n", 7);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  raise(SIGTRAP);
  pause();
}
