// Space that is reserved beyond the disk limit is refused.
//
// limits = { disk_bytes = 8_388_608 }
// [expect]
// verdict = "completed"
// stdout = "refused\n"
#include <fcntl.h>
#include <stdio.h>

int main(void)
{
  int file = open("file", O_RDWR | O_CREAT, 0600);
  puts(fallocate(file, 0, 0, 64 << 20) < 0 ? "refused" : "allowed");
}
