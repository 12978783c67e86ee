#include "cli/session.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { PATIENCE_MS = 30 * 1000, PAUSE_MS = 200 };

/* NULL where none was named. */
static const char *server_named(const struct session *session)
{
  if (session->options->server)
    return session->options->server;
  const char *named = getenv("ASSAY_SERVER");
  return named && *named ? named : 0;
}

bool session_open(struct session *session, struct error *error)
{
  const char *named = server_named(session);
  session->client = client_create(named ? named : SERVER_DEFAULT, error);
  return session->client;
}

bool session_open_or_start(struct session *session, struct error *error)
{
  if (!session_open(session, error))
    return false;
  if (server_named(session))
    return true;
  json_t *health = 0;
  bool answered =
    client_call(session->client, &(struct client_request){"GET", "/healthz", .interrupts = -1}, &health, error);
  json_decref(health);
  /* Whatever else goes wrong there will show in the request itself. */
  if (answered || error->code != ECONNREFUSED)
    return true;

  client_destroy(session->client);
  session->client = 0;
  /* A signal must not end us from here on: the daemon and its directory have to go first. */
  if (!session_take_interrupts(session, error))
    return false;
  session->daemon = private_daemon_start(session->options->backend, session->interrupts, error);
  if (!session->daemon)
    return false;
  session->client = client_create(private_daemon_server(session->daemon), error);
  return session->client;
}

void session_close(struct session *session)
{
  client_destroy(session->client);
  private_daemon_stop(session->daemon);
  fd_close(session->interrupts);
  *session = (struct session){.interrupts = -1};
}

bool session_take_interrupts(struct session *session, struct error *error)
{
  if (session->interrupts >= 0)
    return true;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, 0);
  session->interrupts = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  return session->interrupts >= 0 || error_errno(error, "signalfd");
}

static bool interrupt_consume(struct session *session)
{
  struct signalfd_siginfo signal;
  return session->interrupts >= 0 && read(session->interrupts, &signal, sizeof signal) == (ssize_t)sizeof signal;
}

/* Whether it can help to ask again. A private daemon that is gone does not come back. */
static bool worth_repeating(const struct session *session, const struct error *error)
{
  if (session->daemon)
    return false;
  return error->code == ECONNRESET || (error->code == ECONNREFUSED && client_has_connected(session->client));
}

bool session_call(struct session *session, const struct client_request *request, json_t **ret, struct error *error)
{
  struct mono give_up = mono_add_ms(mono_now(), PATIENCE_MS);
  while (!client_call(session->client, request, ret, error)) {
    if (error->code == EINTR)
      return interrupt_consume(session), false;
    if (!worth_repeating(session, error) || mono_now().us >= give_up.us)
      return false;
    struct pollfd interrupt = {.fd = request->interrupts, .events = POLLIN};
    if (poll(&interrupt, 1, PAUSE_MS) > 0 && interrupt_consume(session))
      return error_set(error, ERROR_UNAVAILABLE, EINTR, "interrupted");
  }
  return true;
}
