#include "core/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 500 };

/* `count` evaluations in order of acceptance, with priorities from a fixed series. */
static struct evaluation *make_many(unsigned count)
{
  struct evaluation *many = calloc(count, sizeof *many);
  uint32_t series = 1;
  for (unsigned i = 0; i < count; i++) {
    series = series * 1664525 + 1013904223;
    many[i].priority = (int)(series >> 29) - 4;
    many[i].sequence = i + 1;
  }
  return many;
}

static bool in_order(const struct evaluation *first, const struct evaluation *second)
{
  return first->priority > second->priority ||
         (first->priority == second->priority && first->sequence < second->sequence);
}

static void assert_drains_in_order(struct queue *queue, size_t count)
{
  assert_int_equal(queue->size, count);
  struct evaluation *previous = queue_pop(queue);
  for (size_t i = 1; i < count; i++) {
    struct evaluation *next = queue_pop(queue);
    assert_non_null(next);
    assert_int_equal(next->x.heap_index, 0);
    assert_true(in_order(previous, next));
    previous = next;
  }
  assert_null(queue_pop(queue));
}

static void an_empty_queue_gives_nothing(void **state)
{
  (void)state;
  struct queue queue = {0};
  assert_null(queue_pop(&queue));
  queue_release(&queue);
}

static void the_highest_priority_goes_first_and_the_oldest_among_equals(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(MANY);
  for (unsigned i = 0; i < MANY; i++)
    queue_push(&queue, &many[i * 7 % MANY]); /* 7 and 500 have no common factor: each comes once, in another order */
  assert_drains_in_order(&queue, MANY);
  queue_release(&queue);
  free(many);
}

static void any_one_can_be_taken_out_of_the_middle(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(MANY);
  for (unsigned gone = 0; gone < MANY; gone += 61) {
    for (unsigned i = 0; i < MANY; i++)
      queue_push(&queue, &many[i]);
    queue_remove(&queue, &many[gone]);
    assert_int_equal(many[gone].x.heap_index, 0);
    assert_drains_in_order(&queue, MANY - 1);
  }
  queue_release(&queue);
  free(many);
}

static void many_can_be_taken_out_one_after_another(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(MANY);
  for (unsigned i = 0; i < MANY; i++)
    queue_push(&queue, &many[i]);
  for (unsigned i = 0; i < MANY; i += 2)
    queue_remove(&queue, &many[i * 11 % MANY]);
  for (unsigned i = 0; i < queue.size; i++)
    assert_int_equal(queue.heap[i]->x.heap_index, i + 1);
  assert_drains_in_order(&queue, MANY / 2);
  queue_release(&queue);
  free(many);
}

static void removing_what_is_not_queued_does_nothing(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(2);
  queue_push(&queue, &many[0]);
  queue_remove(&queue, &many[1]);
  assert_int_equal(queue.size, 1);
  queue_release(&queue);
  free(many);
}

static void what_was_taken_out_can_be_queued_again(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(3);
  for (unsigned i = 0; i < 3; i++)
    queue_push(&queue, &many[i]);
  struct evaluation *first = queue_pop(&queue);
  queue_push(&queue, first);
  assert_drains_in_order(&queue, 3);
  queue_release(&queue);
  free(many);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_empty_queue_gives_nothing),
    cmocka_unit_test(the_highest_priority_goes_first_and_the_oldest_among_equals),
    cmocka_unit_test(any_one_can_be_taken_out_of_the_middle),
    cmocka_unit_test(many_can_be_taken_out_one_after_another),
    cmocka_unit_test(removing_what_is_not_queued_does_nothing),
    cmocka_unit_test(what_was_taken_out_can_be_queued_again),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
