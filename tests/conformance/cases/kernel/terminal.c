// Nothing can be typed into a terminal of ours: there is none, and TIOCSTI and TIOCLINUX are refused.
//
// [expect]
// verdict = "completed"
// stdout = "refused\n"
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
  int typed = 0;
  for (int stream = 0; stream < 3; stream++)
    typed += ioctl(stream, TIOCSTI, "x") == 0 || ioctl(stream, TIOCLINUX, "\3") == 0;
  puts(typed ? "typed" : "refused");
}
