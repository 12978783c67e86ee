// Shared memory, of System V and of POSIX, counts as memory, and is gone with the program.
//
// limits = { memory_bytes = 67_108_864 }
// [expect]
// verdict = "out_of_memory"
// limit = "memory_bytes"
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

int main(void)
{
  char *system_v = shmat(shmget(IPC_PRIVATE, 48 << 20, IPC_CREAT | 0600), 0, 0);
  if (system_v != (char *)-1)
    memset(system_v, 1, 48 << 20);
  char *posix = mmap(0, 96 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(posix, 1, 96 << 20);
}
