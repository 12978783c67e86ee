#include "api/waiters.h"

#include "base/memory.h"
#include "fake_http.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waiters on a loop, and who was answered how. */
struct bench {
  uv_loop_t loop;
  struct waiters *waiters;
  unsigned expired, taken;
  char last_id[ID_SIZE];
};

static void answer(struct bench *bench, const char *id, const struct reply *reply)
{
  snprintf(bench->last_id, sizeof bench->last_id, "%s", id);
  http_respond(reply->request, &(struct http_response){.status = 200}, NULL);
}

static void count_expired(void *context, const char *id, const struct reply *reply)
{
  ((struct bench *)context)->expired++;
  answer(context, id, reply);
}

static void count_taken(void *context, const char *id, const struct reply *reply)
{
  ((struct bench *)context)->taken++;
  answer(context, id, reply);
}

static int set_up(void **state)
{
  struct bench *bench = xcalloc(1, sizeof *bench);
  assert_int_equal(uv_loop_init(&bench->loop), 0);
  bench->waiters = waiters_create(&bench->loop, count_expired, bench);
  *state = bench;
  return 0;
}

static int tear_down(void **state)
{
  struct bench *bench = *state;
  waiters_destroy(bench->waiters);
  assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&bench->loop), 0);
  free(bench);
  return 0;
}

static struct http_request *add(struct bench *bench, const char *id, unsigned seconds)
{
  struct http_request *request = fake_request("GET", "/");
  waiters_add(bench->waiters, id, &(struct reply){.request = request, .wait_seconds = seconds});
  return request;
}

static void who_waits_for_one_is_answered_for_that_one(void **state)
{
  struct bench *bench = *state;
  struct http_request *first = add(bench, "a", 60), *second = add(bench, "a", 60), *other = add(bench, "b", 60);
  waiters_take(bench->waiters, "a", count_taken, bench);
  assert_int_equal(bench->taken, 2);
  assert_int_equal(first->answers, 1);
  assert_int_equal(second->answers, 1);
  assert_int_equal(other->answers, 0);
  assert_int_equal(waiters_count(bench->waiters), 1);
  waiters_take(bench->waiters, "a", count_taken, bench);
  waiters_take(bench->waiters, "c", count_taken, bench);
  assert_int_equal(bench->taken, 2);
  waiters_take(bench->waiters, "b", count_taken, bench);
  assert_string_equal(bench->last_id, "b");
  fake_request_destroy(first);
  fake_request_destroy(second);
  fake_request_destroy(other);
}

static void everybody_can_be_taken(void **state)
{
  struct bench *bench = *state;
  struct http_request *requests[3000];
  for (int i = 0; i < 3000; i++) {
    char id[ID_SIZE];
    snprintf(id, sizeof id, "id%d", i / 2);
    requests[i] = add(bench, id, 60);
  }
  waiters_take(bench->waiters, NULL, count_taken, bench);
  assert_int_equal(bench->taken, 3000);
  assert_int_equal(waiters_count(bench->waiters), 0);
  for (int i = 0; i < 3000; i++)
    fake_request_destroy(requests[i]);
}

static void a_client_that_leaves_is_dropped(void **state)
{
  struct bench *bench = *state;
  struct http_request *leaves = add(bench, "a", 60), *stays = add(bench, "a", 60);
  fake_request_leave(leaves);
  assert_int_equal(leaves->answers, 1); /* so that the server lets it go */
  assert_int_equal(waiters_count(bench->waiters), 1);
  waiters_take(bench->waiters, "a", count_taken, bench);
  assert_int_equal(bench->taken, 1);
  assert_int_equal(stays->answers, 1);
  fake_request_destroy(leaves);
  fake_request_destroy(stays);
}

static void who_was_taken_can_leave_without_harm(void **state)
{
  struct bench *bench = *state;
  struct http_request *request = add(bench, "a", 60);
  waiters_take(bench->waiters, "a", count_taken, bench);
  fake_request_leave(request);
  assert_int_equal(request->answers, 1);
  fake_request_destroy(request);
}

static void each_is_told_when_its_own_time_is_over(void **state)
{
  struct bench *bench = *state;
  struct http_request *late = add(bench, "a", 3), *soon = add(bench, "b", 1), *gone = add(bench, "c", 1);
  fake_request_leave(gone);
  uint64_t began_ms = uv_now(&bench->loop);
  while (!bench->expired)
    uv_run(&bench->loop, UV_RUN_ONCE);
  uint64_t waited_ms = uv_now(&bench->loop) - began_ms;
  assert_in_range(waited_ms, 1000, 2500);
  assert_string_equal(bench->last_id, "b");
  assert_int_equal(late->answers, 0);
  assert_int_equal(waiters_count(bench->waiters), 1);
  while (bench->expired < 2)
    uv_run(&bench->loop, UV_RUN_ONCE);
  assert_in_range(uv_now(&bench->loop) - began_ms, 3000, 6000);
  assert_int_equal(late->answers, 1);
  fake_request_destroy(late);
  fake_request_destroy(soon);
  fake_request_destroy(gone);
}

static void nobody_waiting_keeps_nobody_awake(void **state)
{
  struct bench *bench = *state;
  assert_false(uv_loop_alive(&bench->loop));
  struct http_request *taken = add(bench, "a", 60), *leaves = add(bench, "b", 60);
  assert_true(uv_loop_alive(&bench->loop));
  waiters_take(bench->waiters, "a", count_taken, bench);
  assert_true(uv_loop_alive(&bench->loop));
  fake_request_leave(leaves);
  assert_false(uv_loop_alive(&bench->loop));
  fake_request_destroy(taken);
  fake_request_destroy(leaves);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(who_waits_for_one_is_answered_for_that_one, set_up, tear_down),
    cmocka_unit_test_setup_teardown(everybody_can_be_taken, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_client_that_leaves_is_dropped, set_up, tear_down),
    cmocka_unit_test_setup_teardown(who_was_taken_can_leave_without_harm, set_up, tear_down),
    cmocka_unit_test_setup_teardown(each_is_told_when_its_own_time_is_over, set_up, tear_down),
    cmocka_unit_test_setup_teardown(nobody_waiting_keeps_nobody_awake, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
