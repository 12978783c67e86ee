// A program whose executable is larger than a file may be cannot be made.
//
// limits = { file_bytes = 8_388_608 }
// [expect]
// verdict = "failed"
// exit_code = 1
// reason = "compil"
// stderr = { matches = ".+" }
char array[1 << 25] = {1};

int main(void)
{
  return array[0];
}
