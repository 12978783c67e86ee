// A program cannot make itself more important than others.
//
// [expect]
// verdict = "completed"
// stdout = "nice: refused\nrealtime: refused\noom: refused\n"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void attempt(const char *what, int result)
{
  printf("%s: %s\n", what, result < 0 ? "refused" : "allowed");
}

int main(void)
{
  attempt("nice", setpriority(PRIO_PROCESS, 0, -10));
  attempt("realtime", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 50}));
  int score = open("/proc/self/oom_score_adj", O_WRONLY);
  attempt("oom", score < 0 ? -1 : (int)write(score, "-1000", 5));
}
