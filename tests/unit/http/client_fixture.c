#include "client_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Results. */

void result_release(struct result *result)
{
  buffer_release(&result->body);
}

static void on_done(void *context, const struct http_answer *answer)
{
  struct result *result = context;
  result->done_count++;
  result->outcome = answer->outcome;
  result->status = answer->status;
  result->retry_after_s = answer->retry_after_s;
  snprintf(result->message, sizeof result->message, "%s", answer->message);
  buffer_append(&result->body, answer->body, answer->body_size);
  if (result->then)
    result->then(result);
  result->exchange = 0;
}

static bool on_data(void *context, const void *bytes, size_t size)
{
  struct result *result = context;
  assert_int_equal(result->done_count, 0);
  result->data_count++;
  result->status_in_data = http_exchange_status(result->exchange);
  buffer_append(&result->body, bytes, size);
  if (result->then)
    result->then(result);
  return true;
}

/* The fixture. */

void connect_client(struct fixture *fixture, unsigned connections_max)
{
  struct http_endpoint endpoint = {.url = fixture->peer.url, .connections_max = connections_max};
  if (*fixture->peer.unix_path)
    endpoint.unix_path = fixture->peer.unix_path;
  http_client_destroy(fixture->client);
  struct error error;
  fixture->client = http_client_create(&fixture->loop, &endpoint, &error);
  if (!fixture->client)
    fail_msg("%s", error.message);
}

static struct fixture *make_fixture(void)
{
  signal(SIGPIPE, SIG_IGN);
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  snprintf(fixture->directory, sizeof fixture->directory, "/tmp/assay-client-XXXXXX");
  if (!mkdtemp(fixture->directory) || uv_loop_init(&fixture->loop))
    fail_msg("cannot make a directory and a loop");
  return fixture;
}

int start_unix(void **state)
{
  struct fixture *fixture = *state = make_fixture();
  peer_listen_unix(&fixture->peer, &fixture->loop, fixture->directory);
  connect_client(fixture, 0);
  return 0;
}

int start_tcp(void **state)
{
  struct fixture *fixture = *state = make_fixture();
  peer_listen_tcp(&fixture->peer, &fixture->loop);
  connect_client(fixture, 0);
  return 0;
}

int stop(void **state)
{
  struct fixture *fixture = *state;
  http_client_destroy(fixture->client);
  peer_stop(&fixture->peer);
  PEER_WAIT_FOR(&fixture->loop, !uv_loop_alive(&fixture->loop));
  int left = uv_loop_close(&fixture->loop);
  rmdir(fixture->directory);
  free(fixture);
  return left;
}

/* Calls. */

struct http_call call_of(struct result *result, const char *path)
{
  return (struct http_call){.method = "GET", .path = path, .total_ms = LONG_MS, .done = on_done, .context = result};
}

struct http_call stream_of(struct result *result, const char *path)
{
  struct http_call call = call_of(result, path);
  call.data = on_data;
  return call;
}

void send_call(struct fixture *fixture, struct result *result, const struct http_call *call)
{
  result->exchange = http_client_send(fixture->client, call);
  assert_int_equal(result->done_count, 0); /* never from inside */
}

void send_get(struct fixture *fixture, struct result *result)
{
  struct http_call call = call_of(result, "/");
  send_call(fixture, result, &call);
}

void send_post(struct fixture *fixture, struct result *result)
{
  struct http_call call = call_of(result, "/");
  call.method = "POST";
  send_call(fixture, result, &call);
}

/* The server's side. */

int accept_request(struct fixture *fixture, struct buffer *ret_request)
{
  int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, ret_request);
  return fd;
}

void read_any(struct fixture *fixture, int fd)
{
  CLEANUP_BUFFER struct buffer request = {0};
  peer_read_request(&fixture->peer, fd, &request);
}

int accept_any(struct fixture *fixture)
{
  int fd = peer_accept(&fixture->peer);
  read_any(fixture, fd);
  return fd;
}

/* What is to come of it. */

void await_done(struct fixture *fixture, struct result *result)
{
  PEER_WAIT_FOR(&fixture->loop, result->done_count);
  assert_int_equal(result->done_count, 1);
}

void await_outcome(struct fixture *fixture, struct result *result, enum http_outcome outcome)
{
  await_done(fixture, result);
  if (result->outcome != outcome)
    fail_msg("outcome %d, status %d: %s", result->outcome, result->status, result->message);
  if (outcome != HTTP_ANSWERED)
    assert_true(*result->message);
}

void assert_answered(struct fixture *fixture, struct result *result, int status, const char *body)
{
  await_outcome(fixture, result, HTTP_ANSWERED);
  assert_int_equal(result->status, status);
  assert_int_equal(result->body.size, strlen(body));
  assert_memory_equal(result->body.data, body, strlen(body));
}

void assert_nothing_happens(struct fixture *fixture, const struct result *result)
{
  peer_turn_for(&fixture->loop, QUIET_MS);
  assert_int_equal(result->done_count, 0);
}

int warm_up(struct fixture *fixture)
{
  RESULT result = {0};
  send_get(fixture, &result);
  int fd = accept_any(fixture);
  peer_write(fd, OK_2);
  assert_answered(fixture, &result, 200, "ok");
  return fd;
}
