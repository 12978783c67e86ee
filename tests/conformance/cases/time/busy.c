// A busy loop is ended by the CPU time limit.
//
// limits = { cpu_time_ms = 400 }
// [expect]
// verdict = "timed_out"
// limit = "cpu_time_ms"
// reason = "CPU time"
int main(void)
{
  for (;;)
    __asm__ volatile("");
}
