#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void wall_time_is_rfc_3339_utc_with_milliseconds(void **state)
{
  (void)state;
  static const struct {
    int64_t ms;
    const char *text;
  } cases[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1795377480123, "2026-11-22T19:58:00.123Z"},
    {951782399007, "2000-02-28T23:59:59.007Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[WALL_TEXT_SIZE];
    wall_format((struct wall){cases[i].ms}, text);
    assert_string_equal(text, cases[i].text);
  }
}

static void any_text_of_rfc_3339_is_understood(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    int64_t ms;
  } cases[] = {
    {"1970-01-01T00:00:01Z", 1000},
    {"2026-11-22T19:58:00Z", 1795377480000},
    {"2026-11-22t19:58:00.123456789z", 1795377480000},
    {"2026-11-22T20:58:00+01:00", 1795377480000},
    {"2026-11-22T11:28:00.5-08:30", 1795377480000},
    {"2000-02-29T00:00:00Z", 951782400000},
    {"2016-12-31T23:59:60Z", 1483228800000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct wall time = {0};
    assert_true(wall_parse(cases[i].text, &time));
    assert_int_equal(time.ms, cases[i].ms);
  }
}

static void what_is_no_time_is_not_taken_for_one(void **state)
{
  (void)state;
  static const char *const texts[] = {
    "",
    "2026-11-22",
    "2026-11-22T19:58:00",
    "2026-11-22 19:58:00Z",
    "2026-11-22T19:58:00.Z",
    "2026-11-22T19:58:00ZZ",
    "2026-11-22T19:58:00+01",
    "2026-11-22T19:58:00+0100",
    "2026-11-22T19:58:00+01:0",
    "2026-11-22T19:58:00+01:00Z",
    "2026-13-22T19:58:00Z",
    "2026-11-22T24:58:00Z",
    "2026-02-29T19:58:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "+026-11-22T19:58:00Z",
    "2026-11-22T 9:58:00Z",
    "2026-11-22T19:58:0",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct wall time = {7};
    if (wall_parse(texts[i], &time) || time.ms != 7)
      fail_msg("%s", texts[i]);
  }
}

static void the_monotonic_clock_never_goes_back(void **state)
{
  (void)state;
  struct mono before = mono_now();
  for (unsigned i = 0; i < 1000; i++) {
    struct mono now = mono_now();
    assert_true(now.us >= before.us);
    before = now;
  }
}

static void milliseconds_are_added_as_a_thousand_microseconds(void **state)
{
  (void)state;
  assert_int_equal(mono_add_ms((struct mono){5}, 24 * 3600 * 1000).us, 86400000005);
}

static void the_wall_clock_counts_milliseconds_since_1970(void **state)
{
  (void)state;
  assert_true(wall_now().ms > 1735689600000); /* 2025-01-01 */
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(wall_time_is_rfc_3339_utc_with_milliseconds),
    cmocka_unit_test(any_text_of_rfc_3339_is_understood),
    cmocka_unit_test(what_is_no_time_is_not_taken_for_one),
    cmocka_unit_test(the_monotonic_clock_never_goes_back),
    cmocka_unit_test(milliseconds_are_added_as_a_thousand_microseconds),
    cmocka_unit_test(the_wall_clock_counts_milliseconds_since_1970),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
