/* What a caller of the store may rely on: durability, order, group commit, one verdict. */

#include "support.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void an_acceptance_that_was_answered_survives_a_crash(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  evaluation->priority = -3;
  evaluation->attempts_max = 4;
  evaluation->limits.memory_bytes = GIB(3);
  evaluation->body_digest = 0xfedcba9876543210;
  evaluation->idempotency_key = xstrdup("key");
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);

  struct fixture *after = fixture_crash(fixture);
  struct evaluation *found = get_now(after, evaluation->id);
  assert_non_null(found);
  assert_int_equal(found->state, STATE_QUEUED);
  assert_null(found->plan);
  assert_same_evaluation(evaluation, found);
  assert_int_equal(store_known(after->store, evaluation->id), STORE_OPEN);

  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void a_verdict_that_was_answered_survives_a_crash_with_every_field(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_TIMED_OUT);
  evaluation->attempt = 2;
  evaluation->verdict.exit_code = -1;
  evaluation->verdict.signal = 9;
  evaluation->verdict.retryable = true;
  evaluation->verdict.limit = LIMIT_CPU_TIME;
  evaluation->verdict.limit_value = 30000;
  evaluation->verdict.limit_measured = 30012;
  evaluation->order_cut = true;
  evaluation_print(evaluation, STREAM_STDOUT, "a\0b\xff", 4);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);

  struct fixture *after = fixture_crash(fixture);
  struct evaluation *found = get_now(after, evaluation->id);
  assert_int_equal(found->state, STATE_FINISHED);
  assert_same_evaluation(evaluation, found);
  assert_int_equal(store_known(after->store, evaluation->id), STORE_FINISHED);

  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void every_verdict_and_every_limit_is_found_again(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned kind = VERDICT_NONE + 1; kind < VERDICT_COUNT; kind++) {
    struct evaluation *evaluation = evaluation_make(kind);
    accept_now(fixture, evaluation);
    evaluation_end(evaluation, (enum verdict_kind)kind);
    evaluation->verdict.limit = (enum limit_kind)(kind % LIMIT_COUNT);
    assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
    struct evaluation *found = get_now(fixture, evaluation->id);
    assert_int_equal(found->verdict.kind, kind);
    assert_int_equal(found->verdict.limit, kind % LIMIT_COUNT);
    evaluation_destroy(found);
    evaluation_destroy(evaluation);
  }
  fixture_destroy(fixture);
}

static void a_second_finish_is_told_that_a_verdict_stands_and_changes_nothing(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_FAILED);
  evaluation_print(evaluation, STREAM_STDERR, "first", 5);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);

  struct evaluation *second = evaluation_make(1);
  evaluation_end(second, VERDICT_CANCELLED);
  evaluation_print(second, STREAM_STDERR, "second one", 10);
  assert_int_equal(finish_now(fixture, second), STORE_STANDS);
  assert_int_equal(attempt_now(fixture, evaluation->id, 2), STORE_STANDS);

  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_same_evaluation(evaluation, found);
  evaluation_destroy(found);
  evaluation_destroy(second);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void a_cancellation_that_was_answered_survives_a_crash(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  assert_int_equal(cancel_now(fixture, evaluation->id, 1790000000111), STORE_DONE);
  assert_int_equal(cancel_now(fixture, evaluation->id, 1790000000999), STORE_DONE); /* the first one stays */

  struct fixture *after = fixture_crash(fixture);
  struct evaluation *found = get_now(after, evaluation->id);
  assert_int_equal(found->state, STATE_QUEUED);
  assert_int_equal(found->cancelled_at.ms, 1790000000111);
  evaluation_destroy(found);
  fixture_destroy(after);

  evaluation_end(evaluation, VERDICT_FAILED);
  evaluation_print(evaluation, STREAM_STDOUT, "so far", 6);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  assert_int_equal(cancel_now(fixture, evaluation->id, 1790000000999), STORE_STANDS);
  assert_int_equal(cancel_now(fixture, "20250101_000000_00000000", 1), STORE_FAILED);
  found = get_now(fixture, evaluation->id);
  assert_same_evaluation(evaluation, found);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void a_write_for_an_unknown_id_fails_alone(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  evaluation_end(evaluation, VERDICT_LOST);
  assert_int_equal(finish_now(fixture, evaluation), STORE_FAILED);
  assert_int_equal(attempt_now(fixture, evaluation->id, 2), STORE_FAILED);
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
  assert_int_equal(fixture->failures, 0);
  assert_null(get_now(fixture, "20261122_195800_ffffffff"));
  assert_int_equal(store_known(fixture->store, "20261122_195800_ffffffff"), STORE_UNKNOWN);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void a_finish_without_a_time_of_its_own_gets_that_of_asking(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  evaluation_end(evaluation, VERDICT_COMPLETED);
  evaluation->entered_at[STATE_FINISHED] = (struct wall){0};
  int64_t before = wall_now().ms;
  finish_now(fixture, evaluation);
  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_in_range(found->entered_at[STATE_FINISHED].ms, before, wall_now().ms);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void an_attempt_is_durable_before_its_answer(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  assert_int_equal(attempt_now(fixture, evaluation->id, 7), STORE_DONE);
  struct fixture *after = fixture_crash(fixture);
  struct evaluation *found = get_now(after, evaluation->id);
  assert_int_equal(found->attempt, 7);
  evaluation_destroy(found);
  evaluation_destroy(evaluation);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

/* Idempotency keys */

static struct accepted accept_keyed(struct fixture *fixture, unsigned number, const char *key, uint64_t digest)
{
  struct evaluation *evaluation = evaluation_make(number);
  evaluation->idempotency_key = xstrdup(key);
  evaluation->body_digest = digest;
  struct accepted accepted = accept_now(fixture, evaluation);
  evaluation_destroy(evaluation);
  return accepted;
}

static void the_same_key_and_body_is_the_same_evaluation(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_keyed(fixture, 1, "key", UINT64_MAX).result, STORE_DONE);
  struct accepted again = accept_keyed(fixture, 2, "key", UINT64_MAX);
  assert_int_equal(again.result, STORE_STANDS);
  assert_string_equal(again.standing_id, "20261122_195800_00000001");
  assert_null(get_now(fixture, "20261122_195800_00000002"));
  fixture_destroy(fixture);
}

static void the_same_key_with_another_body_is_a_conflict(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_keyed(fixture, 1, "key", 10).result, STORE_DONE);
  assert_int_equal(accept_keyed(fixture, 2, "key", 11).result, STORE_CONFLICT);
  assert_int_equal(accept_keyed(fixture, 3, "Key", 11).result, STORE_DONE);
  fixture_destroy(fixture);
}

static void evaluations_without_a_key_never_meet(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_keyed(fixture, 1, 0, 10).result, STORE_DONE);
  assert_int_equal(accept_keyed(fixture, 2, 0, 10).result, STORE_DONE);
  fixture_destroy(fixture);
}

static void a_known_id_is_a_duplicate_and_changes_nothing(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
  struct evaluation *other = evaluation_make(1);
  other->priority = 5;
  assert_int_equal(accept_now(fixture, other).result, STORE_DUPLICATE);
  struct evaluation *found = get_now(fixture, evaluation->id);
  assert_int_equal(found->priority, 0);
  evaluation_destroy(found);
  evaluation_destroy(other);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

/* Many at once */

enum { MANY = 1000 };

struct many {
  unsigned answered;
  bool in_order, done;
  enum store_result results[2 * MANY];
};

static void many_note(struct many *many, unsigned number, enum store_result result)
{
  many->in_order = many->in_order && number == many->answered;
  many->results[many->answered++] = result;
  many->done = many->answered == 2 * MANY;
}

static void many_accepted(void *context, const char *id, enum store_result result, uint64_t sequence,
                          const char *standing)
{
  (void)sequence;
  (void)standing;
  many_note(context, (unsigned)strtoul(id + strlen(id) - 8, 0, 16), result);
}

static void many_finished(void *context, const char *id, unsigned attempt, enum store_result result)
{
  (void)attempt;
  many_note(context, MANY + (unsigned)strtoul(id + strlen(id) - 8, 0, 16), result);
}

static void many_writes_share_few_commits_and_are_answered_in_order(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  static struct many many;
  many = (struct many){.in_order = true};
  struct evaluation *evaluations[MANY];
  for (unsigned i = 0; i < MANY; i++)
    store_accept(fixture->store, evaluations[i] = evaluation_make(i), many_accepted, &many);
  for (unsigned i = 0; i < MANY; i++) {
    evaluation_end(evaluations[i], VERDICT_COMPLETED);
    store_finish(fixture->store, evaluations[i], many_finished, &many);
    evaluation_destroy(evaluations[i]);
  }
  fixture_wait(fixture, &many.done);
  assert_true(many.in_order);
  for (unsigned i = 0; i < 2 * MANY; i++)
    assert_int_equal(many.results[i], STORE_DONE);
  struct store_stats stats = store_stats(fixture->store);
  assert_int_equal(stats.writes, 2 * MANY);
  assert_in_range(stats.commits, 1, MANY / 4);
  fixture_destroy(fixture);
}

static void a_refused_write_does_not_spoil_those_beside_it(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct accepted accepted[20] = {0};
  for (unsigned i = 0; i < 20; i++) {
    struct evaluation *evaluation = evaluation_make(i / 2); /* each id twice */
    store_accept(fixture->store, evaluation, accepted_note, &accepted[i]);
    evaluation_destroy(evaluation);
  }
  fixture_wait(fixture, &accepted[19].done);
  for (unsigned i = 0; i < 20; i++)
    assert_int_equal(accepted[i].result, i % 2 ? STORE_DUPLICATE : STORE_DONE);
  fixture_destroy(fixture);
}

static void closing_writes_and_answers_what_was_asked_for(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct accepted accepted[100] = {0};
  for (unsigned i = 0; i < 100; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    store_accept(fixture->store, evaluation, accepted_note, &accepted[i]);
    evaluation_destroy(evaluation);
  }
  fixture_close(fixture);
  for (unsigned i = 0; i < 100; i++)
    assert_true(accepted[i].done && accepted[i].result == STORE_DONE);
  fixture_open(fixture, fixture->directory);
  struct evaluation *found = get_now(fixture, "20261122_195800_00000063");
  assert_non_null(found);
  evaluation_destroy(found);
  fixture_destroy(fixture);
}

/* Recovery */

struct recovered {
  unsigned count;
  struct evaluation *items[16];
};

static void recover(void *context, struct evaluation *evaluation)
{
  struct recovered *recovered = context;
  assert_in_range(recovered->count, 0, 15);
  recovered->items[recovered->count++] = evaluation;
}

static void the_open_ones_come_back_oldest_first_with_their_plans(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  for (unsigned i = 0; i < 6; i++) {
    struct evaluation *evaluation = evaluation_make(9 - i); /* ids fall as sequences rise */
    accept_now(fixture, evaluation);
    evaluation_end(evaluation, VERDICT_FAILED);
    if (i % 2)
      assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
    evaluation_destroy(evaluation);
  }
  struct fixture *after = fixture_crash(fixture);
  struct recovered recovered = {0};
  assert_true(store_each_open(after->store, recover, &recovered, 0));
  assert_int_equal(recovered.count, 3);
  for (unsigned i = 0; i < 3; i++) {
    struct evaluation *expected = evaluation_make(9 - 2 * i);
    assert_same_evaluation(expected, recovered.items[i]);
    assert_int_equal(recovered.items[i]->sequence, 2 * i + 1);
    assert_int_equal(recovered.items[i]->state, STATE_QUEUED);
    assert_int_equal(recovered.items[i]->plan->size, 6);
    assert_memory_equal(recovered.items[i]->plan->data, "a plan", 6);
    evaluation_destroy(recovered.items[i]);
    evaluation_destroy(expected);
  }
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void what_was_run_is_kept_where_its_label_asks_for_it_and_nowhere_else(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  static const struct {
    const char *labels;
    bool kept;
  } cases[] = {
    {"{\"assay/keep\":\"program\",\"run\":\"42\"}", true},
    {"{\"assay/keep\":\"nothing\"}", false},
    {"{\"keep\":\"program\"}", false},
    {"{}", false},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    free(evaluation->labels);
    evaluation->labels = xstrdup(cases[i].labels);
    accept_now(fixture, evaluation);
    evaluation_end(evaluation, VERDICT_FAILED);
    finish_now(fixture, evaluation);
    struct evaluation *found = get_now(fixture, evaluation->id);
    assert_true(!found->plan == !cases[i].kept);
    if (found->plan)
      assert_memory_equal(found->plan->data, "a plan", 6);
    evaluation_destroy(found);
    evaluation_destroy(evaluation);
  }
  fixture_destroy(fixture);
}

static void a_torn_end_of_the_log_costs_only_what_was_not_acknowledged(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  accept_now(fixture, evaluation);
  CLEANUP_FREE char *copy = directory_make();
  copy_directory(fixture->directory, copy);
  CLEANUP_FREE char *log = path_in(copy, "assay.db-wal");
  FILE *file = fopen(log, "a"); /* the first half of the next frame */
  assert_non_null(file);
  for (int i = 0; i < 2000; i++)
    fputc(i, file);
  fclose(file);
  struct fixture after = {.wake_fd = fixture->wake_fd};
  fixture_open(&after, copy);
  struct evaluation *found = get_now(&after, evaluation->id);
  assert_non_null(found);
  evaluation_destroy(found);
  fixture_close(&after);
  directory_remove(copy);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void a_large_log_is_moved_into_the_database_at_leisure(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make(1);
  blob_unref(evaluation->plan);
  evaluation->plan = blob_create(0, MIB(8));
  accept_now(fixture, evaluation);
  CLEANUP_FREE char *path = path_in(fixture->directory, "assay.db");
  struct stat status = {0};
  for (int tries = 0; tries < 100 && status.st_size < (off_t)MIB(8); tries++) {
    poll(0, 0, 100);
    assert_int_equal(stat(path, &status), 0);
  }
  assert_true(status.st_size >= (off_t)MIB(8));
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_acceptance_that_was_answered_survives_a_crash),
    cmocka_unit_test(a_verdict_that_was_answered_survives_a_crash_with_every_field),
    cmocka_unit_test(every_verdict_and_every_limit_is_found_again),
    cmocka_unit_test(a_second_finish_is_told_that_a_verdict_stands_and_changes_nothing),
    cmocka_unit_test(a_cancellation_that_was_answered_survives_a_crash),
    cmocka_unit_test(a_write_for_an_unknown_id_fails_alone),
    cmocka_unit_test(a_finish_without_a_time_of_its_own_gets_that_of_asking),
    cmocka_unit_test(an_attempt_is_durable_before_its_answer),
    cmocka_unit_test(the_same_key_and_body_is_the_same_evaluation),
    cmocka_unit_test(the_same_key_with_another_body_is_a_conflict),
    cmocka_unit_test(evaluations_without_a_key_never_meet),
    cmocka_unit_test(a_known_id_is_a_duplicate_and_changes_nothing),
    cmocka_unit_test(many_writes_share_few_commits_and_are_answered_in_order),
    cmocka_unit_test(a_refused_write_does_not_spoil_those_beside_it),
    cmocka_unit_test(closing_writes_and_answers_what_was_asked_for),
    cmocka_unit_test(the_open_ones_come_back_oldest_first_with_their_plans),
    cmocka_unit_test(what_was_run_is_kept_where_its_label_asks_for_it_and_nowhere_else),
    cmocka_unit_test(a_torn_end_of_the_log_costs_only_what_was_not_acknowledged),
    cmocka_unit_test(a_large_log_is_moved_into_the_database_at_leisure),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
