/*
 * TLS, with certificates for both sides: against `openssl s_server`, which wants a client's certificate and shows a page,
 * and against a scripted peer that is no good at TLS.
 */

#include "client_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* For all tests. The files are named relative to the directory, which is the working directory. */
static char directory[] = "/tmp/assay-tls-XXXXXX";
static pid_t server = -1;
static unsigned server_port;

/* Starts a command of openssl; its standard output goes to a file. */
static pid_t start_openssl(const char *const *arguments, const char *output)
{
  pid_t parent = getpid(), pid = fork();
  if (pid)
    return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the test crash */
  int out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (getppid() == parent && out >= 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2)
    execvp(arguments[0], (char *const *)arguments);
  _exit(127);
}

static bool run_openssl(const char *const *arguments)
{
  int status = -1;
  pid_t pid = start_openssl(arguments, "log");
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

#define NEW_KEY                                                                                                        \
  "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"
#define SIGNED "-CA", "ca.pem", "-CAkey", "ca.key"

static bool make_certificates(void)
{
  const char *const authority[] = {NEW_KEY, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem", NULL};
  const char *const server_pair[] = {
    NEW_KEY,   SIGNED,       "-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1",
    "-keyout", "server.key", "-out",  "server.pem", NULL};
  const char *const client_pair[] = {NEW_KEY, SIGNED,       "-subj", "/CN=somebody-known", "-keyout", "client.key",
                                     "-out",  "client.pem", NULL};
  return run_openssl(authority) && run_openssl(server_pair) && run_openssl(client_pair);
}

/* It tells the port that it got on its standard output. */
static bool start_server(void)
{
  static const char *const arguments[] = {
    "openssl", "s_server", "-accept", "127.0.0.1:0",          "-cert", "server.pem", "-key", "server.key", "-CAfile",
    "ca.pem",  "-Verify",  "1",       "-verify_return_error", "-www",  NULL};
  server = start_openssl(arguments, "server.log");
  for (struct mono end = mono_add_ms(mono_now(), PEER_WAIT_MS_MAX); mono_now().us < end.us; usleep(1000)) {
    CLEANUP_BLOB struct blob *log = file_read(AT_FDCWD, "server.log", 64 * 1024, NULL);
    const char *accept = log ? strstr((const char *)log->data, "ACCEPT 127.0.0.1:") : 0;
    if (accept && strchr(accept, '\n') && sscanf(accept, "ACCEPT 127.0.0.1:%u", &server_port) == 1)
      return true;
  }
  return false;
}

static int make_server(void **state)
{
  (void)state;
  bool good = mkdtemp(directory) && chdir(directory) == 0 && make_certificates() && start_server();
  if (!good)
    fprintf(stderr, "cannot make certificates and a server of them; the logs are in %s\n", directory);
  return good ? 0 : -1;
}

static int end_server(void **state)
{
  (void)state;
  static const char *const files[] = {"log",        "server.log", "ca.key",     "ca.pem",
                                      "server.key", "server.pem", "client.key", "client.pem"};
  if (server > 0) {
    kill(server, SIGKILL);
    waitpid(server, 0, 0);
  }
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    unlink(files[i]);
  return rmdir(directory);
}

/* Asks the server, or whoever else is at the port, with what the endpoint says. */
static void ask(struct fixture *fixture, struct result *result, struct http_endpoint endpoint, unsigned port)
{
  char url[64];
  snprintf(url, sizeof url, "https://%s:%u", endpoint.url ? endpoint.url : "127.0.0.1", port);
  endpoint.url = url;
  http_client_destroy(fixture->client);
  struct error error;
  fixture->client = http_client_create(&fixture->loop, &endpoint, &error);
  if (!fixture->client)
    fail_msg("%s", error.message);
  struct http_call call = call_of(result, "/");
  call.connect_ms = LONG_MS;
  send_call(fixture, result, &call);
}

static const struct http_endpoint good = {.ca_path = "ca.pem", .cert_path = "client.pem", .key_path = "client.key"};

static void both_sides_show_their_certificates(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  ask(fixture, &result, good, server_port);
  await_outcome(fixture, &result, HTTP_ANSWERED);
  assert_int_equal(result.status, 200);
  assert_non_null(strstr(result.body.data, "somebody-known"));
}

static void a_client_that_the_server_does_not_know_is_not_answered(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_endpoint endpoint = {.ca_path = "ca.pem"};
  ask(fixture, &result, endpoint, server_port);
  /* With TLS 1.3 the server says so only when the request is on its way. */
  await_outcome(fixture, &result, HTTP_UNKNOWN);
}

static void a_server_that_the_client_does_not_trust_is_sent_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct http_endpoint other_authority = good, other_name = good;
  other_authority.ca_path = "client.pem";
  other_name.url = "localhost";
  RESULT by_authority = {0}, by_name = {0}, by_system = {0};
  ask(fixture, &by_authority, other_authority, server_port);
  await_outcome(fixture, &by_authority, HTTP_NOT_SENT);
  ask(fixture, &by_name, other_name, server_port);
  await_outcome(fixture, &by_name, HTTP_NOT_SENT);
  ask(fixture, &by_system, (struct http_endpoint){.cert_path = "client.pem", .key_path = "client.key"}, server_port);
  await_outcome(fixture, &by_system, HTTP_NOT_SENT);
}

static void whoever_says_so_trusts_any_server(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_endpoint endpoint = good;
  endpoint.ca_path = 0;
  endpoint.url = "localhost";
  endpoint.insecure = true;
  ask(fixture, &result, endpoint, server_port);
  await_outcome(fixture, &result, HTTP_ANSWERED);
}

static void certificates_that_are_none_send_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct http_endpoint no_authority = good, no_certificate = good, other_key = good;
  no_authority.ca_path = "log";
  no_certificate.cert_path = "log";
  other_key.key_path = "server.key";
  const struct http_endpoint endpoints[] = {no_authority, no_certificate, other_key};
  for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
    RESULT result = {0};
    ask(fixture, &result, endpoints[i], server_port);
    await_outcome(fixture, &result, HTTP_NOT_SENT);
  }
}

static unsigned port_of(const struct peer *peer)
{
  return (unsigned)strtoul(strrchr(peer->url, ':') + 1, 0, 10);
}

static void a_server_without_tls_is_sent_nothing(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  ask(fixture, &result, good, port_of(&fixture->peer));
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_write(fd, OK_2);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
}

static void a_handshake_that_does_not_end_in_time_sends_nothing(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0}, first = {0};
  ask(fixture, &first, good, port_of(&fixture->peer));
  struct http_call call = call_of(&result, "/");
  call.connect_ms = SHORT_MS;
  send_call(fixture, &result, &call);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
  assert_int_equal(first.done_count, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    OVER(start_tcp, both_sides_show_their_certificates),
    OVER(start_tcp, a_client_that_the_server_does_not_know_is_not_answered),
    OVER(start_tcp, a_server_that_the_client_does_not_trust_is_sent_nothing),
    OVER(start_tcp, whoever_says_so_trusts_any_server),
    OVER(start_tcp, certificates_that_are_none_send_nothing),
    OVER(start_tcp, a_server_without_tls_is_sent_nothing),
    OVER(start_tcp, a_handshake_that_does_not_end_in_time_sends_nothing),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("http/client_tls", tests, make_server, end_server);
}
