#pragma once

/*
 * Whoever started assayd and watches over it: what it hands over, and what it wants to hear. The protocol is systemd's
 * (sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3)), which other supervisors speak too. It is a few variables
 * and a datagram; without them, everything here does nothing.
 */

#include "base/error.h"

#include <stdint.h>

enum { SUPERVISOR_SOCKETS_MAX = 32 };

struct supervisor {
  int sockets[SUPERVISOR_SOCKETS_MAX]; /* that listen already; -1 once somebody has taken one */
  unsigned socket_count;
  char *notify_path;    /* NULL: nobody listens */
  uint64_t watchdog_ms; /* it wants to hear from us at least so often; 0: it does not */
};

/* Takes what is meant for this process out of the environment, so that no child believes that it was meant, and keeps
 * the sockets from children too. Call it before there is another thread or process. */
bool supervisor_take(struct supervisor *ret, struct error *error);
/* `state` is such as "READY=1". That nobody hears it is logged, and nothing more: the daemon is not for its supervisor.
 */
void supervisor_notify(const struct supervisor *supervisor, const char *state);
void supervisor_release(struct supervisor *supervisor);
