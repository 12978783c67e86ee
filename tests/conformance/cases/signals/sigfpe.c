// A division by zero in C: failed, by SIGFPE.
//
// [expect]
// verdict = "failed"
// signal = "SIGFPE"
int main(int count, char **arguments)
{
  volatile int zero = count - 1;
  return 7 / zero;
}
