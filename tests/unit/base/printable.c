#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void control_characters_become_spaces(void **state)
{
  (void)state;
  char text[] = "a\x1b[2Jb\nc\x7f\x01 d";
  printable(text);
  assert_string_equal(text, "a [2Jb c   d");
}

static void other_languages_stay(void **state)
{
  (void)state;
  char text[] = "Zürich, 東京";
  printable(text);
  assert_string_equal(text, "Zürich, 東京");
}

static void a_copy_is_cut(void **state)
{
  (void)state;
  char text[5];
  memset(text, 'x', sizeof text);
  printable_copy(text, sizeof text, "a\nbcdef");
  assert_string_equal(text, "a bc");
  printable_copy(text, sizeof text, NULL);
  assert_string_equal(text, "");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(control_characters_become_spaces),
    cmocka_unit_test(other_languages_stay),
    cmocka_unit_test(a_copy_is_cut),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
