// Many processes, each small, are over the limit together; the main process waits for all.
//
// limits = { memory_bytes = 67_108_864, processes = 32 }
// [expect]
// verdict = "completed"
// limit = "memory_bytes"
// stdout = "some were killed\n"
// [unless.memory]
// verdict = "out_of_memory"
// stdout = ""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel shall choose one of the children, not the one that waits for them. */
static void choose_me(void)
{
  int score = open("/proc/self/oom_score_adj", O_WRONLY);
  write(score, "1000", 4);
}

int main(void)
{
  for (int i = 0; i < 20; i++)
    if (fork() == 0) {
      choose_me();
      for (int megabyte = 0; megabyte < 8; megabyte++)
        memset(malloc(1 << 20), 1, 1 << 20);
      sleep(2);
      _exit(0);
    }
  int killed = 0, status;
  while (wait(&status) > 0)
    killed += WIFSIGNALED(status);
  puts(killed ? "some were killed" : "nobody was killed");
}
