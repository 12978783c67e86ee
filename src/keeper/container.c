#include "keeper/container.h"

#include "base/fd.h"
#include "base/log.h"
#include "keeper/connection.h"
#include "keeper/evaluation.h"
#include "keeper/evidence.h"
#include "keeper/file_owner.h"
#include "keeper/signals.h"
#include "wire/container.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct container {
  const char *name;
  int attempt; /* its directory */
  int signals;
  struct connection daemon;
  struct host host;
  struct evaluation evaluation;
};

/* The directory belongs to the daemon's user, who is to read what the keeper makes there; so it is made in that user's
 * name, which needs no right to all files either. The way there is root's. */
static bool open_attempt(struct container *container, const char *path, struct error *error)
{
  struct stat status;
  CLEANUP_FD int place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place < 0 || fstat(place, &status) < 0)
    return error_errno(error, "cannot find %s", path);
  file_owner_become((struct file_owner){status.st_uid, status.st_gid});
  container->attempt = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return container->attempt >= 0 || error_errno(error, "cannot open %s", path);
}

/* One keeper at a time touches the directory, and none once the attempt was started. (Where the file system has no locks,
 * it is O_EXCL alone that decides.) */
static bool is_ours(const struct container *container)
{
  const bool locked = flock(container->attempt, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  return locked && !evidence_is_marked(container->attempt);
}

/* Why nothing was started, where the daemon looks for it. */
static void tell_failure(const struct container *container, const struct error *error)
{
  log_error(0, "%s: %s", container->name, error->message);
  if (container->attempt < 0)
    return;
  CLEANUP_FD int file =
    openat(container->attempt, ATTEMPT_FAILURE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file >= 0)
    fd_write_all(file, error->message, strlen(error->message));
}

static bool prepare_host(struct container *container, int plan, char **environment, struct error *error)
{
  CLEANUP_PLAN_MAP struct plan_map mapped = {0};
  return plan_map_open(&mapped, plan, error) &&
         host_prepare_contained(&container->host, container->attempt, &mapped.plan.limits, environment, error);
}

/* Nobody is told anything: whoever wants to know looks at the evidence, and at whether the container lives. */
static enum launch_outcome launch(struct container *container, char **environment, struct error *error)
{
  CLEANUP_FD int plan = openat(container->attempt, ATTEMPT_PLAN, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (plan < 0)
    return error_errno(error, "cannot open the plan"), LAUNCH_REFUSED;
  if (!prepare_host(container, plan, environment, error))
    return LAUNCH_REFUSED;
  unlinkat(container->attempt, ATTEMPT_FAILURE, 0); /* of an earlier start that was none */
  evaluation_init(&container->evaluation, &container->host, &(struct evaluation_events){0});
  enum launch_outcome outcome = LAUNCH_REFUSED;
  if (evaluation_prepare(&container->evaluation, error) && /* init builds while the keeper goes on */
      connection_listen(&container->daemon, container->attempt, ATTEMPT_CONTROL, error))
    outcome = evaluation_launch(&container->evaluation, container->name, plan, error);
  if (outcome != LAUNCH_DONE)
    evaluation_release(&container->evaluation);
  return outcome;
}

static void handle_connection(struct container *container)
{
  struct control_message message;
  int fd;
  while (connection_receive(&container->daemon, &message, &fd)) {
    fd_close(fd);
    if (message.type != CONTROL_KILL || message.value == KILLED_NONE || strcmp(message.name.text, container->name) != 0)
      return connection_hang_up(&container->daemon);
    evaluation_kill(&container->evaluation, (enum kill_reason)message.value);
  }
}

static void handle_listener(struct container *container)
{
  handle_connection(container); /* what the one before still had to say */
  connection_accept(&container->daemon);
}

static void supervise(struct container *container)
{
  while (container->evaluation.phase != PHASE_IDLE) {
    enum { SIGNAL = WATCH_COUNT, CONNECTION, LISTENER, POLL_COUNT };
    struct pollfd watch[POLL_COUNT];
    evaluation_watch(&container->evaluation, watch);
    watch[SIGNAL] = (struct pollfd){.fd = container->signals, .events = POLLIN};
    watch[CONNECTION] = (struct pollfd){.fd = container->daemon.socket, .events = POLLIN};
    watch[LISTENER] = (struct pollfd){.fd = container->daemon.listener, .events = POLLIN};
    if (poll(watch, POLL_COUNT, -1) <= 0)
      continue;
    evaluation_handle(&container->evaluation, watch);
    if (watch[SIGNAL].revents)
      signals_handle(container->signals, &container->evaluation);
    if (watch[CONNECTION].revents)
      handle_connection(container);
    if (watch[LISTENER].revents)
      handle_listener(container);
  }
}

int container_run(const struct options *options, char **environment)
{
  static struct container container; /* with its buffers too large for a stack */
  struct error error = {0};
  container = (struct container){.name = options->name, .attempt = -1, .signals = -1, .daemon = CONNECTION_NONE};
  if (!signals_hold(&container.signals, &error) || !open_attempt(&container, options->container_path, &error)) {
    tell_failure(&container, &error);
    return CONTAINER_STATUS_NOT_STARTED;
  }
  enum launch_outcome outcome = is_ours(&container) ? launch(&container, environment, &error) : LAUNCH_KNOWN;
  if (outcome == LAUNCH_KNOWN) {
    log_warning(0, "%s was started already", container.name);
    return CONTAINER_STATUS_NOT_STARTED;
  }
  if (outcome == LAUNCH_REFUSED) {
    tell_failure(&container, &error);
    return CONTAINER_STATUS_NOT_STARTED;
  }
  supervise(&container);
  evaluation_release(&container.evaluation);
  return 0;
}
