#include "backend/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void refuse(const char *body, size_t size_max, char message[static REASON_SIZE])
{
  foreign_refusal(body, strlen(body), size_max, 409, message);
}

static void a_refusal_is_in_its_own_words_and_printable(void **state)
{
  (void)state;
  char message[REASON_SIZE];
  refuse("{\"message\": \"name is\\n\\u001b[31mtaken\"}", 1000, message);
  assert_string_equal(message, "name is  [31mtaken");
}

static void without_words_its_status_is_told(void **state)
{
  (void)state;
  static const char *const bodies[] = {"",
                                       "no JSON",
                                       "{}",
                                       "[\"message\"]",
                                       "{\"message\": 3}",
                                       "{\"message\": \"\"}",
                                       "{\"message\": \"one\", \"message\": \"two\"}"};
  char message[REASON_SIZE];
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    refuse(bodies[i], 1000, message);
    assert_string_equal(message, "it answered with status 409");
  }
}

static void more_words_than_it_may_have_are_not_read(void **state)
{
  (void)state;
  char message[REASON_SIZE];
  refuse("{\"message\": \"x\"}", 16, message);
  assert_string_equal(message, "x");
  refuse("{\"message\": \"x\"}", 15, message);
  assert_string_equal(message, "it answered with status 409");
}

static void a_long_message_is_cut(void **state)
{
  (void)state;
  char body[2 * REASON_SIZE], message[REASON_SIZE];
  snprintf(body, sizeof body, "{\"message\": \"%0*d\"}", REASON_SIZE + 100, 0);
  refuse(body, sizeof body, message);
  assert_int_equal(strlen(message), REASON_SIZE - 1);
}

static void what_is_no_json_or_too_deep_is_said_to_be(void **state)
{
  (void)state;
  char why[REASON_SIZE] = "", deep[10000];
  memset(deep, '[', sizeof deep);
  assert_null(foreign_json(deep, sizeof deep, why));
  assert_memory_equal(why, "its answer is ", 14);
  assert_null(foreign_json("{]", 2, why));
  assert_string_equal(why, "its answer is not JSON");
  json_t *good = foreign_json("{\"a\": 1}", 8, why);
  assert_int_equal(json_integer_value(json_object_get(good, "a")), 1);
  json_decref(good);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_refusal_is_in_its_own_words_and_printable), cmocka_unit_test(without_words_its_status_is_told),
    cmocka_unit_test(more_words_than_it_may_have_are_not_read),    cmocka_unit_test(a_long_message_is_cut),
    cmocka_unit_test(what_is_no_json_or_too_deep_is_said_to_be),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
