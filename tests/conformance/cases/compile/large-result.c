// A program whose executable is larger than a file may be cannot be made: the assembler is killed, and the compiler says so.
//
// limits = { file_bytes = 8_388_608 }
// [expect]
// verdict = "failed"
// exit_code = 4
// reason = "compil"
// stderr = { matches = ".+" }
char array[1 << 25] = {1};

int main(void)
{
  return array[0];
}
