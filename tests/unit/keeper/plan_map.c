#include "keeper/plan_map.h"

#include "base/fd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int file_with(const void *bytes, size_t size)
{
  int file = memfd_create("plan", MFD_CLOEXEC);
  assert_true(file >= 0 && fd_write_all(file, bytes, size));
  return file;
}

static void a_plan_outlives_its_descriptor(void **state)
{
  (void)state;
  char *command[] = {(char *)"run", 0};
  const struct plan plan = {.command = command, .limits = limits_default(), .input = "given", .input_size = 5};
  CLEANUP_BLOB struct blob *bytes = plan_encode(&plan);
  struct plan_map map;
  int file = file_with(bytes->data, bytes->size);
  assert_true(plan_map_open(&map, file, 0));
  close(file);
  assert_string_equal(map.plan.command[0], "run");
  assert_memory_equal(map.plan.input, "given", 5);
  plan_map_release(&map);
  assert_null(map.bytes);
  plan_map_release(&map);
}

static void nonsense_is_refused_and_nothing_is_to_be_released(void **state)
{
  (void)state;
  struct error error = {0};
  struct plan_map map = {.size = 7};
  CLEANUP_FD int nothing = file_with("", 0), nonsense = file_with("nonsense", 8);
  assert_false(plan_map_open(&map, nothing, &error));
  assert_int_equal(error.kind, ERROR_INVALID);
  assert_false(plan_map_open(&map, nonsense, &error));
  assert_false(plan_map_open(&map, -1, &error));
  assert_int_equal(error.code, EBADF);
  assert_int_equal(map.size, 7);
}

static void a_plan_larger_than_any_is_refused_unread(void **state)
{
  (void)state;
  struct error error = {0};
  struct plan_map map;
  CLEANUP_FD int file = file_with("", 0);
  assert_int_equal(ftruncate(file, (off_t)PLAN_BYTES_MAX + 1), 0);
  assert_false(plan_map_open(&map, file, &error));
  assert_non_null(strstr(error.message, "a plan of"));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_plan_outlives_its_descriptor),
    cmocka_unit_test(nonsense_is_refused_and_nothing_is_to_be_released),
    cmocka_unit_test(a_plan_larger_than_any_is_refused_unread),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
