/* The order of two streams, walked from every position and while it comes into being. */

#include "core/output_walk.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put_run(struct buffer *order, enum stream stream, uint32_t length)
{
  const unsigned char run[] = {(unsigned char)stream, (unsigned char)length, (unsigned char)(length >> 8),
                               (unsigned char)(length >> 16), (unsigned char)(length >> 24)};
  buffer_append(order, run, sizeof run);
}

static void set_order(struct output_extent *extent, const struct buffer *order)
{
  extent->order = (const unsigned char *)order->data;
  extent->order_size = order->size;
}

static void see(struct output_extent *extent, uint64_t out, uint64_t err)
{
  extent->stream[STREAM_STDOUT].bytes = extent->stream[STREAM_STDOUT].head_bytes = out;
  extent->stream[STREAM_STDERR].bytes = extent->stream[STREAM_STDERR].head_bytes = err;
}

/* What is walked from `position`, as text: "o3" for three bytes of stdout, "E2" for two of stderr that were omitted. */
static void walk_from(const struct output_extent *extent, uint64_t position, uint64_t length_max, char ret[static 256])
{
  struct output_walk walk;
  struct output_span span;
  ret[0] = 0;
  output_walk_begin(&walk, extent, position);
  while (output_walk_next(&walk, length_max, &span)) {
    const char *names = span.omitted ? "OE" : "oe";
    size_t used = strlen(ret);
    snprintf(ret + used, 256 - used, "%c%llu ", names[span.stream], (unsigned long long)span.length);
  }
}

static void assert_walk(const struct output_extent *extent, uint64_t position, const char *expected)
{
  char walked[256];
  walk_from(extent, position, UINT64_MAX, walked);
  assert_string_equal(walked, expected);
}

static void runs_are_walked_in_order_and_the_last_one_is_not_written_yet(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer order = {0};
  struct output_extent extent = {0};
  put_run(&order, STREAM_STDOUT, 3);
  put_run(&order, STREAM_STDERR, 2);
  set_order(&extent, &order);
  see(&extent, 7, 2);
  assert_walk(&extent, 0, "o3 e2 o4 ");
  assert_walk(&extent, 4, "e1 o4 ");
  assert_walk(&extent, 9, "");
  assert_walk(&extent, UINT64_MAX, "");
}

static void what_cannot_be_seen_yet_holds_up_what_follows(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer order = {0};
  struct output_extent extent = {0};
  put_run(&order, STREAM_STDOUT, 10);
  set_order(&extent, &order);
  see(&extent, 4, 5); /* the sizes were looked at one after the other */
  assert_walk(&extent, 0, "o4 ");
  see(&extent, 10, 5);
  assert_walk(&extent, 4, "o6 e5 ");
}

static void where_the_order_is_not_known_nothing_is_told_before_the_end(void **state)
{
  (void)state;
  struct output_extent extent = {0};
  see(&extent, 3, 3);
  assert_walk(&extent, 0, "");
  extent.complete = true;
  assert_walk(&extent, 0, "o3 e3 ");
}

static void an_order_that_may_be_cut_is_followed_to_its_end_only(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer order = {0};
  struct output_extent extent = {0};
  for (unsigned i = 0; i < ORDER_RUNS_MAX; i++)
    put_run(&order, i % 2 ? STREAM_STDERR : STREAM_STDOUT, 1);
  set_order(&extent, &order);
  see(&extent, ORDER_RUNS_MAX / 2 + 5, ORDER_RUNS_MAX / 2);
  assert_walk(&extent, ORDER_RUNS_MAX - 1, "e1 ");
  extent.complete = true;
  assert_walk(&extent, ORDER_RUNS_MAX - 1, "e1 o5 ");
}

static void what_was_omitted_is_told_in_its_place(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer order = {0};
  struct output_extent extent = {.complete = true};
  put_run(&order, STREAM_STDOUT, 6);
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, STREAM_STDOUT, 6);
  set_order(&extent, &order);
  extent.stream[STREAM_STDOUT].bytes = 12;
  extent.stream[STREAM_STDOUT].head_bytes = 4;
  extent.stream[STREAM_STDOUT].omitted_bytes = 5;
  extent.stream[STREAM_STDERR].bytes = extent.stream[STREAM_STDERR].head_bytes = 1;
  assert_walk(&extent, 0, "o4 O2 e1 O3 o3 ");
  assert_walk(&extent, 5, "O1 e1 O3 o3 ");
}

static void a_damaged_order_is_followed_as_far_as_it_makes_sense(void **state)
{
  (void)state;
  CLEANUP_BUFFER struct buffer order = {0};
  struct output_extent extent = {.complete = true};
  put_run(&order, STREAM_STDERR, 1);
  put_run(&order, (enum stream)9, 1);
  buffer_append(&order, "\0\1", 2);
  set_order(&extent, &order);
  see(&extent, 2, 2);
  assert_walk(&extent, 0, "e1 o2 e1 ");
}

static void without_outputs_there_is_nothing_to_walk(void **state)
{
  (void)state;
  struct output_extent extent = output_extent_of(0);
  assert_walk(&extent, 0, "");
}

/* A program that writes by chance, seen at every moment; whoever resumes by chance sees the same bytes in one order. */

enum { STEPS = 60, ROUNDS = 200 };

struct written {
  char merged[4096];
  size_t count;
  uint64_t of[2];
  struct buffer order;
  enum stream current;
  uint32_t pending;
};

static void write_some(struct written *written)
{
  enum stream stream = rand() % 2 ? STREAM_STDERR : STREAM_STDOUT;
  uint32_t length = 1 + (uint32_t)rand() % 20;
  if (stream != written->current && written->pending) {
    put_run(&written->order, written->current, written->pending);
    written->pending = 0;
  }
  written->current = stream;
  written->pending += length;
  written->of[stream] += length;
  for (uint32_t i = 0; i < length; i++)
    written->merged[written->count++] = "oe"[stream];
}

static void follow(const struct output_extent *extent, char *told, size_t *told_count)
{
  struct output_walk walk;
  struct output_span span;
  output_walk_begin(&walk, extent, *told_count);
  while (output_walk_next(&walk, 1 + (uint64_t)rand() % 7, &span))
    for (uint64_t i = 0; i < span.length; i++)
      told[(*told_count)++] = "oe"[span.stream];
}

static void whoever_follows_sees_the_order_in_which_it_was_written(void **state)
{
  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    srand(round);
    struct written written = {0};
    char told[4096];
    size_t told_count = 0;
    struct output_extent extent = {0};
    for (unsigned step = 0; step < STEPS; step++) {
      write_some(&written);
      set_order(&extent, &written.order);
      see(&extent, written.of[0], written.of[1]);
      if (rand() % 3 == 0)
        follow(&extent, told, &told_count);
    }
    extent.complete = true;
    follow(&extent, told, &told_count);
    assert_int_equal(told_count, written.count);
    assert_memory_equal(told, written.merged, written.count);
    buffer_release(&written.order);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(runs_are_walked_in_order_and_the_last_one_is_not_written_yet),
    cmocka_unit_test(what_cannot_be_seen_yet_holds_up_what_follows),
    cmocka_unit_test(where_the_order_is_not_known_nothing_is_told_before_the_end),
    cmocka_unit_test(an_order_that_may_be_cut_is_followed_to_its_end_only),
    cmocka_unit_test(what_was_omitted_is_told_in_its_place),
    cmocka_unit_test(a_damaged_order_is_followed_as_far_as_it_makes_sense),
    cmocka_unit_test(without_outputs_there_is_nothing_to_walk),
    cmocka_unit_test(whoever_follows_sees_the_order_in_which_it_was_written),
  };
  return cmocka_run_group_tests_name("core/output_walk", tests, 0, 0);
}
