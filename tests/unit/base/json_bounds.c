#include "base/json_bounds.h"

#include "base/buffer.h"
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool check(const char *text)
{
  struct error error;
  return json_bounds_check(text, strlen(text), &error);
}

static void repeat(struct buffer *buffer, const char *text, size_t times)
{
  for (size_t i = 0; i < times; i++)
    buffer_puts(buffer, text);
}

static void depth_is_bounded(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer deepest = {0}, deeper = {0};
  repeat(&deepest, "[", JSON_DEPTH_MAX);
  repeat(&deeper, "{", JSON_DEPTH_MAX + 1);
  assert_true(check(deepest.data));
  assert_false(check(deeper.data));
}

static void closing_makes_room_again(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  repeat(&text, "[]", 10 * (size_t)JSON_DEPTH_MAX);
  repeat(&text, "}", 3); /* more than were opened: for the parser to say */
  repeat(&text, "[", JSON_DEPTH_MAX);
  assert_true(check(text.data));
}

static void brackets_in_strings_do_not_count(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  buffer_puts(&text, "[\"\\\"");
  repeat(&text, "[", 10 * (size_t)JSON_DEPTH_MAX);
  buffer_puts(&text, "\\\\\"]");
  assert_true(check(text.data));
}

static void the_number_of_values_is_bounded(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  repeat(&text, "0,", JSON_VALUES_MAX - 1);
  assert_true(check(text.data));
  repeat(&text, "0,", 1);
  assert_false(check(text.data));
}

static void a_string_without_an_end_is_walked_to_the_end_only(void **state)
{
  (void)state;
  assert_true(check("[\"abc"));
  assert_true(check("[\"abc\\"));
  assert_true(check("\""));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(depth_is_bounded),
    cmocka_unit_test(closing_makes_room_again),
    cmocka_unit_test(brackets_in_strings_do_not_count),
    cmocka_unit_test(the_number_of_values_is_bounded),
    cmocka_unit_test(a_string_without_an_end_is_walked_to_the_end_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
