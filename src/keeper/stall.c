#include "keeper/stall.h"

#include "base/fd.h"
#include "base/number.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

uint64_t stall_waited_us(int proc)
{
  CLEANUP_FD int file = openat(proc, "self/schedstat", O_RDONLY | O_CLOEXEC);
  char text[96];
  ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (size <= 0)
    return 0;
  text[size] = 0;
  uint64_t waited_ns;
  const char *second = text + strcspn(text, " ");
  second += *second == ' ';
  return parse_u64(second, strcspn(second, " \n"), UINT64_MAX, &waited_ns) ? waited_ns / 1000 : 0;
}
