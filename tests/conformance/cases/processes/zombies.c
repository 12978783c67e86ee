// Zombies that nobody waited for are gone with the program.
//
// [expect]
// verdict = "completed"
// stdout = "20 zombies\n"
#include <stdio.h>
#include <unistd.h>

int main(void)
{
  for (int i = 0; i < 20; i++)
    if (fork() == 0)
      _exit(i);
  usleep(50000);
  puts("20 zombies");
}
