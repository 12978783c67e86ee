// An instruction that does not exist: failed, by SIGILL.
//
// [expect]
// verdict = "failed"
// signal = "SIGILL"
int main(void)
{
  __builtin_trap();
}
