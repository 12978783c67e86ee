// Endless recursion overflows the stack, which is SIGSEGV and not a matter of the memory limit.
//
// [expect]
// verdict = "failed"
// signal = "SIGSEGV"
static volatile char sink;

static int deeper(int level)
{
  volatile char frame[4096];
  frame[0] = (char)level;
  sink = frame[0];
  return deeper(level + 1) + frame[0];
}

int main(void)
{
  return deeper(0);
}
