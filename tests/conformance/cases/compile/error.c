// A program that does not compile has failed, with what the compiler said, and the reason says so.
//
// [expect]
// verdict = "failed"
// exit_code = 1
// reason = "compil"
// stderr = { contains = ["main.c:", "error:", "undeclared"] }
int main(void)
{
  return undeclared;
}
