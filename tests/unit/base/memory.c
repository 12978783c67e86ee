#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sizes_of_zero_give_memory_that_can_be_freed(void **state)
{
  (void)state;
  void *pointers[] = {xmalloc(0), xcalloc(0, 8), xrealloc(0, 0)};
  for (size_t i = 0; i < 3; i++) {
    assert_non_null(pointers[i]);
    free(pointers[i]);
  }
}

static void copies_of_strings_are_equal_and_apart(void **state)
{
  (void)state;
  const char text[] = "hello";
  CLEANUP_FREE char *whole = xstrdup(text), *part = xstrndup(text, 2), *made = xasprintf("%s %d", text, 7);
  assert_string_equal(whole, "hello");
  assert_ptr_not_equal(whole, text);
  assert_string_equal(part, "he");
  assert_string_equal(made, "hello 7");
  assert_null(xstrdup(0));
}

static void taking_a_pointer_leaves_nothing_to_clean_up(void **state)
{
  (void)state;
  CLEANUP_FREE char *owner = xstrdup("hello");
  CLEANUP_FREE char *next = TAKE_PTR(owner);
  assert_null(owner);
  assert_string_equal(next, "hello");
}

static void a_blob_holds_its_bytes_with_a_nul_behind_them(void **state)
{
  (void)state;
  CLEANUP_BLOB struct blob *blob = blob_create("a\0b", 3);
  assert_int_equal(blob->size, 3);
  assert_memory_equal(blob->data, "a\0b", 4);
  CLEANUP_BLOB struct blob *zeros = blob_create(0, 2);
  assert_memory_equal(zeros->data, "\0\0", 3);
  CLEANUP_BLOB struct blob *empty = blob_create("", 0);
  assert_int_equal(empty->data[0], 0);
}

static void a_blob_lives_until_its_last_reference_goes(void **state)
{
  (void)state;
  struct blob *blob = blob_create("abc", 3);
  assert_ptr_equal(blob_ref(blob), blob);
  blob_unref(blob);
  assert_memory_equal(blob->data, "abc", 3);
  blob_unref(blob);
}

static void no_blob_can_be_referenced_and_released(void **state)
{
  (void)state;
  assert_null(blob_ref(0));
  blob_unref(0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sizes_of_zero_give_memory_that_can_be_freed),
    cmocka_unit_test(copies_of_strings_are_equal_and_apart),
    cmocka_unit_test(taking_a_pointer_leaves_nothing_to_clean_up),
    cmocka_unit_test(a_blob_holds_its_bytes_with_a_nul_behind_them),
    cmocka_unit_test(a_blob_lives_until_its_last_reference_goes),
    cmocka_unit_test(no_blob_can_be_referenced_and_released),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
