#include "wire/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void an_id_is_the_utc_second_and_the_random_bits(void **state)
{
  (void)state;
  char id[ID_SIZE];
  id_make(id, (struct wall){1795377480123}, 0x0123abcd);
  assert_string_equal(id, "20261122_195800_0123abcd");
  id_make(id, (struct wall){0}, 0);
  assert_string_equal(id, "19700101_000000_00000000");
}

static void an_id_has_its_form_whatever_the_clock_says(void **state)
{
  (void)state;
  char id[ID_SIZE];
  id_make(id, (struct wall){INT64_MIN}, UINT32_MAX);
  assert_string_equal(id, "19700101_000000_ffffffff");
  id_make(id, (struct wall){INT64_MAX}, 1);
  assert_string_equal(id, "99991231_235959_00000001");
}

static void only_the_exact_form_is_an_id(void **state)
{
  (void)state;
  static const char *const wrong[] = {
    "",
    "20261122",
    "20261122_195800_0123abc",
    "20261122_195800_0123abcde",
    "20261122_195800_0123ABCD",
    "20261122-195800-0123abcd",
    "2026112x_195800_0123abcd",
    "20261122_195800_0123abcg",
    " 20261122_195800_0123abcd",
    "20261122_195800_0123abcd\n",
    "../../etc/passwd_0123abc",
  };
  assert_true(id_valid("20261122_195800_0123abcd"));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_false(id_valid(wrong[i]));
}

static void a_name_gives_back_its_id_and_attempt(void **state)
{
  (void)state;
  for (unsigned attempt = 1; attempt <= ATTEMPT_MAX; attempt++) {
    struct name name = name_make("20261122_195800_0123abcd", attempt);
    char id[ID_SIZE];
    unsigned parsed;
    assert_true(name_parse(name.text, id, &parsed));
    assert_string_equal(id, "20261122_195800_0123abcd");
    assert_int_equal(parsed, attempt);
  }
  assert_string_equal(name_make("20261122_195800_0123abcd", 1).text, "assay-20261122_195800_0123abcd-1");
}

static void what_is_not_one_of_our_names_is_refused_and_leaves_the_outputs_alone(void **state)
{
  (void)state;
  static const char *const wrong[] = {
    "",
    "assay-",
    "assay",
    "20261122_195800_0123abcd-1",
    "assay-20261122_195800_0123abcd",
    "assay-20261122_195800_0123abcd-",
    "assay-20261122_195800_0123abcd-0",
    "assay-20261122_195800_0123abcd-01",
    "assay-20261122_195800_0123abcd-+1",
    "assay-20261122_195800_0123abcd-101",
    "assay-20261122_195800_0123abcd-18446744073709551617",
    "assay-20261122_195800_0123abcd-1 ",
    "assay-20261122_195800_0123abcd-1/..",
    "Assay-20261122_195800_0123abcd-1",
    "assay-20261122_195800_0123abcX-1",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char id[ID_SIZE] = "untouched";
    unsigned attempt = 77;
    assert_false(name_parse(wrong[i], id, &attempt));
    assert_string_equal(id, "untouched");
    assert_int_equal(attempt, 77);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_id_is_the_utc_second_and_the_random_bits),
    cmocka_unit_test(an_id_has_its_form_whatever_the_clock_says),
    cmocka_unit_test(only_the_exact_form_is_an_id),
    cmocka_unit_test(a_name_gives_back_its_id_and_attempt),
    cmocka_unit_test(what_is_not_one_of_our_names_is_refused_and_leaves_the_outputs_alone),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
