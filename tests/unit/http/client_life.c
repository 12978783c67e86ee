/* What its owner may do with an exchange and with the client, and when; and how calls wait for each other. */

#include "client_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* How far an exchange is when something happens to it. */
enum stage { STAGE_HANDED_IN, STAGE_ASKED, STAGE_HEAD, STAGE_BODY, STAGES };

/* Brings a call as far as that. The server's end of its connection, or -1; the caller closes. */
static int bring_to(struct fixture *fixture, struct result *result, enum stage stage)
{
  struct http_call call = stream_of(result, "/");
  send_call(fixture, result, &call);
  if (stage == STAGE_HANDED_IN)
    return -1;
  int fd = accept_any(fixture);
  if (stage >= STAGE_HEAD)
    peer_write(fd, CHUNKED);
  if (stage >= STAGE_BODY) {
    peer_write(fd, "3\r\nabc\r\n");
    PEER_WAIT_FOR(&fixture->loop, result->data_count);
  } else {
    peer_turn(&fixture->loop);
  }
  return fd;
}

static void assert_gone(struct fixture *fixture, const struct result *result, int fd)
{
  if (fd >= 0)
    peer_await_end(&fixture->peer, fd);
  assert_nothing_happens(fixture, result);
}

/* Some were cancelled when they were connected already. */
static void hang_up_on_callers(struct fixture *fixture)
{
  while (peer_has_caller(&fixture->peer))
    fd_close(peer_accept(&fixture->peer));
}

/* Cancelling. */

static void a_cancelled_call_is_not_heard_of_again(void **state)
{
  struct fixture *fixture = *state;
  for (enum stage stage = 0; stage < STAGES; stage++) {
    RESULT result = {0};
    CLEANUP_FD int fd = bring_to(fixture, &result, stage);
    http_exchange_cancel(result.exchange);
    assert_gone(fixture, &result, fd);
    assert_false(peer_has_caller(&fixture->peer));
  }
}

static void a_cancelled_call_makes_room_for_the_next(void **state)
{
  struct fixture *fixture = *state;
  connect_client(fixture, 1);
  RESULT first = {0}, second = {0}, third = {0};
  send_get(fixture, &first);
  send_get(fixture, &second);
  send_get(fixture, &third);
  CLEANUP_FD int fd = accept_any(fixture);
  http_exchange_cancel(second.exchange);
  http_exchange_cancel(first.exchange);
  CLEANUP_FD int next = accept_any(fixture);
  peer_write(next, OK_2);
  assert_answered(fixture, &third, 200, "ok");
  assert_int_equal(first.done_count + second.done_count, 0);
}

static void cancel_own(struct result *result)
{
  http_exchange_cancel(result->exchange);
}

static void cancel_other(struct result *result)
{
  struct result *other = result->then_context;
  if (other->exchange)
    http_exchange_cancel(other->exchange);
  other->exchange = 0;
}

static void a_call_may_be_cancelled_within_its_data(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {.then = cancel_own};
  CLEANUP_FD int fd = bring_to(fixture, &result, STAGE_ASKED);
  peer_write(fd, CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  peer_await_end(&fixture->peer, fd);
  assert_nothing_happens(fixture, &result);
  assert_int_equal(result.data_count, 1);
}

static void a_call_may_be_cancelled_within_its_done(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {.then = cancel_own};
  send_get(fixture, &result);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, OK_2);
  assert_answered(fixture, &result, 200, "ok");
}

static void another_call_may_be_cancelled_within_data(void **state)
{
  struct fixture *fixture = *state;
  for (enum stage stage = 0; stage < STAGES; stage++) {
    RESULT other = {0};
    RESULT result = {.then = cancel_other, .then_context = &other};
    CLEANUP_FD int fd = bring_to(fixture, &result, STAGE_HEAD);
    CLEANUP_FD int other_fd = bring_to(fixture, &other, stage);
    peer_write(fd, "3\r\nabc\r\n");
    PEER_WAIT_FOR(&fixture->loop, result.data_count);
    assert_gone(fixture, &other, other_fd);
    peer_write(fd, "0\r\n\r\n");
    assert_answered(fixture, &result, 200, "abc");
    hang_up_on_callers(fixture);
  }
}

static void a_call_that_waits_may_be_cancelled_within_data(void **state)
{
  struct fixture *fixture = *state;
  connect_client(fixture, 1);
  RESULT other = {0};
  RESULT result = {.then = cancel_other, .then_context = &other};
  CLEANUP_FD int fd = bring_to(fixture, &result, STAGE_HEAD);
  send_get(fixture, &other);
  peer_write(fd, "3\r\nabc\r\n0\r\n\r\n");
  assert_answered(fixture, &result, 200, "abc");
  assert_nothing_happens(fixture, &other);
}

static void another_call_may_be_cancelled_within_done(void **state)
{
  struct fixture *fixture = *state;
  for (enum stage stage = 0; stage < STAGES; stage++) {
    RESULT other = {0};
    RESULT result = {.then = cancel_other, .then_context = &other};
    send_get(fixture, &result);
    CLEANUP_FD int fd = accept_any(fixture);
    CLEANUP_FD int other_fd = bring_to(fixture, &other, stage);
    peer_write(fd, OK_2);
    assert_answered(fixture, &result, 200, "ok");
    assert_gone(fixture, &other, other_fd);
    hang_up_on_callers(fixture);
  }
}

/* Both are answered in one and the same turn of the loop, and whoever hears first cancels the other. */
static void a_call_that_has_been_answered_may_be_cancelled_within_another_ones_done(void **state)
{
  struct fixture *fixture = *state;
  RESULT one = {.then = cancel_other}, two = {.then = cancel_other};
  one.then_context = &two;
  two.then_context = &one;
  send_get(fixture, &one);
  send_get(fixture, &two);
  CLEANUP_FD int fd = accept_any(fixture);
  CLEANUP_FD int other_fd = accept_any(fixture);
  peer_write(fd, OK_2);
  peer_write(other_fd, OK_2);
  PEER_WAIT_FOR(&fixture->loop, one.done_count + two.done_count);
  peer_turn_for(&fixture->loop, QUIET_MS);
  assert_int_equal(one.done_count + two.done_count, 1);
}

static bool refuse_data(void *context, const void *bytes, size_t size)
{
  struct result *result = context;
  result->data_count++;
  return bytes && size && false;
}

static void an_answer_whose_body_is_refused_is_unknown(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {0};
  struct http_call call = stream_of(&result, "/");
  call.data = refuse_data;
  send_call(fixture, &result, &call);
  CLEANUP_FD int fd = accept_any(fixture);
  peer_write(fd, OK_2);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
  assert_int_equal(result.data_count, 1);
  peer_await_end(&fixture->peer, fd);
}

/* Destroying. */

static void destroy_client(struct fixture *fixture)
{
  http_client_destroy(TAKE_PTR(fixture->client));
}

static void a_destroyed_client_tells_nobody(void **state)
{
  struct fixture *fixture = *state;
  struct result results[STAGES + 1] = {{0}};
  int fds[STAGES];
  connect_client(fixture, STAGES);
  for (enum stage stage = STAGES; stage-- > 0;)
    fds[stage] = bring_to(fixture, &results[stage], stage);
  send_get(fixture, &results[STAGES]); /* waits */
  destroy_client(fixture);
  PEER_WAIT_FOR(&fixture->loop, !uv_loop_alive(&fixture->loop));
  for (int i = 0; i <= STAGES; i++) {
    assert_int_equal(results[i].done_count, 0);
    result_release(&results[i]);
  }
  for (int i = 0; i < STAGES; i++) {
    if (fds[i] >= 0)
      peer_await_end(&fixture->peer, fds[i]);
    fd_close(fds[i]);
  }
}

static void destroy_within(struct result *result)
{
  destroy_client(result->then_context);
}

static void the_client_may_be_destroyed_within_done(void **state)
{
  struct fixture *fixture = *state;
  connect_client(fixture, 2);
  RESULT result = {.then = destroy_within, .then_context = fixture}, other = {0}, waiting = {0};
  send_get(fixture, &result);
  CLEANUP_FD int fd = accept_any(fixture);
  CLEANUP_FD int other_fd = bring_to(fixture, &other, STAGE_BODY);
  send_get(fixture, &waiting);
  peer_write(fd, OK_2);
  assert_answered(fixture, &result, 200, "ok");
  assert_gone(fixture, &other, other_fd);
  assert_nothing_happens(fixture, &waiting);
}

static void the_client_may_be_destroyed_within_done_of_a_call_too_late(void **state)
{
  struct fixture *fixture = *state;
  RESULT result = {.then = destroy_within, .then_context = fixture};
  struct http_call call = call_of(&result, "/");
  call.total_ms = SHORT_MS;
  send_call(fixture, &result, &call);
  await_outcome(fixture, &result, HTTP_UNKNOWN);
}

static void the_client_may_be_destroyed_within_done_of_a_call_without_connection(void **state)
{
  struct fixture *fixture = *state;
  fd_close(TAKE_FD(fixture->peer.listening));
  RESULT result = {.then = destroy_within, .then_context = fixture}, other = {0};
  send_get(fixture, &result);
  send_get(fixture, &other);
  await_outcome(fixture, &result, HTTP_NOT_SENT);
  assert_nothing_happens(fixture, &other);
}

static void a_client_may_be_destroyed_unused(void **state)
{
  struct fixture *fixture = *state;
  destroy_client(fixture);
  http_client_destroy(NULL);
}

/* Sending from within. */

struct next {
  struct fixture *fixture;
  struct result result;
};

static void send_next(struct result *result)
{
  struct next *next = result->then_context;
  if (!next->result.exchange)
    send_get(next->fixture, &next->result);
}

static void calls_may_be_sent_within_data_and_done(void **state)
{
  struct fixture *fixture = *state;
  for (enum stage stage = STAGE_ASKED; stage <= STAGE_HEAD; stage++) {
    struct next next = {.fixture = fixture};
    RESULT result = {.then = send_next, .then_context = &next};
    CLEANUP_FD int fd = -1;
    if (stage == STAGE_HEAD) {
      fd = bring_to(fixture, &result, STAGE_HEAD);
      peer_write(fd, "3\r\nabc\r\n"); /* and no end: within `data` */
    } else {
      send_get(fixture, &result);
      fd = accept_any(fixture);
      peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    CLEANUP_FD int next_fd = accept_any(fixture);
    peer_write(next_fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    assert_answered(fixture, &next.result, 200, "ok");
    result_release(&next.result);
    if (!result.done_count)
      http_exchange_cancel(result.exchange);
  }
}

struct retries {
  struct fixture *fixture;
  struct result result;
  unsigned count;
};

static void retry(struct result *result)
{
  struct retries *retries = result->then_context;
  retries->count += result->done_count;
  result->done_count = 0;
  send_get(retries->fixture, result);
}

static void on_tick(uv_timer_t *timer)
{
  unsigned *ticks = timer->data;
  ++*ticks;
}

/* Whoever tries again at once, for ever, keeps nobody else from his turn. */
static void a_call_that_fails_at_once_does_not_hold_the_loop(void **state)
{
  struct fixture *fixture = *state;
  fd_close(TAKE_FD(fixture->peer.listening));
  unsigned ticks = 0;
  uv_timer_t timer = {.data = &ticks};
  uv_timer_init(&fixture->loop, &timer);
  uv_timer_start(&timer, on_tick, 1, 1);
  struct retries retries = {.fixture = fixture};
  retries.result.then = retry;
  retries.result.then_context = &retries;
  send_get(fixture, &retries.result);
  PEER_WAIT_FOR(&fixture->loop, ticks > 10 && retries.count > 10);
  destroy_client(fixture);
  uv_close((uv_handle_t *)&timer, NULL);
  PEER_WAIT_FOR(&fixture->loop, !uv_loop_alive(&fixture->loop));
  result_release(&retries.result);
}

/* Waiting. */

enum { MANY = 10, PLACES = 2 };

static void calls_wait_for_a_place_and_go_in_order(void **state)
{
  struct fixture *fixture = *state;
  connect_client(fixture, PLACES);
  struct result results[MANY] = {{0}};
  for (int i = 0; i < MANY; i++)
    send_get(fixture, &results[i]);
  int fds[PLACES];
  for (int i = 0; i < PLACES; i++)
    fds[i] = accept_any(fixture);
  peer_turn_for(&fixture->loop, QUIET_MS);
  assert_false(peer_has_caller(&fixture->peer));
  for (int i = 0; i < MANY; i++) {
    int fd = fds[i % PLACES];
    if (i >= PLACES)
      read_any(fixture, fd);
    peer_write(fd, OK_2);
    assert_answered(fixture, &results[i], 200, "ok");
    assert_true(i + 1 == MANY || !results[i + 1].done_count);
  }
  assert_false(peer_has_caller(&fixture->peer));
  for (int i = 0; i < PLACES; i++)
    fd_close(fds[i]);
  for (int i = 0; i < MANY; i++)
    result_release(&results[i]);
}

static void time_counts_while_a_call_waits(void **state)
{
  struct fixture *fixture = *state;
  connect_client(fixture, 1);
  RESULT holder = {0}, by_total = {0}, by_idle = {0}, patient = {0};
  send_get(fixture, &holder);
  CLEANUP_FD int fd = accept_any(fixture);
  struct http_call call = call_of(&by_total, "/");
  call.total_ms = SHORT_MS;
  send_call(fixture, &by_total, &call);
  call = call_of(&by_idle, "/");
  call.total_ms = 0;
  call.idle_ms = SHORT_MS;
  send_call(fixture, &by_idle, &call);
  send_get(fixture, &patient);
  await_outcome(fixture, &by_total, HTTP_NOT_SENT);
  await_outcome(fixture, &by_idle, HTTP_NOT_SENT);
  peer_write(fd, OK_2);
  assert_answered(fixture, &holder, 200, "ok");
  read_any(fixture, fd);
  peer_write(fd, OK_2);
  assert_answered(fixture, &patient, 200, "ok");
}

static void many_calls_at_once_are_all_answered(void **state)
{
  enum { CALLS = 500 };
  struct fixture *fixture = *state;
  connect_client(fixture, 1);
  struct result *results = xcalloc(CALLS, sizeof *results);
  for (int i = 0; i < CALLS; i++)
    send_get(fixture, &results[i]);
  CLEANUP_FD int fd = peer_accept(&fixture->peer);
  for (int i = 0; i < CALLS; i++) {
    read_any(fixture, fd);
    peer_write(fd, OK_2);
    assert_answered(fixture, &results[i], 200, "ok");
    result_release(&results[i]);
  }
  free(results);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    OVER(start_unix, a_cancelled_call_is_not_heard_of_again),
    OVER(start_tcp, a_cancelled_call_is_not_heard_of_again),
    OVER(start_unix, a_cancelled_call_makes_room_for_the_next),
    OVER(start_unix, a_call_may_be_cancelled_within_its_data),
    OVER(start_unix, a_call_may_be_cancelled_within_its_done),
    OVER(start_unix, another_call_may_be_cancelled_within_data),
    OVER(start_unix, a_call_that_waits_may_be_cancelled_within_data),
    OVER(start_unix, another_call_may_be_cancelled_within_done),
    OVER(start_unix, a_call_that_has_been_answered_may_be_cancelled_within_another_ones_done),
    OVER(start_unix, an_answer_whose_body_is_refused_is_unknown),
    OVER(start_unix, a_destroyed_client_tells_nobody),
    OVER(start_tcp, a_destroyed_client_tells_nobody),
    OVER(start_unix, the_client_may_be_destroyed_within_done),
    OVER(start_unix, the_client_may_be_destroyed_within_done_of_a_call_too_late),
    OVER(start_unix, the_client_may_be_destroyed_within_done_of_a_call_without_connection),
    OVER(start_unix, a_client_may_be_destroyed_unused),
    OVER(start_unix, calls_may_be_sent_within_data_and_done),
    OVER(start_unix, a_call_that_fails_at_once_does_not_hold_the_loop),
    OVER(start_unix, calls_wait_for_a_place_and_go_in_order),
    OVER(start_unix, time_counts_while_a_call_waits),
    OVER(start_unix, many_calls_at_once_are_all_answered),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("http/client_life", tests, 0, 0);
}
