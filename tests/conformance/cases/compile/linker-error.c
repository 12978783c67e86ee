// A program that does not link has failed just so.
//
// [expect]
// verdict = "failed"
// exit_code = 1
// reason = "compil"
// stderr = { contains = ["undefined reference to `missing'"] }
int missing(void);

int main(void)
{
  return missing();
}
