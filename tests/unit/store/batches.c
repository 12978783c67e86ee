/* What the store knows of a batch: each line once, counted in the transaction in which it happens. */

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH "20261122_195800_0000ba7c"

struct answer {
  bool done, is_there;
  enum store_result result;
  struct store_batch batch;
};

static void note(void *context, enum store_result result, const struct store_batch *batch, const struct error *error)
{
  struct answer *answer = context;
  assert_null(error);
  *answer = (struct answer){.done = true, .is_there = batch, .result = result};
  if (batch)
    answer->batch = *batch;
}

static struct answer open_now(struct fixture *fixture, const char *id, const char *key)
{
  struct answer answer = {0};
  store_batch_open(fixture->store, id, key, note, &answer);
  fixture_wait(fixture, &answer.done);
  return answer;
}

static struct store_batch get_batch(struct fixture *fixture)
{
  struct answer answer = {0};
  store_batch_get(fixture->store, BATCH, note, &answer);
  fixture_wait(fixture, &answer.done);
  assert_true(answer.is_there);
  return answer.batch;
}

static struct answer complete_now(struct fixture *fixture, uint64_t lines)
{
  struct answer answer = {0};
  store_batch_complete(fixture->store, BATCH, lines, note, &answer);
  fixture_wait(fixture, &answer.done);
  return answer;
}

static void reject_now(struct fixture *fixture, uint64_t line)
{
  struct answer answer = {0};
  store_batch_reject(fixture->store, BATCH, line, "[{\"path\":\"$\"}]", note, &answer);
  fixture_wait(fixture, &answer.done);
}

/* Evaluation `number` as the line of that number. */
static struct evaluation *line_make(unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  free(evaluation->idempotency_key);
  evaluation->idempotency_key = 0;
  evaluation->batch = xstrdup(BATCH);
  evaluation->batch_line = number;
  evaluation->body_digest = 1000 + number;
  return evaluation;
}

static struct accepted accept_line(struct fixture *fixture, unsigned number)
{
  struct evaluation *evaluation = line_make(number);
  struct accepted accepted = accept_now(fixture, evaluation);
  evaluation_destroy(evaluation);
  return accepted;
}

static void finish_line(struct fixture *fixture, unsigned number, enum verdict_kind kind)
{
  struct evaluation *evaluation = line_make(number);
  evaluation_end(evaluation, kind);
  evaluation_print(evaluation, STREAM_STDOUT, "out", 3);
  assert_int_equal(finish_now(fixture, evaluation), STORE_DONE);
  evaluation_destroy(evaluation);
}

struct listed_results {
  bool done, more;
  struct evaluation **items;
  size_t count;
};

static void note_results(void *context, struct evaluation **items, size_t count, bool more, const struct error *error)
{
  assert_null(error);
  *(struct listed_results *)context = (struct listed_results){true, more, items, count};
}

/* "line:place:outputs" of each, in order. */
static void assert_results(struct fixture *fixture, bool by_line, uint64_t after, const char *expected)
{
  struct listed_results found = {0};
  char text[256] = "";
  store_batch_results(fixture->store, BATCH, &(struct store_page){by_line, after, 10}, note_results, &found);
  fixture_wait(fixture, &found.done);
  for (size_t i = 0; i < found.count; i++) {
    const struct evaluation *evaluation = found.items[i];
    const struct outputs *outputs = evaluation->outputs;
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%d:%d:%s ", (int)evaluation->batch_line, (int)evaluation->batch_place,
             outputs ? (const char *)outputs->stream[STREAM_STDOUT].data->data : "open");
    evaluation_destroy(found.items[i]);
  }
  free(found.items);
  assert_string_equal(text, expected);
}

static void the_same_key_is_the_same_batch(void **state)
{
  struct fixture *fixture = *state;
  assert_int_equal(open_now(fixture, BATCH, "key").result, STORE_DONE);
  struct answer again = open_now(fixture, "20261122_195800_0000ffff", "key");
  assert_int_equal(again.result, STORE_STANDS);
  assert_string_equal(again.batch.id, BATCH);
  assert_int_equal(open_now(fixture, BATCH, "another").result, STORE_DUPLICATE);
  assert_int_equal(open_now(fixture, "20261122_195800_0000ffff", 0).result, STORE_DONE);
}

static void a_line_is_accepted_once(void **state)
{
  struct fixture *fixture = *state;
  open_now(fixture, BATCH, 0);
  assert_int_equal(accept_line(fixture, 1).result, STORE_DONE);
  struct evaluation *again = line_make(1), *other = line_make(2);
  snprintf(again->id, sizeof again->id, "20261122_195800_0000aaaa");
  struct accepted standing = accept_now(fixture, again);
  assert_int_equal(standing.result, STORE_STANDS);
  assert_string_not_equal(standing.standing_id, again->id);
  other->batch_line = 1;
  struct accepted conflict = accept_now(fixture, other);
  assert_int_equal(conflict.result, STORE_CONFLICT);
  assert_int_not_equal(conflict.standing_id[0], 0);
  assert_int_equal(get_batch(fixture).accepted, 1);
  evaluation_destroy(again);
  evaluation_destroy(other);
}

static void it_is_counted_what_becomes_of_the_lines(void **state)
{
  struct fixture *fixture = *state;
  open_now(fixture, BATCH, 0);
  for (unsigned line = 1; line <= 3; line++)
    accept_line(fixture, line);
  reject_now(fixture, 5);
  finish_line(fixture, 2, VERDICT_COMPLETED);
  finish_line(fixture, 1, VERDICT_FAILED);
  struct store_batch batch = get_batch(fixture);
  assert_false(batch.is_complete);
  assert_int_equal(batch.accepted, 3);
  assert_int_equal(batch.rejected, 1);
  assert_int_equal(batch.received, 5);
  assert_int_equal(batch.finished, 2);
  assert_int_equal(batch.verdicts[VERDICT_COMPLETED], 1);
  assert_int_equal(batch.verdicts[VERDICT_FAILED], 1);
  struct answer complete = complete_now(fixture, 6);
  assert_true(complete.batch.is_complete);
  assert_int_equal(complete.batch.lines, 6);
}

static bool batch_is_there(struct fixture *fixture)
{
  struct answer answer = {0};
  store_batch_get(fixture->store, BATCH, note, &answer);
  fixture_wait(fixture, &answer.done);
  return answer.is_there;
}

static void one_of_which_every_line_was_refused_goes_by_its_own_age(void **state)
{
  struct fixture *fixture = *state;
  open_now(fixture, BATCH, 0);
  reject_now(fixture, 1);
  usleep(2000);
  retain_now(fixture, 1, 0);
  assert_true(batch_is_there(fixture)); /* its other lines may still come */
  complete_now(fixture, 1);
  retain_now(fixture, 3600 * 1000, 0);
  assert_true(batch_is_there(fixture));
  retain_now(fixture, 1, 0);
  assert_false(batch_is_there(fixture));
}

static void one_with_an_open_line_stays_at_any_age(void **state)
{
  struct fixture *fixture = *state;
  open_now(fixture, BATCH, 0);
  accept_line(fixture, 1);
  complete_now(fixture, 1);
  usleep(2000);
  retain_now(fixture, 1, 0);
  assert_true(batch_is_there(fixture));
}

static void results_are_had_in_either_order_and_from_any_place(void **state)
{
  struct fixture *fixture = *state;
  open_now(fixture, BATCH, 0);
  for (unsigned line = 1; line <= 3; line++)
    accept_line(fixture, line);
  finish_line(fixture, 3, VERDICT_COMPLETED);
  finish_line(fixture, 1, VERDICT_COMPLETED);
  assert_results(fixture, false, 0, "3:1:out 1:2:out ");
  assert_results(fixture, false, 1, "1:2:out ");
  assert_results(fixture, true, 0, "1:2:out 2:0:open 3:1:out ");
  assert_results(fixture, true, 2, "3:1:out ");
}

static void a_refused_line_is_counted_once_and_may_be_mended(void **state)
{
  struct fixture *fixture = *state;
  open_now(fixture, BATCH, 0);
  reject_now(fixture, 1);
  reject_now(fixture, 2);
  reject_now(fixture, 1);
  assert_int_equal(get_batch(fixture).rejected, 2);
  assert_int_equal(accept_line(fixture, 1).result, STORE_DONE);
  struct store_batch batch = get_batch(fixture);
  assert_int_equal(batch.rejected, 1);
  assert_int_equal(batch.accepted, 1);
  assert_int_equal(batch.received, 2);
}

static void a_cancelled_batch_marks_what_is_open_and_takes_no_more(void **state)
{
  struct fixture *fixture = *state;
  struct answer cancelled = {0};
  open_now(fixture, BATCH, 0);
  accept_line(fixture, 1);
  accept_line(fixture, 2);
  finish_line(fixture, 1, VERDICT_COMPLETED);
  store_batch_cancel(fixture->store, BATCH, (struct wall){4711}, note, &cancelled);
  fixture_wait(fixture, &cancelled.done);
  assert_int_equal(cancelled.batch.cancelled_at.ms, 4711);
  struct accepted late = accept_line(fixture, 3);
  assert_int_equal(late.result, STORE_CONFLICT);
  assert_int_equal(late.standing_id[0], 0);
  struct evaluation *line = line_make(2), *open = get_now(fixture, line->id);
  assert_int_equal(open->cancelled_at.ms, 4711);
  evaluation_destroy(line);
  evaluation_destroy(open);
}

static void it_goes_with_the_last_of_its_evaluations(void **state)
{
  struct fixture *fixture = *state;
  struct answer asked = {0};
  open_now(fixture, BATCH, "key");
  accept_line(fixture, 1);
  accept_line(fixture, 2);
  reject_now(fixture, 3);
  finish_line(fixture, 1, VERDICT_COMPLETED);
  assert_int_equal(retain_now(fixture, 1, 0).removed, 1);
  assert_int_equal(get_batch(fixture).accepted, 2);
  finish_line(fixture, 2, VERDICT_COMPLETED);
  assert_int_equal(retain_now(fixture, 1, 0).removed, 1);
  store_batch_get(fixture->store, BATCH, note, &asked);
  fixture_wait(fixture, &asked.done);
  assert_false(asked.is_there);
  assert_int_equal(open_now(fixture, BATCH, "key").result, STORE_DONE);
  assert_int_equal(get_batch(fixture).rejected, 0);
}

static int set_up(void **state)
{
  *state = fixture_create();
  return 0;
}

static int tear_down(void **state)
{
  fixture_destroy(*state);
  return 0;
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    store_test(the_same_key_is_the_same_batch),
    store_test(a_line_is_accepted_once),
    store_test(it_is_counted_what_becomes_of_the_lines),
    store_test(one_of_which_every_line_was_refused_goes_by_its_own_age),
    store_test(one_with_an_open_line_stays_at_any_age),
    store_test(results_are_had_in_either_order_and_from_any_place),
    store_test(a_refused_line_is_counted_once_and_may_be_mended),
    store_test(a_cancelled_batch_marks_what_is_open_and_takes_no_more),
    store_test(it_goes_with_the_last_of_its_evaluations),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
