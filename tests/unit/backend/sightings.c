#include "backend/sightings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct name name_of(uint32_t number)
{
  char id[ID_SIZE];
  id_make(id, (struct wall){0}, number);
  return name_make(id, 1);
}

static void what_is_in_list_after_list_is_known_since_the_first(void **state)
{
  (void)state;
  struct sightings list = {0}, last = {0};
  assert_int_equal(sightings_add(&list, &last, name_of(1), (struct mono){10}).us, 10);
  sightings_end_list(&list, &last);
  assert_int_equal(sightings_add(&list, &last, name_of(1), (struct mono){20}).us, 10);
  assert_int_equal(sightings_add(&list, &last, name_of(2), (struct mono){20}).us, 20);
  sightings_end_list(&list, &last);
  assert_int_equal(sightings_add(&list, &last, name_of(1), (struct mono){30}).us, 10);
  sightings_clear(&list);
  sightings_clear(&last);
}

static void what_was_away_for_a_list_begins_anew(void **state)
{
  (void)state;
  struct sightings list = {0}, last = {0};
  sightings_add(&list, &last, name_of(1), (struct mono){10});
  sightings_end_list(&list, &last);
  assert_true(sightings_have(&last, name_of(1)));
  sightings_end_list(&list, &last); /* an empty one */
  assert_false(sightings_have(&last, name_of(1)));
  assert_int_equal(sightings_add(&list, &last, name_of(1), (struct mono){30}).us, 30);
  sightings_clear(&list);
}

static void a_list_that_is_broken_off_changes_nothing(void **state)
{
  (void)state;
  struct sightings list = {0}, last = {0};
  sightings_add(&list, &last, name_of(1), (struct mono){10});
  sightings_end_list(&list, &last);
  sightings_add(&list, &last, name_of(2), (struct mono){20});
  sightings_clear(&list);
  assert_true(sightings_have(&last, name_of(1)));
  assert_false(sightings_have(&last, name_of(2)));
  sightings_clear(&last);
}

static void there_is_room_for_many(void **state)
{
  (void)state;
  struct sightings list = {0}, last = {0};
  for (uint32_t i = 1; i <= 1000; i++)
    sightings_add(&list, &last, name_of(i), (struct mono){i});
  sightings_end_list(&list, &last);
  for (uint32_t i = 1; i <= 1000; i++)
    assert_int_equal(sightings_add(&list, &last, name_of(i), (struct mono){5000}).us, i);
  sightings_clear(&list);
  sightings_clear(&last);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_in_list_after_list_is_known_since_the_first),
    cmocka_unit_test(what_was_away_for_a_list_begins_anew),
    cmocka_unit_test(a_list_that_is_broken_off_changes_nothing),
    cmocka_unit_test(there_is_room_for_many),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
