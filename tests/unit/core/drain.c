/* When a client's turn will come. */

#include "core/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint64_t START_US = 1000000000;

static struct mono at_ms(uint64_t ms)
{
  return (struct mono){START_US + ms * 1000};
}

/* One departs every `interval_ms` while others wait; returns the time of the last. */
static uint64_t depart(struct drain *drain, uint64_t from_ms, unsigned count, uint64_t interval_ms)
{
  drain_waits(drain, at_ms(from_ms));
  for (unsigned i = 1; i <= count; i++)
    drain_departed(drain, at_ms(from_ms + i * interval_ms), true);
  return from_ms + count * interval_ms;
}

static uint64_t time_ms(const struct drain *drain, uint64_t places, uint64_t now_ms)
{
  uint64_t ms = 0;
  assert_true(drain_time_ms(drain, places, at_ms(now_ms), &ms));
  return ms;
}

static void nothing_is_known_before_somebody_waited(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t ms;
  for (unsigned i = 0; i < 100; i++)
    drain_departed(&drain, at_ms(i), false);
  assert_false(drain_time_ms(&drain, 1, at_ms(100), &ms));
  drain_waits(&drain, at_ms(100));
  assert_false(drain_time_ms(&drain, 1, at_ms(200), &ms));
  assert_int_equal(drain_turn_away(&drain, at_ms(200), 10), 1);
}

static void a_steady_rate_is_found(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 5, 250);
  assert_int_equal(time_ms(&drain, 1, now_ms), 250);
  assert_int_equal(time_ms(&drain, 40, now_ms), 10000);
  now_ms = depart(&drain, now_ms, 500, 250);
  assert_in_range(time_ms(&drain, 40, now_ms), 9990, 10010);
}

static void times_without_waiting_do_not_count(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 20, 100);
  drain_departed(&drain, at_ms(now_ms + 100), false);
  drain_departed(&drain, at_ms(now_ms + 3600000), false);
  drain_waits(&drain, at_ms(now_ms + 7200000));
  drain_departed(&drain, at_ms(now_ms + 7200100), true);
  assert_in_range(time_ms(&drain, 10, now_ms + 7200100), 990, 1010);
}

static void another_rate_is_learnt(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 100, 10);
  now_ms = depart(&drain, now_ms, 200, 1000);
  assert_in_range(time_ms(&drain, 1, now_ms), 980, 1000);
  now_ms = depart(&drain, now_ms, 300, 10);
  assert_in_range(time_ms(&drain, 1, now_ms), 10, 12);
}

static void departures_in_bursts_have_their_mean(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = 0;
  for (unsigned burst = 0; burst < 50; burst++) { /* eight slots, freed at once each second */
    drain_waits(&drain, at_ms(now_ms));
    now_ms += 1000;
    for (unsigned i = 0; i < 8; i++)
      drain_departed(&drain, at_ms(now_ms), true);
  }
  assert_in_range(time_ms(&drain, 80, now_ms), 8000, 12000);
}

static void what_is_stuck_is_told_a_later_time(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 64, 100);
  assert_int_equal(time_ms(&drain, 10, now_ms + 100), time_ms(&drain, 10, now_ms));
  assert_true(time_ms(&drain, 10, now_ms + 60000) > 10 * time_ms(&drain, 10, now_ms));
}

static void who_is_turned_away_stands_behind_who_was_before(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 64, 2000);
  assert_int_equal(drain_turn_away(&drain, at_ms(now_ms), 3), 2);
  assert_int_equal(drain_turn_away(&drain, at_ms(now_ms), 3), 4);
  assert_int_equal(drain_turn_away(&drain, at_ms(now_ms), 3), 6);
  assert_int_equal(drain_turn_away(&drain, at_ms(now_ms), 3), 6); /* there are no more places outside */
  now_ms = depart(&drain, now_ms, 2, 2000);
  assert_int_equal(drain_turn_away(&drain, at_ms(now_ms), 3), 4);
}

static void a_time_to_come_again_is_a_second_at_least_and_an_hour_at_most(void **state)
{
  (void)state;
  struct drain fast = {0}, slow = {0};
  uint64_t now_ms = depart(&fast, 0, 10, 1);
  assert_int_equal(drain_turn_away(&fast, at_ms(now_ms), 10), 1);
  now_ms = depart(&slow, 0, 10, 3600000);
  assert_int_equal(drain_turn_away(&slow, at_ms(now_ms), 10), DRAIN_RETRY_S_MAX);
  assert_int_equal(drain_turn_away(&slow, at_ms(now_ms), 10), DRAIN_RETRY_S_MAX);
}

static void while_nobody_waits_the_rate_is_the_last_that_was_seen(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 20, 100);
  drain_departed(&drain, at_ms(now_ms + 100), false);
  assert_int_equal(time_ms(&drain, 10, now_ms + 3600000), 1000);
}

static void nobody_is_told_to_come_again_at_once(void **state)
{
  (void)state;
  struct drain drain = {0};
  uint64_t now_ms = depart(&drain, 0, 20, 100);
  assert_int_equal(drain_turn_away(&drain, at_ms(now_ms), 0), 1);
}

static void a_clock_that_stands_still_breaks_nothing(void **state)
{
  (void)state;
  struct drain drain = {0};
  drain_waits(&drain, at_ms(10));
  drain_departed(&drain, at_ms(5), true);
  assert_int_equal(time_ms(&drain, 100, 5), 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_known_before_somebody_waited),
    cmocka_unit_test(a_steady_rate_is_found),
    cmocka_unit_test(times_without_waiting_do_not_count),
    cmocka_unit_test(another_rate_is_learnt),
    cmocka_unit_test(departures_in_bursts_have_their_mean),
    cmocka_unit_test(what_is_stuck_is_told_a_later_time),
    cmocka_unit_test(who_is_turned_away_stands_behind_who_was_before),
    cmocka_unit_test(a_time_to_come_again_is_a_second_at_least_and_an_hour_at_most),
    cmocka_unit_test(while_nobody_waits_the_rate_is_the_last_that_was_seen),
    cmocka_unit_test(nobody_is_told_to_come_again_at_once),
    cmocka_unit_test(a_clock_that_stands_still_breaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
