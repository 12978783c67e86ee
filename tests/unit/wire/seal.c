#include "wire/seal.h"

#include "wire/pod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char key[SEAL_KEY_BYTES] = "0123456789abcdef0123456789abcdef";
static const struct record usual = {.step = STEP_RUN, .kind = EXIT_CODE, .exit_code = 3, .message = "a b"};

static void a_sealed_record_comes_back_with_its_key_and_a_line_end_or_none(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  struct record record;
  seal_record(key, &usual, &text);
  assert_true(seal_open(key, text.data, text.size, &record, 0));
  assert_int_equal(record.exit_code, 3);
  assert_string_equal(record.message, "a b");
  buffer_puts(&text, "\n");
  assert_true(seal_open(key, text.data, text.size, &record, 0));
  buffer_puts(&text, "\n");
  assert_false(seal_open(key, text.data, text.size, &record, 0));
}

static void with_any_byte_changed_or_cut_off_it_is_refused(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  struct record record;
  struct error error;
  seal_record(key, &usual, &text);
  for (size_t i = 0; i < text.size; i++) {
    assert_false(seal_open(key, text.data, i, &record, &error));
    text.data[i] ^= 1;
    assert_false(seal_open(key, text.data, text.size, &record, &error));
    text.data[i] ^= 1;
  }
}

static void with_another_key_it_is_somebody_elses(void **state)
{
  (void)state;
  static const unsigned char another[SEAL_KEY_BYTES] = "0123456789abcdef0123456789abcdeF";
  CLEANUP_BUFFER struct buffer text = {0};
  struct record record;
  struct error error;
  seal_record(another, &usual, &text);
  assert_false(seal_open(key, text.data, text.size, &record, &error));
  assert_string_equal(error.message, "sealed by somebody else");
}

static void the_longest_record_fits_into_a_termination_message(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer text = {0};
  struct record record = {.step = STEP_COMPILE,
                          .kind = EXIT_NOT_STARTED,
                          .exec_errno = 4095,
                          .killed = KILLED_WALL_TIME,
                          .evidence_errno = 4095,
                          .leftover = true,
                          .order_cut = true,
                          .started_at.ms = INT64_MAX,
                          .ended_at.ms = INT64_MAX,
                          .wall_time_us = UINT64_MAX,
                          .cpu_time_us = UINT64_MAX,
                          .memory_peak_bytes = UINT64_MAX,
                          .processes_peak = UINT64_MAX,
                          .oom_kills = UINT64_MAX,
                          .pids_refused = UINT64_MAX,
                          .isolation = 8191};
  for (int i = 0; i < STREAM_COUNT; i++)
    record.stream[i] = (struct stream_record){STREAM_BYTES_MAX, STREAM_BYTES_MAX, UINT64_MAX};
  memset(record.message, '\n', sizeof record.message - 1);
  seal_record(key, &record, &text);
  assert_true(text.size <= SEAL_BYTES_MAX);
  assert_true(seal_open(key, text.data, text.size, &record, 0));
}

static void each_attempt_has_a_key_and_a_user_id_of_its_own(void **state)
{
  (void)state;
  const struct name first = name_make("20261122_195800_0123abcd", 1), second = name_make("20261122_195800_0123abcd", 2);
  unsigned char one[SEAL_KEY_BYTES], same[SEAL_KEY_BYTES], two[SEAL_KEY_BYTES];
  seal_key_derive("secret", 6, first, one);
  seal_key_derive("secret", 6, first, same);
  seal_key_derive("secret", 6, second, two);
  assert_memory_equal(one, same, sizeof one);
  assert_memory_not_equal(one, two, sizeof one);
  seal_key_derive("Secret", 6, first, two);
  assert_memory_not_equal(one, two, sizeof one);
  assert_int_not_equal(pod_uid(first), pod_uid(second));
  assert_true(pod_uid(first) >= POD_UID_LEAST && pod_uid(second) < UINT32_MAX / 2);
}

static void a_pod_has_room_for_the_keeper_and_what_it_holds(void **state)
{
  (void)state;
  const struct limits limits = limits_default();
  assert_true(pod_memory_bytes(&limits) == limits.memory_bytes + CONTAINER_MEMORY_BYTES + 3 * limits.output_bytes);
  assert_true(pod_exchange_bytes(MIB(2)) > MIB(2));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_sealed_record_comes_back_with_its_key_and_a_line_end_or_none),
    cmocka_unit_test(with_any_byte_changed_or_cut_off_it_is_refused),
    cmocka_unit_test(with_another_key_it_is_somebody_elses),
    cmocka_unit_test(the_longest_record_fits_into_a_termination_message),
    cmocka_unit_test(each_attempt_has_a_key_and_a_user_id_of_its_own),
    cmocka_unit_test(a_pod_has_room_for_the_keeper_and_what_it_holds),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
