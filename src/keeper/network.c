#include "keeper/network.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const counter_files[NETWORK_COUNTERS] = {"self/net/sockstat", "self/net/sockstat6"};

/* Connections are forgotten as soon as they are closed: nothing of one evaluation waits for, or teaches, the next. An
 * old kernel without one of them does no harm, as network_is_clean() looks. */
static const struct {
  const char *path, *value;
} settings[] = {
  {"sys/net/ipv4/tcp_max_tw_buckets", "0"},
  {"sys/net/ipv4/tcp_no_metrics_save", "1"},
};

static bool bring_loopback_up(struct error *error)
{
  CLEANUP_FD int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (control < 0 || ioctl(control, SIOCSIFFLAGS, &request) < 0)
    return error_errno(error, "cannot bring the loopback up");
  return true;
}

bool network_enter_fresh(struct network *network, int proc, struct error *error)
{
  network_release(network);
  if (unshare(CLONE_NEWNET) < 0)
    return error_errno(error, "cannot make a network namespace");
  if (!bring_loopback_up(error))
    return false;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    file_write_once(proc, settings[i].path, settings[i].value);
  for (int i = 0; i < NETWORK_COUNTERS; i++)
    network->counters[i] = openat(proc, counter_files[i], O_RDONLY | O_CLOEXEC);
  return true;
}

/* "TCP: inuse 0 orphan 0 tw 0 …": a number other than 0 behind one of these means a socket of this namespace. */
static bool all_zero(char *text)
{
  char *rest;
  for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(0, " \n", &rest)) {
    if (strcmp(word, "inuse") != 0 && strcmp(word, "tw") != 0)
      continue;
    const char *number = strtok_r(0, " \n", &rest);
    if (!number || strcmp(number, "0") != 0)
      return false;
  }
  return true;
}

bool network_is_clean(const struct network *network)
{
  for (int i = 0; i < NETWORK_COUNTERS; i++) {
    if (network->counters[i] < 0)
      continue;
    char text[2048];
    ssize_t size = pread(network->counters[i], text, sizeof text - 1, 0);
    if (size <= 0)
      return false;
    text[size] = 0;
    if (!all_zero(text))
      return false;
  }
  return true;
}

void network_release(struct network *network)
{
  for (int i = 0; i < NETWORK_COUNTERS; i++) {
    fd_close(network->counters[i]);
    network->counters[i] = -1;
  }
}
