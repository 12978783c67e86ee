#include "keeper/seccomp_filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

static int load(enum filter filter, unsigned long flags)
{
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter_programs[filter]);
  return result < 0 ? -errno : (int)result;
}

int filter_load(enum filter filter)
{
  return load(filter, 0);
}

int filter_load_gate(int *ret_listener)
{
  /* Killable waiting: once the keeper has seen a stop, no signal but a deadly one may undo it. */
  int listener = load(FILTER_GATE, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  if (listener == -EINVAL)
    listener = load(FILTER_GATE, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  if (listener >= 0)
    return *ret_listener = listener, 0;
  /* Inside a container whose manager listens already there can be no second listener (EBUSY). */
  int result = filter_load(FILTER_QUIET_GATE);
  if (!result)
    *ret_listener = -1;
  return result;
}
