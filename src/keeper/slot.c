#include "keeper/slot.h"

#include "base/failpoint.h"
#include "base/fd.h"
#include "base/log.h"
#include "keeper/evaluation.h"
#include "keeper/removals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LONELY_MS_MAX = 10000 };

static bool take_lock(struct slot *slot, const char *path, struct error *error)
{
  slot->lock = openat(slot->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (slot->lock < 0)
    return error_errno(error, "cannot open %s/lock", path);
  if (flock(slot->lock, LOCK_EX | LOCK_NB) < 0)
    return error_errno(error, "another keeper serves the slot %s", path);
  return true;
}

bool slot_open(struct slot *ret, const char *path, struct error *error)
{
  struct slot slot = {.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .lock = -1, CONNECTION_NONE};
  if (slot.directory < 0)
    return error_errno(error, "cannot open %s", path);
  if (!take_lock(&slot, path, error))
    return false;
  if (!connection_listen(&slot.daemon, slot.directory, "socket", error))
    return error_wrap(error, "%s", path);
  *ret = slot;
  return true;
}

struct server {
  struct slot *slot;
  struct host *host;
  struct evaluation evaluation;
  struct removals removals;
  bool was_connected, quit;
};

static bool is_idle(const struct server *server)
{
  return server->evaluation.phase == PHASE_IDLE;
}

static void tell(struct server *server, const struct control_message *message, int fd)
{
  connection_send(&server->slot->daemon, message, fd);
}

static void tell_of(struct server *server, enum control_type type, const char *name)
{
  const struct control_message message = control_make(type, name);
  tell(server, &message, -1);
}

static void on_started(void *context, const char *name, int pidfd)
{
  const struct control_message message = control_make(CONTROL_STARTED, name);
  tell(context, &message, pidfd);
}

static void on_ended(void *context, const char *name)
{
  tell_of(context, CONTROL_ENDED, name);
}

/* The daemon first; the next sandbox is made while it thinks. */
static void on_idle(void *context)
{
  struct server *server = context;
  struct error error = {0};
  tell_of(server, CONTROL_IDLE, 0);
  FAILPOINT(idle_told);
  if (!evaluation_prepare(&server->evaluation, &error))
    log_warning(0, "%s", error.message); /* the next launch tries again, and tells */
}

static void say_hello(struct server *server)
{
  struct control_message hello = control_make(CONTROL_HELLO, is_idle(server) ? 0 : server->evaluation.name.text);
  hello.value = server->host->isolation;
  tell(server, &hello, -1);
}

static void refuse(struct server *server, const char *name, const struct error *error)
{
  struct control_message refused = control_make(CONTROL_REFUSED, name);
  refused.code = (uint32_t)error->code;
  snprintf(refused.text, sizeof refused.text, "%.*s", (int)sizeof refused.text - 1, error->message);
  tell(server, &refused, -1);
}

static void run(struct server *server, const char *name, int plan)
{
  struct error error = {0};
  if (!is_idle(server)) {
    if (!strcmp(server->evaluation.name.text, name))
      return tell_of(server, CONTROL_KNOWN, name);
    error_set(&error, ERROR_UNAVAILABLE, EBUSY, "another evaluation runs in this slot");
    return refuse(server, name, &error);
  }
  switch (evaluation_launch(&server->evaluation, name, plan, &error)) {
  case LAUNCH_KNOWN:
    return tell_of(server, CONTROL_KNOWN, name);
  case LAUNCH_REFUSED:
    log_warning(0, "%s could not be launched: %s", name, error.message);
    return refuse(server, name, &error);
  default:
    return;
  }
}

static const char *active_name(const struct server *server)
{
  return is_idle(server) ? 0 : server->evaluation.name.text;
}

static void obey(struct server *server, const struct control_message *message, int fd)
{
  const char *active = active_name(server);
  switch (message->type) {
  case CONTROL_RUN:
    return run(server, message->name.text, fd);
  case CONTROL_KILL:
    if (active && !strcmp(active, message->name.text) && message->value != KILLED_NONE)
      evaluation_kill(&server->evaluation, (enum kill_reason)message->value);
    return;
  case CONTROL_REMOVE:
    return removals_add(&server->removals, message->name.text);
  case CONTROL_QUIT:
    server->quit = true;
    return;
  default:
    log_warning(0, "the daemon sent a %s, which only a keeper sends",
                control_type_name((enum control_type)message->type));
    return connection_hang_up(&server->slot->daemon);
  }
}

static void handle_connection(struct server *server)
{
  struct control_message message;
  int fd;
  while (connection_receive(&server->slot->daemon, &message, &fd)) {
    obey(server, &message, fd);
    fd_close(fd);
  }
}

static void handle_listener(struct server *server)
{
  handle_connection(server); /* what the daemon before this one still had to say */
  if (!connection_accept(&server->slot->daemon))
    return;
  server->was_connected = true;
  say_hello(server);
}

/* How long to sleep: for ever, unless something is to be done again, or nobody has come yet. */
static int sleep_ms(const struct server *server)
{
  if (!removals_are_done(&server->removals))
    return REMOVAL_RETRY_MS;
  return server->was_connected ? -1 : LONELY_MS_MAX;
}

static bool is_done(const struct server *server, bool slept_long)
{
  if (!is_idle(server))
    return false;
  if (server->quit)
    return true;
  return server->slot->daemon.socket < 0 && (server->was_connected || slept_long);
}

bool slot_serve(struct slot *slot, struct host *host, struct error *error)
{
  static struct server server; /* with its buffers too large for a stack */
  server = (struct server){.slot = slot, .host = host};
  const struct evaluation_events events = {
    .context = &server, .started = on_started, .ended = on_ended, .idle = on_idle};
  evaluation_init(&server.evaluation, host, &events);
  /* A first sandbox, before anybody is told hello: what this host cannot do is known now, and not at the first
   * evaluation. */
  if (!evaluation_prepare(&server.evaluation, error) || !sandbox_await_built(&server.evaluation.spare, error))
    return error_wrap(error, "cannot make a sandbox");

  for (bool slept_long = false; !is_done(&server, slept_long);) {
    enum { CONNECTION = WATCH_COUNT, LISTENER, POLL_COUNT };
    struct pollfd watch[POLL_COUNT];
    evaluation_watch(&server.evaluation, watch);
    watch[CONNECTION] = (struct pollfd){.fd = slot->daemon.socket, .events = POLLIN};
    watch[LISTENER] = (struct pollfd){.fd = slot->daemon.listener, .events = POLLIN};
    int ready = poll(watch, POLL_COUNT, sleep_ms(&server));
    slept_long = ready == 0;
    if (ready > 0) {
      evaluation_handle(&server.evaluation, watch);
      if (watch[CONNECTION].revents)
        handle_connection(&server);
      if (watch[LISTENER].revents)
        handle_listener(&server);
    }
    removals_try(&server.removals, host, active_name(&server));
  }
  evaluation_release(&server.evaluation);
  removals_release(&server.removals);
  return true;
}
