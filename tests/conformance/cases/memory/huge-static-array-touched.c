// A huge static array that is touched is memory.
//
// limits = { memory_bytes = 67_108_864 }
// [expect]
// verdict = "out_of_memory"
// limit = "memory_bytes"
static char array[1 << 28];

int main(void)
{
  for (volatile char *at = array; at < array + sizeof array; at += 4096)
    *at = 1;
}
