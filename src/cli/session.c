#include "cli/session.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TOKEN_FILE_BYTES_MAX = 4096 };
/* RFC 6750, section 2.1 */
#define TOKEN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="
enum { PATIENCE_MS = 30 * 1000, PAUSE_MS = 200 };

/* NULL where none was named. */
static const char *server_named(const struct session *session)
{
  if (session->options->server)
    return session->options->server;
  const char *named = getenv("ASSAY_SERVER");
  return named && *named ? named : 0;
}

/* The first line of the file that was named; NULL where none was. The caller frees. */
static bool token_read(const struct session *session, char **ret, struct error *error)
{
  const char *path = session->options->token_file ? session->options->token_file : getenv("ASSAY_TOKEN_FILE");
  if (!path || !*path)
    return true;
  CLEANUP_BLOB struct blob *file = file_read(AT_FDCWD, path, TOKEN_FILE_BYTES_MAX, error);
  if (!file)
    return error_wrap(error, "token file %s", path);
  CLEANUP_FREE char *token = xstrndup((const char *)file->data, strcspn((const char *)file->data, "\r\n"));
  if (!*token || strspn(token, TOKEN_CHARACTERS) != strlen(token))
    return error_set(error, ERROR_INVALID, EINVAL, "token file %s: its first line is not an access token", path);
  *ret = TAKE_PTR(token);
  return true;
}

static bool open_server(struct session *session, const char *server, struct error *error)
{
  CLEANUP_FREE char *token = 0;
  if (!token_read(session, &token, error))
    return false;
  session->client = client_create(server, error);
  if (!session->client)
    return false;
  client_set_token(session->client, token);
  const char *ca_file = session->options->ca_file ? session->options->ca_file : getenv("ASSAY_CA_FILE");
  if (ca_file && *ca_file)
    client_set_ca_file(session->client, ca_file);
  return true;
}

bool session_open(struct session *session, struct error *error)
{
  const char *named = server_named(session);
  return open_server(session, named ? named : SERVER_DEFAULT, error);
}

/* As assayd has it without --state-dir; NULL: nowhere. The caller frees. */
static char *owner_socket(void)
{
  if (geteuid() == 0)
    return xstrdup("/var/lib/assay/socket");
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  if (state && *state == '/')
    return xasprintf("%s/assay/socket", state);
  return home && *home == '/' ? xasprintf("%s/.local/state/assay/socket", home) : 0;
}

bool session_open_as_owner(struct session *session, struct error *error)
{
  CLEANUP_FREE char *path = owner_socket();
  if (server_named(session) || !path || access(path, W_OK) < 0)
    return session_open(session, error);
  CLEANUP_FREE char *server = xasprintf("unix:%s", path);
  return open_server(session, server, error);
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

  if (session->options->callback_url)
    return error_wrap(error, "--callback-url needs a server: one that is started for this command ends with it");
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

bool session_may_repeat(struct session *session, int interrupts, struct mono give_up, struct error *error)
{
  if (error->code == EINTR)
    return interrupt_consume(session), false;
  if (!worth_repeating(session, error) || mono_now().us >= give_up.us)
    return false;
  struct pollfd interrupt = {.fd = interrupts, .events = POLLIN};
  if (poll(&interrupt, 1, PAUSE_MS) > 0 && interrupt_consume(session))
    return error_set(error, ERROR_UNAVAILABLE, EINTR, "interrupted");
  return true;
}

struct mono session_patience(void)
{
  return mono_add_ms(mono_now(), PATIENCE_MS);
}

bool session_call(struct session *session, const struct client_request *request, json_t **ret, struct error *error)
{
  struct mono give_up = session_patience();
  while (!client_call(session->client, request, ret, error))
    if (!session_may_repeat(session, request->interrupts, give_up, error))
      return false;
  return true;
}
