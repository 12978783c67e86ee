// A mapping beyond the end of its file: failed, by SIGBUS.
//
// [expect]
// verdict = "failed"
// signal = "SIGBUS"
#include <fcntl.h>
#include <sys/mman.h>

int main(void)
{
  int file = open("empty", O_RDWR | O_CREAT, 0600);
  volatile char *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  map[0] = 1;
}
