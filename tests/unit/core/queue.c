#include "core/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 500, PRIORITIES = 8 };

/* Clients. */
static char a_name[] = "a", b_name[] = "b", c_name[] = "c", d_name[] = "d";

/* `count` evaluations in order of acceptance, with priorities from a fixed series, that have joined. */
static struct evaluation *make_many(struct queue *queue, unsigned count)
{
  struct evaluation *many = calloc(count, sizeof *many);
  uint32_t series = 1;
  for (unsigned i = 0; i < count; i++) {
    series = series * 1664525 + 1013904223;
    many[i].priority = (int)(series >> 29) - 4;
    many[i].sequence = i + 1;
    queue_join(queue, &many[i]);
  }
  return many;
}

/* `count` of one client and priority, of which the first has this sequence; they wait. */
static struct evaluation *waiting(struct queue *queue, char *client, int priority, uint64_t sequence, unsigned count)
{
  struct evaluation *many = calloc(count, sizeof *many);
  for (unsigned i = 0; i < count; i++) {
    many[i] = (struct evaluation){.token = client, .priority = priority, .sequence = sequence + i};
    queue_join(queue, &many[i]);
    queue_push(queue, &many[i]);
  }
  return many;
}

static void leave(struct queue *queue, struct evaluation *many, unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    queue_leave(queue, &many[i]);
  free(many);
}

static struct evaluation *launched(struct queue *queue)
{
  struct evaluation *evaluation = queue_pop(queue);
  assert_non_null(evaluation);
  queue_takes_slot(evaluation);
  return evaluation;
}

static void ends(struct queue *queue, struct evaluation *evaluation)
{
  queue_gives_slot(queue, evaluation, true);
}

/* Launches one for each letter, and sees that it is of the client with that name. */
static void assert_launches(struct queue *queue, const char *clients)
{
  for (; *clients; clients++) {
    const char *client = launched(queue)->token;
    if (client[0] != *clients)
      fail_msg("not %s, but %s", clients, client);
  }
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
  struct evaluation *many = make_many(&queue, MANY);
  for (unsigned i = 0; i < MANY; i++)
    queue_push(&queue, &many[i * 7 % MANY]); /* 7 and 500 have no common factor: each comes once, in another order */
  assert_int_equal(queue.share_count, PRIORITIES);
  assert_drains_in_order(&queue, MANY);
  leave(&queue, many, MANY);
  queue_release(&queue);
}

static void any_one_can_be_taken_out_of_the_middle(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(&queue, MANY);
  for (unsigned gone = 0; gone < MANY; gone += 61) {
    for (unsigned i = 0; i < MANY; i++)
      queue_push(&queue, &many[i]);
    queue_remove(&queue, &many[gone]);
    assert_int_equal(many[gone].x.heap_index, 0);
    assert_drains_in_order(&queue, MANY - 1);
  }
  leave(&queue, many, MANY);
  queue_release(&queue);
}

static void many_can_be_taken_out_one_after_another(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = waiting(&queue, 0, 0, 1, MANY);
  for (unsigned i = 0; i < MANY; i += 2)
    queue_remove(&queue, &many[i * 11 % MANY]);
  for (unsigned i = 0; i < queue.size; i++)
    assert_int_equal(queue.shares[0]->heap[i]->x.heap_index, i + 1);
  assert_drains_in_order(&queue, MANY / 2);
  leave(&queue, many, MANY);
  queue_release(&queue);
}

static void what_takes_the_place_of_one_taken_out_may_belong_above_it(void **state)
{
  (void)state;
  static const uint64_t sequences[] = {1, 10, 2, 11, 12, 3};
  struct queue queue = {0};
  struct evaluation many[6] = {0};
  for (unsigned i = 0; i < 6; i++) {
    many[i].sequence = sequences[i];
    queue_join(&queue, &many[i]);
    queue_push(&queue, &many[i]);
  }
  queue_remove(&queue, &many[3]); /* 11, a child of 10: the last one, 3, takes its place */
  assert_drains_in_order(&queue, 5);
  for (unsigned i = 0; i < 6; i++)
    queue_leave(&queue, &many[i]);
  queue_release(&queue);
}

static void removing_what_does_not_wait_does_nothing(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(&queue, 2);
  queue_push(&queue, &many[0]);
  queue_remove(&queue, &many[1]);
  assert_int_equal(queue.size, 1);
  leave(&queue, many, 2);
  queue_release(&queue);
}

static void what_was_taken_out_can_be_queued_again(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *many = make_many(&queue, 3);
  for (unsigned i = 0; i < 3; i++)
    queue_push(&queue, &many[i]);
  struct evaluation *first = queue_pop(&queue);
  queue_push(&queue, first);
  assert_drains_in_order(&queue, 3);
  leave(&queue, many, 3);
  queue_release(&queue);
}

/* ---- between clients ---- */

static void a_flood_does_not_delay_another_client_beyond_one_slot(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *flood = waiting(&queue, a_name, 0, 1, MANY);
  struct evaluation *first = launched(&queue);
  struct evaluation *single = waiting(&queue, b_name, 0, MANY + 1, 1);
  assert_int_equal(queue_before(&queue, single), 0);
  ends(&queue, first);
  assert_ptr_equal(launched(&queue), single);
  leave(&queue, flood, MANY);
  leave(&queue, single, 1);
  queue_release(&queue);
}

static void one_slot_goes_round(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *a = waiting(&queue, a_name, 0, 1, 9), *b = waiting(&queue, b_name, 0, 10, 9);
  struct evaluation *c = waiting(&queue, c_name, 0, 19, 2);
  for (const char *client = "abcabcababa"; *client; client++) {
    struct evaluation *evaluation = launched(&queue);
    assert_int_equal(evaluation->token[0], *client);
    ends(&queue, evaluation);
  }
  leave(&queue, a, 9);
  leave(&queue, b, 9);
  leave(&queue, c, 2);
  queue_release(&queue);
}

static void who_holds_the_fewest_slots_is_next_however_long_each_takes(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *a = waiting(&queue, a_name, 0, 1, 9);
  assert_launches(&queue, "aaaa"); /* they take long */
  struct evaluation *b = waiting(&queue, b_name, 0, 10, 9);
  for (unsigned i = 0; i < 6; i++) {
    ends(&queue, i ? &b[i - 1] : &a[0]);
    assert_ptr_equal(launched(&queue), &b[i]);
  }
  ends(&queue, &a[1]);
  assert_ptr_equal(launched(&queue), &b[6]); /* a and b had two and one */
  leave(&queue, a, 9);
  leave(&queue, b, 9);
  queue_release(&queue);
}

static void slots_are_shared_evenly(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *a = waiting(&queue, a_name, 0, 1, 9), *b = waiting(&queue, b_name, 0, 10, 9);
  struct evaluation *c = waiting(&queue, c_name, 0, 19, 1);
  assert_launches(&queue, "abcababa");
  leave(&queue, a, 9);
  leave(&queue, b, 9);
  leave(&queue, c, 1);
  queue_release(&queue);
}

static void shares_are_within_one_priority(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *low = waiting(&queue, b_name, -1, 1, 2), *high = waiting(&queue, a_name, 1, 3, 2);
  struct evaluation *low_too = waiting(&queue, a_name, -1, 5, 2);
  assert_launches(&queue, "aababa"); /* the higher one first, whoever has how many; and they count for nothing below */
  leave(&queue, low, 2);
  leave(&queue, high, 2);
  leave(&queue, low_too, 2);
  queue_release(&queue);
}

static void without_a_name_they_are_one_client(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *nobody = waiting(&queue, 0, 0, 1, 3), *a = waiting(&queue, a_name, 0, 4, 1);
  assert_int_equal(queue.share_count, 2);
  assert_ptr_equal(launched(&queue), &nobody[0]);
  assert_ptr_equal(launched(&queue), &a[0]);
  leave(&queue, nobody, 3);
  leave(&queue, a, 1);
  queue_release(&queue);
}

static void what_is_sent_back_costs_no_turn_and_has_its_old_place(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *a = waiting(&queue, a_name, 0, 1, 2), *b = waiting(&queue, b_name, 0, 3, 2);
  assert_ptr_equal(launched(&queue), &a[0]);
  queue_gives_slot(&queue, &a[0], false);
  queue_push(&queue, &a[0]);
  assert_ptr_equal(launched(&queue), &a[0]);
  ends(&queue, &a[0]);
  assert_ptr_equal(launched(&queue), &b[0]);
  leave(&queue, a, 2);
  leave(&queue, b, 2);
  queue_release(&queue);
}

/* Or two that come and go in turn could keep a third one waiting for ever. */
static void who_comes_again_stands_behind_who_waits(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *b = waiting(&queue, b_name, 0, 1, 1), *a = waiting(&queue, a_name, 0, 2, 1);
  assert_ptr_equal(launched(&queue), b);
  ends(&queue, b);
  leave(&queue, b, 1);
  b = waiting(&queue, b_name, 0, 3, 1);
  assert_ptr_equal(launched(&queue), a);
  leave(&queue, a, 1);
  leave(&queue, b, 1);
  queue_release(&queue);
}

/* After a restart it is found running, and the others wait. */
static void what_is_found_in_a_slot_counts(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation runs = {.token = a_name, .sequence = 1};
  queue_join(&queue, &runs);
  struct evaluation *a = waiting(&queue, a_name, 0, 2, 3), *b = waiting(&queue, b_name, 0, 5, 3);
  queue_takes_slot(&runs);
  assert_ptr_equal(launched(&queue), &b[0]);
  ends(&queue, &runs);
  assert_ptr_equal(launched(&queue), &a[0]);
  queue_leave(&queue, &runs);
  leave(&queue, a, 3);
  leave(&queue, b, 3);
  queue_release(&queue);
}

/* ---- places ---- */

static void the_place_is_that_in_which_it_is_launched_if_none_ends_and_none_comes(void **state)
{
  (void)state;
  enum { COUNT = 60 };
  char *const clients[] = {0, a_name, b_name, c_name, d_name};
  for (uint32_t seed = 1; seed <= 200; seed++) {
    struct queue queue = {0};
    struct evaluation *all = calloc(COUNT, sizeof *all);
    uint32_t series = seed;
    for (unsigned i = 0; i < COUNT; i++) {
      series = series * 1664525 + 1013904223;
      all[i].token = clients[(series >> 24) % 5];
      all[i].priority = (int)(series >> 20) % 2;
      all[i].sequence = i + 1;
      queue_join(&queue, &all[i]);
      queue_push(&queue, &all[i]);
    }
    for (unsigned i = 0; i < COUNT / 3; i++) { /* some hold slots already, and some have given them back */
      queue_remove(&queue, &all[i]);
      queue_takes_slot(&all[i]);
    }
    for (unsigned i = 0; i < COUNT / 3; i += 2)
      ends(&queue, &all[i]);
    size_t before[COUNT];
    for (unsigned i = COUNT / 3; i < COUNT; i++)
      before[i] = queue_before(&queue, &all[i]);
    for (size_t place = 0; place < COUNT - COUNT / 3; place++)
      assert_int_equal(before[launched(&queue) - all], place);
    leave(&queue, all, COUNT);
    queue_release(&queue);
  }
}

static void what_does_not_wait_yet_has_a_place_behind_its_clients_others(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *a = waiting(&queue, a_name, 0, 1, 5);
  struct evaluation comes = {.token = a_name, .sequence = 6}, another = {.token = b_name, .sequence = 7};
  queue_join(&queue, &comes);
  queue_join(&queue, &another);
  assert_int_equal(queue_before(&queue, &comes), 5);
  assert_int_equal(queue_before(&queue, &another), 1);
  queue_leave(&queue, &comes);
  queue_leave(&queue, &another);
  leave(&queue, a, 5);
  queue_release(&queue);
}

static void clients_that_are_gone_are_forgotten(void **state)
{
  (void)state;
  struct queue queue = {0};
  struct evaluation *of_client['h' - 'a'] = {0};
  char names['h' - 'a'][2] = {{0}};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    names[i][0] = (char)('a' + i * 3 % 7);
    of_client[i] = waiting(&queue, names[i], 0, i + 1, 1);
  }
  assert_int_equal(queue.share_count, 7);
  for (unsigned i = 0; i < 7; i++)
    assert_int_equal(queue.shares[i]->client[0], 'a' + i);
  for (unsigned i = 0; i < 7; i++) {
    leave(&queue, of_client[i], 1);
    assert_int_equal(queue.share_count, 6 - i);
  }
  queue_release(&queue);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_empty_queue_gives_nothing),
    cmocka_unit_test(the_highest_priority_goes_first_and_the_oldest_among_equals),
    cmocka_unit_test(any_one_can_be_taken_out_of_the_middle),
    cmocka_unit_test(many_can_be_taken_out_one_after_another),
    cmocka_unit_test(what_takes_the_place_of_one_taken_out_may_belong_above_it),
    cmocka_unit_test(removing_what_does_not_wait_does_nothing),
    cmocka_unit_test(what_was_taken_out_can_be_queued_again),
    cmocka_unit_test(a_flood_does_not_delay_another_client_beyond_one_slot),
    cmocka_unit_test(one_slot_goes_round),
    cmocka_unit_test(who_holds_the_fewest_slots_is_next_however_long_each_takes),
    cmocka_unit_test(slots_are_shared_evenly),
    cmocka_unit_test(shares_are_within_one_priority),
    cmocka_unit_test(without_a_name_they_are_one_client),
    cmocka_unit_test(what_is_sent_back_costs_no_turn_and_has_its_old_place),
    cmocka_unit_test(who_comes_again_stands_behind_who_waits),
    cmocka_unit_test(what_is_found_in_a_slot_counts),
    cmocka_unit_test(the_place_is_that_in_which_it_is_launched_if_none_ends_and_none_comes),
    cmocka_unit_test(what_does_not_wait_yet_has_a_place_behind_its_clients_others),
    cmocka_unit_test(clients_that_are_gone_are_forgotten),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
