#include "keeper/signals.h"

#include "wire/container.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What a signal asks for. Docker sends an image's own idea of a stop signal, where it has one. */
static const struct {
  int number;
  enum kill_reason reason; /* NONE: somebody outside wants it to end */
} signals_known[] = {
  {CONTAINER_SIGNAL_CANCEL, KILLED_CANCELLED},
  {CONTAINER_SIGNAL_DEADLINE, KILLED_DEADLINE},
  {CONTAINER_SIGNAL_STOP, KILLED_NONE},
  {SIGHUP, KILLED_NONE},
  {SIGINT, KILLED_NONE},
  {SIGQUIT, KILLED_NONE},
};
enum { SIGNALS = sizeof signals_known / sizeof *signals_known };

bool signals_hold(int *ret, struct error *error)
{
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (int i = 0; i < SIGNALS; i++)
    sigaddset(&set, signals_known[i].number);
  int held = -1;
  if (sigprocmask(SIG_BLOCK, &set, 0) == 0)
    held = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (held < 0)
    return error_errno(error, "cannot hold signals");
  *ret = held;
  return true;
}

/* kill(2) from another pid namespace has no sender here, and nobody inside can make a signal look like that: the kernel
 * takes a code of 0 from nobody but itself (do_rt_sigqueueinfo() in kernel/signal.c). */
static bool comes_from_outside(const struct signalfd_siginfo *received)
{
  return received->ssi_code == SI_USER && received->ssi_pid == 0;
}

void signals_handle(int signals, struct evaluation *evaluation)
{
  struct signalfd_siginfo received;
  while (read(signals, &received, sizeof received) == sizeof received) {
    for (int i = 0; i < SIGNALS; i++) {
      if ((int)received.ssi_signo != signals_known[i].number || !comes_from_outside(&received))
        continue;
      if (signals_known[i].reason != KILLED_NONE)
        evaluation_kill(evaluation, signals_known[i].reason);
      else
        evaluation_abandon(evaluation, ECANCELED, "stopped from outside");
    }
  }
}
