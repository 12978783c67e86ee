// Of an exit code the kernel keeps the low eight bits: -1 is 255.
//
// [expect]
// verdict = "failed"
// exit_code = 255
int main(void)
{
  return -1;
}
