/* Verdicts on their way to a receiver that does what the test says: what it is sent, and what is made of its answer. */

#include "webhook/sender.h"

#include "../http/scripted_peer.h"
#include "base/fd.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ID "20261122_195800_0123abcd"
#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

enum { LONG_MS = 15 * 1000, QUIET_MS = 100 };

struct fixture {
  uv_loop_t loop;
  struct peer peer;
  struct sender *sender;
};

/* What became of one. */
struct result {
  unsigned done_count;
  int status;
  unsigned retry_after_s;
  char message[REASON_SIZE];
};

static void done(void *context, const struct delivery_answer *answer)
{
  struct result *result = context;
  result->done_count++;
  result->status = answer->status;
  result->retry_after_s = answer->retry_after_s;
  snprintf(result->message, sizeof result->message, "%s", answer->message ? answer->message : "");
}

static void configure(struct fixture *fixture, bool allow_private, const struct secrets *secrets)
{
  sender_destroy(fixture->sender);
  fixture->sender = sender_create(&(struct sender_config){
    .loop = &fixture->loop, .secrets = secrets, .allow_private = allow_private, .timeout_ms = LONG_MS});
}

static int start(void **state)
{
  struct fixture *fixture = xcalloc(1, sizeof *fixture);
  assert_int_equal(uv_loop_init(&fixture->loop), 0);
  peer_listen_tcp(&fixture->peer, &fixture->loop);
  configure(fixture, true, NULL);
  *state = fixture;
  return 0;
}

static int stop(void **state)
{
  struct fixture *fixture = *state;
  sender_destroy(fixture->sender);
  peer_stop(&fixture->peer);
  assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&fixture->loop), 0);
  free(fixture);
  return 0;
}

/* Finished, and to be told at this path of the peer. The caller destroys. */
static struct evaluation *evaluation_for(const struct fixture *fixture, const char *path)
{
  struct evaluation *evaluation = evaluation_create();
  snprintf(evaluation->id, sizeof evaluation->id, ID);
  snprintf(evaluation->backend, sizeof evaluation->backend, "native");
  evaluation->labels = xstrdup("{}");
  evaluation->state = STATE_FINISHED;
  evaluation->entered_at[STATE_QUEUED].ms = 1000;
  evaluation->entered_at[STATE_FINISHED].ms = 2021;
  evaluation->verdict = (struct verdict){.kind = VERDICT_COMPLETED};
  evaluation->outputs = outputs_create();
  evaluation->callback_url = xasprintf("%s%s", fixture->peer.url, path);
  return evaluation;
}

static void begin(struct fixture *fixture, const char *path, struct result *result)
{
  struct evaluation *evaluation = evaluation_for(fixture, path);
  sender_send(fixture->sender, evaluation, done, result);
  evaluation_destroy(evaluation); /* copied: nobody keeps it for us */
}

/* Sends one, and gives what the receiver was sent; it answers with `answer`. */
static void exchange(struct fixture *fixture, const char *path, const char *answer, struct result *result,
                     struct buffer *ret_request)
{
  begin(fixture, path, result);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, ret_request);
  buffer_append(ret_request, "", 1);
  peer_write(fd, answer);
  PEER_WAIT_FOR(&fixture->loop, result->done_count);
  assert_int_equal(result->done_count, 1);
}

static void assert_has(const struct buffer *request, const char *text)
{
  if (!strstr(request->data, text))
    fail_msg("there is no \"%s\" in: %s", text, request->data);
}

static void a_verdict_is_posted_with_the_id_of_its_delivery(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  char id[DELIVERY_ID_SIZE];
  exchange(fixture, "/hook?of=me", "HTTP/1.1 204 No Content\r\n\r\n", &result, &request);
  assert_int_equal(result.status, 204);
  assert_memory_equal(request.data, "POST /hook?of=me HTTP/1.1\r\n", 27);
  delivery_id(ID, id);
  CLEANUP_FREE char *header = xasprintf("\r\nwebhook-id: %s\r\n", id);
  assert_has(&request, header);
  assert_has(&request, "\r\nwebhook-timestamp: ");
  assert_has(&request, "\"" ID "\"");
  assert_null(strstr(request.data, "webhook-signature"));
  assert_null(strstr(request.data, "traceparent"));
}

static void a_url_without_a_path_has_one(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  exchange(fixture, "?of=me", "HTTP/1.1 204 No Content\r\n\r\n", &result, &request);
  assert_memory_equal(request.data, "POST /?of=me HTTP/1.1\r\n", 23);
}

static void its_trace_goes_with_it(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  struct evaluation *evaluation = evaluation_for(fixture, "/");
  evaluation->traceparent = xstrdup(TRACEPARENT);
  evaluation->tracestate = xstrdup("vendor=1");
  sender_send(fixture->sender, evaluation, done, &result);
  evaluation_destroy(evaluation);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, &request);
  buffer_append(&request, "", 1);
  assert_has(&request, "\r\ntraceparent: " TRACEPARENT "\r\n");
  assert_has(&request, "\r\ntracestate: vendor=1\r\n");
  peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  PEER_WAIT_FOR(&fixture->loop, result.done_count);
}

static void what_is_sent_is_signed_where_there_is_a_secret(void **state)
{
  struct fixture *fixture = *state;
  char path[] = "/tmp/assay-secrets-XXXXXX";
  const char text[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
  int file = mkstemp(path);
  assert_int_equal(write(file, text, strlen(text)), strlen(text));
  close(file);
  struct error error;
  struct secrets *secrets = secrets_load(path, &error);
  unlink(path);
  assert_non_null(secrets);
  configure(fixture, true, secrets);
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  exchange(fixture, "/", "HTTP/1.1 204 No Content\r\n\r\n", &result, &request);
  assert_has(&request, "\r\nwebhook-signature: v1,");
  secrets_destroy(secrets);
}

static void a_refusal_is_told_with_the_pause_that_was_asked_for(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  exchange(fixture, "/", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy", &result, &request);
  assert_int_equal(result.status, 503);
  assert_int_equal(result.retry_after_s, 7);
}

static void who_hangs_up_has_answered_nothing(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  begin(fixture, "/", &result);
  int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, &request);
  close(fd);
  PEER_WAIT_FOR(&fixture->loop, result.done_count);
  assert_int_equal(result.status, 0);
  assert_true(result.message[0] != 0);
}

static void addresses_that_are_not_public_are_refused_unless_allowed(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  configure(fixture, false, NULL);
  begin(fixture, "/", &result);
  PEER_WAIT_FOR(&fixture->loop, result.done_count);
  assert_int_equal(result.status, 0);
  assert_true(result.message[0] != 0);
  assert_false(peer_has_caller(&fixture->peer));
}

static void each_receiver_has_room_for_a_few(void **state)
{
  struct fixture *fixture = *state;
  struct result results[DELIVERIES_PER_RECEIVER_MAX] = {0};
  CLEANUP_FREE char *url = xasprintf("%s/other/path", fixture->peer.url);
  for (unsigned i = 0; i < DELIVERIES_PER_RECEIVER_MAX; i++) {
    assert_true(sender_has_room(fixture->sender, url));
    begin(fixture, "/", &results[i]);
  }
  assert_false(sender_has_room(fixture->sender, url)); /* whatever its path */
  assert_true(sender_has_room(fixture->sender, "http://192.0.2.1/"));
  CLEANUP_BUFFER struct buffer request = {0};
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, &request);
  peer_write(fd, "HTTP/1.1 204 No Content\r\n\r\n");
  PEER_WAIT_FOR(&fixture->loop, sender_has_room(fixture->sender, url));
}

static void connections_are_kept_until_there_is_rest(void **state)
{
  struct fixture *fixture = *state;
  struct result first = {0}, second = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  begin(fixture, "/", &first);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, &request);
  peer_write(fd, "HTTP/1.1 204 No Content\r\n\r\n");
  PEER_WAIT_FOR(&fixture->loop, first.done_count);
  begin(fixture, "/", &second);
  sender_rest(fixture->sender); /* not while something is under way */
  buffer_clear(&request);
  peer_read_request(&fixture->peer, fd, &request); /* over the same connection */
  peer_write(fd, "HTTP/1.1 204 No Content\r\n\r\n");
  PEER_WAIT_FOR(&fixture->loop, second.done_count);
  sender_rest(fixture->sender);
  peer_await_end(&fixture->peer, fd);
}

static void a_sender_that_is_destroyed_tells_nobody(void **state)
{
  struct fixture *fixture = *state;
  struct result result = {0};
  CLEANUP_BUFFER struct buffer request = {0};
  begin(fixture, "/", &result);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  peer_read_request(&fixture->peer, fd, &request);
  sender_destroy(TAKE_PTR(fixture->sender));
  peer_await_end(&fixture->peer, fd);
  peer_turn_for(&fixture->loop, QUIET_MS);
  assert_int_equal(result.done_count, 0);
}

#define with_peer(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_peer(a_verdict_is_posted_with_the_id_of_its_delivery),
    with_peer(a_url_without_a_path_has_one),
    with_peer(its_trace_goes_with_it),
    with_peer(what_is_sent_is_signed_where_there_is_a_secret),
    with_peer(a_refusal_is_told_with_the_pause_that_was_asked_for),
    with_peer(who_hangs_up_has_answered_nothing),
    with_peer(addresses_that_are_not_public_are_refused_unless_allowed),
    with_peer(each_receiver_has_room_for_a_few),
    with_peer(connections_are_kept_until_there_is_rest),
    with_peer(a_sender_that_is_destroyed_tells_nobody),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
