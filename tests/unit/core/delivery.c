/* When a webhook is sent again, and when it is given up. */

#include "core/delivery.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST_MS = 5000 };
static const int64_t ASKED_AT_MS = 1790000000000;

static struct delivery pending(unsigned attempts)
{
  return (struct delivery){
    .state = DELIVERY_PENDING, .attempts = attempts, .asked_at.ms = ASKED_AT_MS, .due_at.ms = ASKED_AT_MS};
}

/* Milliseconds to the next attempt. */
static int64_t pause_after(unsigned attempts_before, const struct delivery_answer *answer, uint32_t chance)
{
  struct delivery delivery = pending(attempts_before);
  delivery_tried(&delivery, answer, FIRST_MS, (struct wall){ASKED_AT_MS + 1}, chance);
  assert_int_equal(delivery.state, DELIVERY_PENDING);
  assert_int_equal(delivery.attempts, attempts_before + 1);
  assert_int_equal(delivery.tried_at.ms, ASKED_AT_MS + 1);
  return delivery.due_at.ms - delivery.tried_at.ms;
}

static void every_2xx_is_a_delivery(void **state)
{
  (void)state;
  for (int status = 200; status < 300; status++) {
    struct delivery delivery = pending(3);
    strcpy(delivery.message, "the fault of the attempt before");
    delivery_tried(&delivery, &(struct delivery_answer){.status = status}, FIRST_MS, (struct wall){ASKED_AT_MS + 9}, 0);
    assert_int_equal(delivery.state, DELIVERY_DELIVERED);
    assert_int_equal(delivery.attempts, 4);
    assert_int_equal(delivery.status, status);
    assert_int_equal(delivery.due_at.ms, 0);
    assert_string_equal(delivery.message, "");
  }
}

static void everything_else_is_tried_again(void **state)
{
  (void)state;
  static const int statuses[] = {100, 199, 300, 302, 400, 401, 404, 409, 411, 429, 500, 503, 999};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
    pause_after(0, &(struct delivery_answer){.status = statuses[i]}, 0);
  struct delivery delivery = pending(0);
  delivery_tried(&delivery, &(struct delivery_answer){.message = "connection refused"}, FIRST_MS,
                 (struct wall){ASKED_AT_MS}, 0);
  assert_int_equal(delivery.state, DELIVERY_PENDING);
  assert_int_equal(delivery.status, 0);
  assert_string_equal(delivery.message, "connection refused");
  delivery_tried(&delivery, &(struct delivery_answer){0}, FIRST_MS, (struct wall){ASKED_AT_MS}, 0);
  assert_string_equal(delivery.message, "no answer");
  delivery_tried(&delivery, &(struct delivery_answer){.status = 500}, FIRST_MS, (struct wall){ASKED_AT_MS}, 0);
  assert_string_equal(delivery.message, "answered with status 500");
}

static void who_is_gone_is_not_asked_again(void **state)
{
  (void)state;
  struct delivery delivery = pending(0);
  delivery_tried(&delivery, &(struct delivery_answer){.status = 410}, FIRST_MS, (struct wall){ASKED_AT_MS}, 0);
  assert_int_equal(delivery.state, DELIVERY_GIVEN_UP);
  assert_int_equal(delivery.due_at.ms, 0);
}

static void the_pause_is_doubled_up_to_an_hour_and_half_of_it_is_chance(void **state)
{
  (void)state;
  const struct delivery_answer failed = {.status = 500};
  int64_t whole = FIRST_MS;
  for (unsigned attempts = 0; attempts < 40; attempts++) {
    for (uint32_t chance = 0; chance < 100; chance++) {
      int64_t pause = pause_after(attempts, &failed, chance * 42949673u);
      assert_true(pause >= whole / 2 && pause <= whole);
    }
    assert_int_equal(pause_after(attempts, &failed, 0), whole - whole / 2);
    assert_int_equal(pause_after(attempts, &failed, (uint32_t)(whole / 2)), whole);
    whole = 2 * whole > DELIVERY_PAUSE_MS_MAX ? DELIVERY_PAUSE_MS_MAX : 2 * whole;
  }
}

static void a_first_pause_of_nothing_or_of_days_is_none_or_an_hour(void **state)
{
  (void)state;
  struct delivery delivery = pending(7);
  delivery_tried(&delivery, &(struct delivery_answer){.status = 500}, 0, (struct wall){ASKED_AT_MS}, 77);
  assert_int_equal(delivery.due_at.ms, ASKED_AT_MS);
  delivery = pending(7);
  delivery_tried(&delivery, &(struct delivery_answer){.status = 500}, UINT64_MAX / 2, (struct wall){ASKED_AT_MS},
                 DELIVERY_PAUSE_MS_MAX / 2);
  assert_int_equal(delivery.due_at.ms, ASKED_AT_MS + DELIVERY_PAUSE_MS_MAX);
}

static void a_receiver_is_not_asked_before_it_wants_to_be(void **state)
{
  (void)state;
  assert_int_equal(pause_after(0, &(struct delivery_answer){.status = 503, .retry_after_s = 7200}, 0), 7200000);
  assert_int_equal(pause_after(0, &(struct delivery_answer){.status = 503, .retry_after_s = 1}, 0), FIRST_MS / 2);
}

static void the_last_attempt_is_when_the_time_is_over(void **state)
{
  (void)state;
  const struct delivery_answer failed = {.status = 500};
  struct delivery delivery = pending(90);
  int64_t last_ms = ASKED_AT_MS + DELIVERY_MS_MAX;
  delivery_tried(&delivery, &failed, FIRST_MS, (struct wall){last_ms - 1000}, 0);
  assert_int_equal(delivery.state, DELIVERY_PENDING);
  assert_int_equal(delivery.due_at.ms, last_ms);
  delivery_tried(&delivery, &failed, FIRST_MS, (struct wall){last_ms}, 0);
  assert_int_equal(delivery.state, DELIVERY_GIVEN_UP);
  assert_string_equal(delivery.message, "answered with status 500");
}

static void receivers_are_told_apart_by_scheme_host_and_port(void **state)
{
  (void)state;
  static const struct {
    const char *url, *host;
  } cases[] = {{"http://a/b?c", "http://a"},
               {"https://a.b:8443/", "https://a.b:8443"},
               {"http://[::1]:80/x/y", "http://[::1]:80"},
               {"http://a?b=/c", "http://a"},
               {"http://a", "http://a"},
               {"a", "a"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CLEANUP_FREE char *host = xstrndup(cases[i].url, delivery_host_length(cases[i].url));
    assert_string_equal(host, cases[i].host);
  }
}

static void names_are_those_of_the_states(void **state)
{
  (void)state;
  for (enum delivery_state each = 0; each < DELIVERY_STATE_COUNT; each++)
    assert_int_equal(delivery_state_from_name(delivery_state_name(each)), each);
  assert_int_equal(delivery_state_from_name("lost"), DELIVERY_STATE_COUNT);
  char id[DELIVERY_ID_SIZE];
  delivery_id("20261122_195800_0123abcd", id);
  assert_string_equal(id, "msg_20261122_195800_0123abcd");
}

static void nothing_is_released_twice(void **state)
{
  (void)state;
  struct delivery *delivery = delivery_create();
  delivery->url = xstrdup("http://a/");
  delivery_destroy(delivery);
  delivery_destroy(NULL);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_2xx_is_a_delivery),
    cmocka_unit_test(everything_else_is_tried_again),
    cmocka_unit_test(who_is_gone_is_not_asked_again),
    cmocka_unit_test(the_pause_is_doubled_up_to_an_hour_and_half_of_it_is_chance),
    cmocka_unit_test(a_first_pause_of_nothing_or_of_days_is_none_or_an_hour),
    cmocka_unit_test(a_receiver_is_not_asked_before_it_wants_to_be),
    cmocka_unit_test(the_last_attempt_is_when_the_time_is_over),
    cmocka_unit_test(receivers_are_told_apart_by_scheme_host_and_port),
    cmocka_unit_test(names_are_those_of_the_states),
    cmocka_unit_test(nothing_is_released_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
