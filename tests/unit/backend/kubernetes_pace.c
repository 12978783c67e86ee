/* How fast an API server is sent calls. */

#include "backend/kubernetes/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CALLS_PER_S = 100, CALL_US = 10000 };

static const struct mono begun = {5000000};

static struct pace make_pace(void)
{
  struct pace pace;
  pace_begin(&pace, CALLS_PER_S, begun);
  return pace;
}

/* How many are sent before one has to wait. */
static unsigned send_all(struct pace *pace, bool urgent, struct mono now)
{
  unsigned sent = 0;
  for (; pace_wait_us(pace, urgent, now) == 0; sent++)
    pace_take(pace);
  return sent;
}

static void after_a_burst_so_many_a_second_are_sent(void **state)
{
  (void)state;
  struct pace pace = make_pace();
  unsigned burst = send_all(&pace, false, begun);
  assert_true(burst > CALLS_PER_S / 2 && burst < 3 * CALLS_PER_S);
  assert_int_equal(pace_wait_us(&pace, false, begun), CALL_US);
  assert_int_equal(pace_wait_us(&pace, false, mono_add_ms(begun, 4)), CALL_US - 4000);
  assert_int_equal(send_all(&pace, false, mono_add_ms(begun, 1000)), CALLS_PER_S);
}

static void a_part_is_kept_for_what_is_urgent(void **state)
{
  (void)state;
  struct pace pace = make_pace();
  (void)send_all(&pace, false, begun);
  assert_true(send_all(&pace, true, begun) > 10);
  assert_int_equal(pace_wait_us(&pace, true, begun), CALL_US);
}

static void after_a_rest_the_burst_is_no_larger(void **state)
{
  (void)state;
  struct pace pace = make_pace();
  unsigned burst = send_all(&pace, false, begun);
  assert_int_equal(send_all(&pace, false, mono_add_ms(begun, 3600 * 1000)), burst);
}

static void a_pause_is_for_all_that_is_not_urgent_and_not_for_ever(void **state)
{
  (void)state;
  struct pace pace = make_pace();
  pace_pause(&pace, 7, begun);
  assert_int_equal(pace_wait_us(&pace, false, begun), 7000000);
  assert_int_equal(pace_wait_us(&pace, true, begun), 0);
  pace_pause(&pace, 0, begun); /* a shorter one changes nothing */
  assert_int_equal(pace_wait_us(&pace, false, begun), 7000000);
  pace_pause(&pace, 4000000000u, begun);
  assert_true(pace_wait_us(&pace, false, begun) <= 60 * 1000000u);
  assert_int_equal(pace_wait_us(&pace, false, mono_add_ms(begun, 60 * 1000)), 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(after_a_burst_so_many_a_second_are_sent),
    cmocka_unit_test(a_part_is_kept_for_what_is_urgent),
    cmocka_unit_test(after_a_rest_the_burst_is_no_larger),
    cmocka_unit_test(a_pause_is_for_all_that_is_not_urgent_and_not_for_ever),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
