// A compilation that takes too long is ended by the time limit, and the reason says that it was the compilation.
//
// needs = ["/usr/bin/g++"]
// limits = { cpu_time_ms = 1000, memory_bytes = 1_073_741_824 }
// [expect]
// verdict = "timed_out"
// limit = "cpu_time_ms"
// reason = "compil"
template <int seed> constexpr long burn()
{
  long sum = seed;
  for (int i = 0; i < 2000; i++)
    for (int k = 0; k < 2000; k++)
      sum += i ^ k;
  return sum;
}

static_assert(burn<1>() + burn<2>() + burn<3>() + burn<4>() + burn<5>() + burn<6>() != 0, "");
static_assert(burn<11>() + burn<12>() + burn<13>() + burn<14>() + burn<15>() + burn<16>() != 0, "");

int main()
{
}
