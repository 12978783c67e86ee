#include "keeper/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VARIABLES_MAX = 16 };

/* What a program is given; NULL where nobody sets anything. */
static char **given(const char *const *image, const char *const *plan)
{
  const struct host host = {.environment = (char **)image};
  const struct plan the_plan = {.environment = (char **)plan};
  return program_environment(&host, &the_plan, "the-id");
}

static void assert_environment(char **environment, const char *const *expected)
{
  size_t count = 0;
  for (; expected[count]; count++) {
    size_t times = 0;
    for (size_t i = 0; environment[i]; i++)
      times += !strcmp(environment[i], expected[count]);
    assert_int_equal(times, 1);
  }
  assert_null(environment[count]);
  free(environment[0]);
  free((void *)environment);
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, 0})

static void every_program_has_its_id_a_path_a_home_and_a_language(void **state)
{
  (void)state;
  assert_environment(given(0, 0),
                     LIST("EVAL_ID=the-id", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/box/work", "LANG=C.UTF-8"));
}

static void the_plan_wins_over_the_image_and_the_image_over_the_standard(void **state)
{
  (void)state;
  assert_environment(given(LIST("PATH=/image", "A=image", "B=image"), LIST("A=plan", "HOME=/plan")),
                     LIST("EVAL_ID=the-id", "A=plan", "HOME=/plan", "PATH=/image", "B=image", "LANG=C.UTF-8"));
}

static void nobody_sets_the_id(void **state)
{
  (void)state;
  assert_environment(
    given(LIST("EVAL_ID=image"), LIST("EVAL_ID=plan", "EVAL_IDS=other")),
    LIST("EVAL_ID=the-id", "EVAL_IDS=other", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/box/work", "LANG=C.UTF-8"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_program_has_its_id_a_path_a_home_and_a_language),
    cmocka_unit_test(the_plan_wins_over_the_image_and_the_image_over_the_standard),
    cmocka_unit_test(nobody_sets_the_id),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
