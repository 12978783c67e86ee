// A program that kills its own process group kills itself, and nothing of ours.
//
// [expect]
// verdict = "failed"
// signal = "SIGKILL"
#include <signal.h>

int main(void)
{
  kill(0, SIGKILL);
}
