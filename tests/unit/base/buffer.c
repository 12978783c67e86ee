#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_is_appended_is_there_with_a_nul_behind_it(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer buffer = {0};
  buffer_append(&buffer, "a\0b", 3);
  buffer_puts(&buffer, "cd");
  buffer_printf(&buffer, "%d-%s", 42, "e");
  assert_int_equal(buffer.size, 9);
  assert_memory_equal(buffer.data, "a\0bcd42-e", 10);
}

static void it_grows_over_many_appends(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer buffer = {0};
  for (unsigned i = 0; i < 10000; i++)
    buffer_printf(&buffer, "%u,", i);
  assert_int_equal(buffer.size, strlen(buffer.data));
  assert_string_equal(buffer.data + buffer.size - 10, "9998,9999,");
}

static void appending_nothing_still_makes_it_text(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer buffer = {0};
  buffer_append(&buffer, 0, 0);
  assert_string_equal(buffer.data, "");
}

static void reserved_room_is_not_moved_by_appending_into_it(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer buffer = {0};
  buffer_reserve(&buffer, 1000);
  char *data = buffer.data;
  for (unsigned i = 0; i < 1000; i++)
    buffer_append(&buffer, "x", 1);
  assert_ptr_equal(buffer.data, data);
}

static void consuming_drops_from_the_front(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer buffer = {0};
  buffer_puts(&buffer, "hello world");
  buffer_consume(&buffer, 0);
  buffer_consume(&buffer, 6);
  assert_string_equal(buffer.data, "world");
  buffer_consume(&buffer, 5);
  assert_int_equal(buffer.size, 0);
  assert_string_equal(buffer.data, "");
}

static void clearing_keeps_the_memory(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer buffer = {0};
  buffer_clear(&buffer);
  buffer_puts(&buffer, "hello");
  size_t capacity = buffer.capacity;
  buffer_clear(&buffer);
  assert_int_equal(buffer.size, 0);
  assert_int_equal(buffer.capacity, capacity);
  assert_string_equal(buffer.data, "");
}

static void taking_moves_the_bytes_out(void **state)
{
  (void)state;
  struct buffer buffer = {0};
  buffer_puts(&buffer, "hello");
  size_t size;
  char *taken = buffer_take(&buffer, &size);
  assert_int_equal(size, 5);
  assert_string_equal(taken, "hello");
  assert_null(buffer.data);
  assert_int_equal(buffer.size, 0);
  free(taken);
  taken = buffer_take(&buffer, 0);
  assert_string_equal(taken, "");
  free(taken);
}

static void releasing_twice_or_nothing_is_allowed(void **state)
{
  (void)state;
  struct buffer buffer = {0};
  buffer_puts(&buffer, "hello");
  buffer_release(&buffer);
  buffer_release(&buffer);
  buffer_release(0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_appended_is_there_with_a_nul_behind_it),
    cmocka_unit_test(it_grows_over_many_appends),
    cmocka_unit_test(appending_nothing_still_makes_it_text),
    cmocka_unit_test(reserved_room_is_not_moved_by_appending_into_it),
    cmocka_unit_test(consuming_drops_from_the_front),
    cmocka_unit_test(clearing_keeps_the_memory),
    cmocka_unit_test(taking_moves_the_bytes_out),
    cmocka_unit_test(releasing_twice_or_nothing_is_allowed),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
