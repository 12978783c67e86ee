// A compiler that writes hundreds of kilobytes of errors is cut like any other output.
//
// limits = { output_bytes = 4096 }
// [expect]
// verdict = "failed"
// exit_code = 1
// reason = "compil"
// stderr = { contains = ["error:", "undeclared_0"], bytes_least = 100_000 }
#define GLUE(a, b) a##b
#define UNDECLARED(number) GLUE(undeclared_, number)
#define ONE UNDECLARED(__COUNTER__);
#define TEN ONE ONE ONE ONE ONE ONE ONE ONE ONE ONE
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

int main(void)
{
  HUNDRED HUNDRED HUNDRED
}
