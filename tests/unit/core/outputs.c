#include "core/outputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void set_stream(struct outputs *outputs, enum stream stream, const char *kept, uint64_t head_bytes,
                       uint64_t omitted_bytes)
{
  size_t size = strlen(kept);
  outputs->stream[stream] = (struct stream_output){
    .bytes = size + omitted_bytes,
    .omitted_bytes = omitted_bytes,
    .head_bytes = head_bytes,
    .data = size ? blob_create(kept, size) : 0,
  };
}

static void put_run(struct buffer *order, uint8_t stream, uint32_t length)
{
  const unsigned char run[] = {stream, (unsigned char)length, (unsigned char)(length >> 8),
                               (unsigned char)(length >> 16), (unsigned char)(length >> 24)};
  buffer_append(order, run, sizeof run);
}

static void assert_merged(struct outputs *outputs, const struct buffer *order, const char *expected)
{
  outputs->order = order ? blob_create(order->data, order->size) : 0;
  CLEANUP_BUFFER struct buffer merged = {0};
  outputs_merge(outputs, &merged);
  assert_string_equal(merged.data ? merged.data : "", expected);
  outputs_unref(outputs);
}

static void streams_are_merged_in_the_order_written(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "onethree", 8, 0);
  set_stream(outputs, STREAM_STDERR, "twofour", 7, 0);
  CLEANUP_BUFFER struct buffer order = {0};
  put_run(&order, STREAM_STDOUT, 3);
  put_run(&order, STREAM_STDERR, 3);
  put_run(&order, STREAM_STDOUT, 5);
  put_run(&order, STREAM_STDERR, 4);
  assert_merged(outputs, &order, "onetwothreefour");
}

static void without_an_order_one_follows_the_other(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "out", 3, 0);
  set_stream(outputs, STREAM_STDERR, "err", 3, 0);
  assert_merged(outputs, 0, "outerr");
}

static void nothing_written_merges_to_nothing(void **state)
{
  (void)state;
  assert_merged(outputs_create(), 0, "");
}

static void an_order_that_was_cut_short_is_followed_as_far_as_it_goes(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "aaAA", 4, 0);
  set_stream(outputs, STREAM_STDERR, "bbBB", 4, 0);
  CLEANUP_BUFFER struct buffer order = {0};
  put_run(&order, STREAM_STDERR, 2);
  put_run(&order, STREAM_STDOUT, 2);
  assert_merged(outputs, &order, "bbaaAABB");
}

static void the_bytes_between_head_and_tail_are_skipped_in_their_places(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  /* stdout: 10 bytes were written, 0123456789; "01" and "89" were kept. */
  set_stream(outputs, STREAM_STDOUT, "0189", 2, 6);
  set_stream(outputs, STREAM_STDERR, "abc", 3, 0);
  CLEANUP_BUFFER struct buffer order = {0};
  put_run(&order, STREAM_STDOUT, 1); /* 0 */
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, STREAM_STDOUT, 4); /* 1 and a part of the gap */
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, STREAM_STDOUT, 4); /* the rest of the gap and 8 */
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, STREAM_STDOUT, 1); /* 9 */
  assert_merged(outputs, &order, "0a1b8c9");
}

static void a_run_over_the_whole_gap_holds_head_and_tail(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "0189", 2, 1000);
  set_stream(outputs, STREAM_STDERR, "e", 1, 0);
  CLEANUP_BUFFER struct buffer order = {0};
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, STREAM_STDOUT, 1004);
  assert_merged(outputs, &order, "e0189");
}

static void runs_beyond_what_was_written_add_nothing(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "out", 3, 0);
  set_stream(outputs, STREAM_STDERR, "err", 3, 0);
  CLEANUP_BUFFER struct buffer order = {0};
  put_run(&order, STREAM_STDOUT, UINT32_MAX);
  put_run(&order, STREAM_STDOUT, UINT32_MAX);
  put_run(&order, STREAM_STDERR, 2);
  assert_merged(outputs, &order, "outerr");
}

static void a_damaged_order_loses_no_bytes(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "out", 3, 0);
  set_stream(outputs, STREAM_STDERR, "err", 3, 0);
  CLEANUP_BUFFER struct buffer order = {0};
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, 7, 1);
  put_run(&order, STREAM_STDERR, 1);
  buffer_append(&order, "\0", 1); /* half a run */
  assert_merged(outputs, &order, "eoutrr");
}

static void every_byte_kept_comes_out_once_however_the_runs_are_cut(void **state)
{
  (void)state;
  for (uint32_t length = 1; length <= 30; length++) {
    struct outputs *outputs = outputs_create();
    set_stream(outputs, STREAM_STDOUT, "aaaaabbbbb", 5, 15);
    set_stream(outputs, STREAM_STDERR, "ccccccc", 7, 0);
    CLEANUP_BUFFER struct buffer order = {0};
    for (unsigned i = 0; i < 60; i++)
      put_run(&order, i % 2, length);
    outputs->order = blob_create(order.data, order.size);
    CLEANUP_BUFFER struct buffer merged = {0};
    outputs_merge(outputs, &merged);
    unsigned count[256] = {0};
    for (size_t i = 0; i < merged.size; i++)
      count[(unsigned char)merged.data[i]]++;
    assert_int_equal(merged.size, 17);
    assert_true(count['a'] == 5 && count['b'] == 5 && count['c'] == 7);
    assert_true(memchr(merged.data, 'b', merged.size) > memrchr(merged.data, 'a', merged.size));
    outputs_unref(outputs);
  }
}

static void kept_bytes_are_those_not_omitted(void **state)
{
  (void)state;
  assert_int_equal(stream_kept_bytes(&(struct stream_output){.bytes = 10, .omitted_bytes = 4}), 6);
}

static void what_is_not_in_memory_adds_nothing(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDERR, "err", 3, 0);
  outputs->stream[STREAM_STDOUT] = (struct stream_output){.bytes = 3, .head_bytes = 3, .path = xstrdup("/in/a/file")};
  assert_merged(outputs, 0, "err");
}

static void outputs_live_until_the_last_reference_goes(void **state)
{
  (void)state;
  struct outputs *outputs = outputs_create();
  set_stream(outputs, STREAM_STDOUT, "out", 3, 0);
  assert_ptr_equal(outputs_ref(outputs), outputs);
  outputs_unref(outputs);
  assert_memory_equal(outputs->stream[STREAM_STDOUT].data->data, "out", 3);
  outputs_unref(outputs);
  assert_null(outputs_ref(0));
  outputs_unref(0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(streams_are_merged_in_the_order_written),
    cmocka_unit_test(without_an_order_one_follows_the_other),
    cmocka_unit_test(nothing_written_merges_to_nothing),
    cmocka_unit_test(an_order_that_was_cut_short_is_followed_as_far_as_it_goes),
    cmocka_unit_test(the_bytes_between_head_and_tail_are_skipped_in_their_places),
    cmocka_unit_test(a_run_over_the_whole_gap_holds_head_and_tail),
    cmocka_unit_test(runs_beyond_what_was_written_add_nothing),
    cmocka_unit_test(a_damaged_order_loses_no_bytes),
    cmocka_unit_test(every_byte_kept_comes_out_once_however_the_runs_are_cut),
    cmocka_unit_test(kept_bytes_are_those_not_omitted),
    cmocka_unit_test(what_is_not_in_memory_adds_nothing),
    cmocka_unit_test(outputs_live_until_the_last_reference_goes),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
